//! Other processes: the same program, asked to run one test alone.

use std::ffi::OsStr;
use std::io;
pub(crate) use std::process::ExitStatus;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::explore::outside::test_id::{TestId, program};

/// How long one sleeps while another process is waited for.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);

/// Another process that runs this very program. It is killed when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Runs this test once more, with these variables. What it prints goes nowhere.
    ///
    /// # Errors
    ///
    /// If that cannot be done, with the reason.
    pub(crate) fn start(test: &TestId, variables: &[(&str, &OsStr)]) -> Result<Self, String> {
        Self::start_with(test, variables, Stdio::null())
    }

    /// The same with a pipe as its input. This process has the other end as long as it lives.
    ///
    /// # Errors
    ///
    /// As [`Process::start`].
    pub(crate) fn start_tied(test: &TestId, variables: &[(&str, &OsStr)]) -> Result<Self, String> {
        Self::start_with(test, variables, Stdio::piped())
    }

    fn start_with(
        test: &TestId,
        variables: &[(&str, &OsStr)],
        input: Stdio,
    ) -> Result<Self, String> {
        let program = program().ok_or("this program has no path")?;
        let arguments = test.arguments().ok_or("which test this thread belongs to is not known")?;
        let child = Command::new(program)
            .args(arguments)
            .env("DACAPO_TEST", test.name())
            .envs(variables.iter().copied())
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the process could not be started: {error}"))?;
        Ok(Self(child))
    }

    /// How the process has ended, if it has.
    ///
    /// # Errors
    ///
    /// If the operating system does not say.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        self.0.try_wait().map_err(|error| error.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail if it has ended, which is just as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "another process takes real time")]
pub(crate) fn pause() {
    std::thread::sleep(PAUSE);
}

/// The same for what takes longer; returns how long it was.
#[expect(clippy::disallowed_methods, reason = "another process takes real time")]
pub(crate) fn pause_long() -> Duration {
    const LONG: Duration = Duration::from_millis(50);
    std::thread::sleep(LONG);
    LONG
}

/// Calls `f` each second, in a thread of its own, until the process ends.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread that does not come back cannot look at itself"
)]
pub(crate) fn each_second(f: impl Fn() + Send + 'static) {
    // Without a thread, there is no watchdog.
    let _ = std::thread::Builder::new().name("dacapo watchdog".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            f();
        }
    });
}

/// The names of the tests of this binary, if its harness tells them.
pub(crate) fn list_of_tests() -> Option<Vec<String>> {
    // A harness that does not know this option runs the tests, which then fail at once because of the variable.
    let child = Command::new(program()?)
        .args(["--list", "--format", "terse"])
        .env("DACAPO_LIST", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(child.stdout).ok()?;
    let tests = text.lines().filter_map(|line| line.strip_suffix(": test"));
    let tests: Vec<String> = tests.map(str::to_owned).collect();
    (child.status.success() && !tests.is_empty()).then_some(tests)
}

/// Whether a test binary has ended as it does when a test has failed.
pub(crate) fn has_failed_as_a_test(status: ExitStatus) -> bool {
    status.code() == Some(FAILED)
}

/// The code with which a test binary ends that has failed.
const FAILED: i32 = 101;

/// Ends this process because one of its threads cannot be stopped otherwise.
pub(crate) fn give_up() -> ! {
    std::process::exit(FAILED)
}

/// Ends this process, which was started for what it has now done.
pub(crate) fn leave(done: bool) -> ! {
    std::process::exit(i32::from(!done))
}

/// Ends this process, which was started tied to another, when that one has ended: also if it was killed,
/// and also if this one never comes back from a run.
/// A thread waits for the end of the input and does nothing else, so that no run can notice it.
#[expect(clippy::disallowed_methods, reason = "a thread that is stuck in a run cannot look")]
pub(crate) fn end_with_starter() {
    std::thread::spawn(|| {
        // Nothing is ever written, so this returns at the end of the input, or at once if there is no
        // input.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        leave(false)
    });
}
