//! How this process was started: the options of cargo that a line to paste needs, too.

use std::path::Path;

/// Options of cargo that change what is built, each with its value.
const WITH_VALUE: [&str; 7] = [
    "--features",
    "-F",
    "--profile",
    "--cargo-profile",
    "--target",
    "--target-dir",
    "--manifest-path",
];
const WITHOUT_VALUE: [&str; 4] = ["--all-features", "--no-default-features", "--release", "-r"];

/// The options with which cargo was started that started this process, as text to be pasted, with a blank before
/// each. Empty if that is not known: then what is pasted builds the test with default features.
pub(crate) fn cargo_options() -> String {
    parent_arguments().map_or_else(String::new, |arguments| options(&arguments))
}

fn options(arguments: &[String]) -> String {
    let is_cargo = arguments.first().is_some_and(|program| {
        let name = Path::new(program).file_stem().unwrap_or_default().to_string_lossy();
        name == "cargo" || name.starts_with("cargo-")
    });
    // What follows this is for the tests.
    let own = arguments.iter().take_while(|argument| *argument != "--");
    let mut own = own.filter(|_| is_cargo);
    let mut text = String::new();
    while let Some(argument) = own.next() {
        let name = argument.split('=').next().unwrap_or_default();
        if WITHOUT_VALUE.contains(&argument.as_str()) {
            text += &format!(" {argument}");
        } else if WITH_VALUE.contains(&name) {
            // nextest has a profile of its own, and another word for cargo's.
            let option = argument.replace("--cargo-profile", "--profile");
            if name == "--profile" && arguments.iter().any(|argument| argument == "nextest") {
                own.next();
                continue;
            }
            text += &format!(" {}", quoted(&option));
            if !argument.contains('=')
                && let Some(value) = own.next()
            {
                text += &format!(" {}", quoted(value));
            }
        }
    }
    text
}

/// The arguments of the process that started this one.
#[cfg(target_os = "linux")]
fn parent_arguments() -> Option<Vec<String>> {
    let parent = std::os::unix::process::parent_id();
    let bytes = std::fs::read(format!("/proc/{parent}/cmdline")).ok()?;
    let arguments = bytes.split(|byte| *byte == 0);
    Some(arguments.map(|argument| String::from_utf8_lossy(argument).into_owned()).collect())
}

#[cfg(not(target_os = "linux"))]
fn parent_arguments() -> Option<Vec<String>> {
    None
}

/// The option that names the target of this test binary, with a blank before it, if the sources of the package show
/// which it is. Without it, a target beside it that does not compile would be in the way.
pub(crate) fn target_option(package: &Path, stem: &str) -> String {
    // In the name of a binary, a hyphen is an underscore.
    for name in [stem.to_owned(), stem.replace('_', "-")] {
        let is_there = |path: String| package.join(path).is_file();
        if is_there(format!("tests/{name}.rs")) || is_there(format!("tests/{name}/main.rs")) {
            return format!(" --test {}", quoted(&name));
        }
    }
    String::new()
}

/// A word for a POSIX shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.contains(char::is_control) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    // As bash, zsh and ksh read it; a terminal obeys none of it.
    let escape = |c: char| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if c.is_control() => c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
        c => c.to_string(),
    };
    format!("$'{}'", word.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expectation: &str) {
        let arguments: Vec<String> = command.split(' ').map(str::to_owned).collect();
        assert_eq!(options(&arguments), expectation, "{command}");
    }

    #[test]
    fn what_changes_the_build_is_kept() {
        check("cargo test", "");
        check("/usr/bin/cargo test -p bank --all-features deposits", " --all-features");
        check(
            "cargo test --features net,tokio --release -- --exact x",
            " --features net,tokio --release",
        );
        check("cargo test -F net --no-default-features", " -F net --no-default-features");
        check("cargo test --features=net --profile dev-fast", " --features=net --profile dev-fast");
        check("cargo t --manifest-path x/Cargo.toml", " --manifest-path x/Cargo.toml");
        check("cargo test -- --features", "");
        check(
            "cargo-nextest nextest run --profile ci --cargo-profile fast -r",
            " --profile fast -r",
        );
        check("bash run --features x", "");
    }

    #[test]
    fn words_are_quoted_if_need_be() {
        let words = ["plain-1.0", "", "two words", "it's", "a$b"].map(quoted);
        assert_eq!(quoted("\u{1b}[1mit's"), r"$'\x1b[1mit\'s'");
        assert_eq!(words, ["plain-1.0", "''", "'two words'", r"'it'\''s'", "'a$b'"]);
    }
}
