//! Hosts: groups of tasks that live and die together, like the processes of one machine.
//!
//! A task runs on the host of the task that spawned it; main runs on the host of the test. A host can be killed,
//! and its clock can differ from the others.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::executor::{self, RunId};
use crate::task::{JoinHandle, spawn_as};

/// A group of tasks that can be killed at once, with a clock of its own.
///
/// ```
/// use std::time::Duration;
/// use dacapo::host::Host;
/// use dacapo::time::sleep;
///
/// let run = dacapo::run(async || {
///     let server = Host::new("server");
///     let serving = server.spawn(async {
///         dacapo::spawn(async { sleep(Duration::from_secs(60)).await }); // on the server, too
///         sleep(Duration::from_secs(3600)).await;
///     });
///     sleep(Duration::from_secs(1)).await;
///     server.kill();
///     assert!(serving.await.unwrap_err().is_cancelled());
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(1));
/// ```
#[derive(Clone)]
pub struct Host {
    run: RunId,
    number: u16,
    name: String,
}

impl Host {
    /// A host without tasks.
    ///
    /// # Panics
    ///
    /// Outside of a run, or if the run has 65,535 hosts already.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        let (run, number) =
            executor::with("Host::new", |executor| (executor.id(), executor.add_host()));
        let number = number.expect("dacapo: a run has at most 65,535 hosts; reuse those you have");
        Self { run, number, name: name.into() }
    }

    /// The name that it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Spawns a task on this host, as [`spawn`](crate::spawn) does on the current one.
    ///
    /// Tasks that it spawns are on this host too. A host that was killed can run new tasks: that is how you
    /// restart it.
    ///
    /// # Panics
    ///
    /// Outside of the run that made the host, or if there are more tasks than
    /// [`Builder::max_tasks`](crate::Builder::max_tasks) allows.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: 'static> + 'static,
    {
        self.check_run("Host::spawn");
        let handle = spawn_as("Host::spawn", None, future, Location::caller());
        executor::with("Host::spawn", |executor| {
            executor.move_to_host(handle.key(), self.number);
        });
        handle
    }

    /// Kills all tasks of this host, in the order of spawning.
    ///
    /// Their futures are dropped before this returns, and nothing of them runs any more except destructors. A task
    /// that awaits one of them gets a [`JoinError`](crate::task::JoinError) that is cancelled. If a task kills its
    /// own host, it is dropped at its next await.
    ///
    /// # Panics
    ///
    /// Outside of the run that made the host.
    #[track_caller]
    pub fn kill(&self) {
        self.check_run("Host::kill");
        executor::with("Host::kill", |executor| executor.kill_host(self.number));
    }

    /// Moves the clock of this host ahead, so that [`Instant::now`](crate::time::Instant::now) is later on it.
    ///
    /// Sleeps and timeouts that are going on end when they would have ended without this.
    ///
    /// # Panics
    ///
    /// Outside of the run that made the host.
    #[track_caller]
    pub fn advance_clock(&self, by: Duration) {
        self.check_run("Host::advance_clock");
        executor::with("Host::advance_clock", |executor| executor.advance_clock(self.number, by));
    }

    /// Sets by how many millionths the clock of this host runs fast, or slow if negative, from now on. 0 by
    /// default.
    ///
    /// Where the clock runs fast, a sleep is short. Sleeps and timeouts that are going on end when they would have
    /// ended without this.
    ///
    /// # Panics
    ///
    /// If the clock would stand still or go backwards: at -1,000,000 or less. Outside of the run that made the
    /// host.
    #[track_caller]
    pub fn set_clock_drift(&self, millionths: i32) {
        assert!(
            millionths > -1_000_000,
            "dacapo: a clock that is slower by {millionths} millionths would not go forward; give \
             more than -1,000,000"
        );
        self.check_run("Host::set_clock_drift");
        executor::with("Host::set_clock_drift", |executor| {
            executor.set_drift(self.number, millionths);
        });
    }

    #[track_caller]
    fn check_run(&self, what: &str) {
        let is_here = executor::with(what, |executor| executor.id() == self.run);
        assert!(
            is_here,
            "dacapo: `{what}` was called for the host `{}` of another run; make the host inside the \
             test body",
            self.name
        );
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("name", &self.name).finish_non_exhaustive()
    }
}
