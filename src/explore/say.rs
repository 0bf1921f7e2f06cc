/// Prints a line for people. A test that passes has no other way to say something.
#[expect(clippy::print_stderr, reason = "a test that passes has no other way to say something")]
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}
