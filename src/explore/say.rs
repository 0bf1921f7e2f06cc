/// Prints a line for people. A test that passes has no other way to say something.
#[expect(clippy::print_stderr, reason = "a test that passes has no other way to say something")]
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}

/// Prints a line at once, on the real standard error: the test harness captures what [`say`] prints until a test
/// is over.
pub(super) fn say_now(text: &str) {
    use std::io::Write as _;

    // If this cannot be read either, nothing is left to do.
    let _ = writeln!(std::io::stderr(), "{text}");
}
