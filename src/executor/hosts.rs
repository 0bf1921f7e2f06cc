//! Hosts: groups of tasks that can be killed at once, each with a clock.

use std::time::Duration;

use super::Executor;
use super::core::Core;
use crate::instant::Instant;
use crate::scheduler::TaskKey;

impl Core {
    /// The host of the current task.
    fn current_host(&self) -> u16 {
        self.session.current.and_then(|key| self.task(key)).map_or(0, |task| task.host)
    }

    /// What the clock of the current task's host says.
    #[inline]
    pub(super) fn local_now(&self) -> Instant {
        let now = self.session.now;
        match &self.session.clocks {
            None => now,
            Some(clocks) => clocks.read(self.current_host(), now),
        }
    }

    /// When in the run the clock of the current task's host reaches a deadline.
    #[inline]
    pub(super) fn due(&self, deadline: Instant) -> Instant {
        match &self.session.clocks {
            None => deadline,
            Some(clocks) => clocks.due(self.current_host(), deadline),
        }
    }
}

impl Executor {
    /// A number for one more host; `None` if there are as many as there can be.
    pub(crate) fn add_host(&self) -> Option<u16> {
        let mut session = self.session();
        session.hosts = session.hosts.checked_add(1)?;
        Some(session.hosts)
    }

    /// Puts a task that was just spawned on a host.
    pub(crate) fn move_to_host(&self, key: TaskKey, host: u16) {
        if let Some(task) = self.core().task_mut(key) {
            task.host = host;
        }
    }

    /// Drops all tasks of a host, in the order of spawning. Their destructors run now. If the current task is
    /// one of them, it is dropped when its poll is over.
    pub(crate) fn kill_host(&self, host: u16) {
        let current = self.current_task();
        // Destructors may spawn tasks on the host, which are killed too.
        loop {
            let core = self.core();
            let mut keys = core.in_order();
            keys.retain(|key| {
                let task = core.task(*key).filter(|task| task.host == host);
                task.is_some_and(|task| !task.has_ended() && !task.aborted)
            });
            drop(core);
            if keys.is_empty() {
                break;
            }
            for key in keys {
                if Some(key) == current {
                    self.abort(key);
                    continue;
                }
                if self.has_ended(key) {
                    continue;
                }
                let failed = self.drop_task(key);
                let mut session = self.session();
                session.current = current;
                if let Some(failed) = failed {
                    session.fail(failed);
                }
            }
        }
        self.core().forget_dropped();
    }

    /// Moves the clock of a host ahead.
    pub(crate) fn advance_clock(&self, host: u16, by: Duration) {
        let mut session = self.session();
        let now = session.now;
        let clocks = session.clocks.get_or_insert_default();
        let drift_ppm = clocks.drift_ppm(host);
        clocks.set(host, now, by, drift_ppm);
    }

    /// Sets by how many millionths the clock of a host runs fast, or slow if negative.
    pub(crate) fn set_drift(&self, host: u16, drift_ppm: i32) {
        let mut session = self.session();
        let now = session.now;
        session.clocks.get_or_insert_default().set(host, now, Duration::ZERO, drift_ppm);
    }
}
