//! Hosts: groups of tasks that can be killed at once, each with a clock.

use std::time::Duration;

use super::Executor;
use super::core::Core;
use super::tasks::{State, Task};
use crate::instant::Instant;
use crate::scheduler::TaskKey;

impl Core {
    /// The host of the current task.
    fn current_host(&self) -> u16 {
        self.session.current.and_then(|key| self.task(key)).map_or(0, |task| task.host)
    }

    /// Lists a task that was spawned on a host, or moved to one.
    #[cold]
    pub(super) fn list_on_host(&mut self, key: TaskKey, host: u16) {
        let Self { tasks, hosts, .. } = self;
        let place = usize::from(host);
        if hosts.len() <= place {
            hosts.resize_with(place + 1, Vec::new);
        }
        let listed = &mut hosts[place];
        if listed.len() == listed.capacity() {
            // So often that the list is never much longer than the number of its tasks.
            listed.retain(|&key| tasks.get(key).is_some_and(|task| task.is_alive_on(host)));
            listed.reserve(listed.len() + 1);
        }
        listed.push(key);
    }

    /// The tasks of a host that have not ended, in the order of spawning.
    fn take_tasks_of(&mut self, host: u16) -> Vec<TaskKey> {
        let mut listed =
            self.hosts.get_mut(usize::from(host)).map(std::mem::take).unwrap_or_default();
        listed.retain(|&key| self.tasks.get(key).is_some_and(|task| task.is_alive_on(host)));
        listed
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

impl Task {
    /// Whether it is on this host, and goes on.
    fn is_alive_on(&self, host: u16) -> bool {
        self.host == host && !self.has_ended() && !self.aborted
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
        let mut core = self.core();
        if let Some(task) = core.task_mut(key)
            && task.host != host
        {
            task.host = host;
            core.list_on_host(key, host);
        }
    }

    /// Drops all tasks of a host, in the order of spawning. Their destructors run now. If the current task is
    /// one of them, it is dropped when its poll is over.
    pub(crate) fn kill_host(&self, host: u16) {
        let current = self.current_task();
        let mut was_ready = false;
        // Destructors may spawn tasks on the host, which are killed too.
        loop {
            let keys = self.core().take_tasks_of(host);
            if keys.is_empty() {
                break;
            }
            for key in keys {
                if Some(key) == current {
                    self.abort(key);
                    continue;
                }
                let core = self.core();
                let Some(task) = core.task(key).filter(|task| !task.has_ended()) else { continue };
                was_ready |= task.state == State::Ready;
                drop(core);
                let failed = self.drop_task(key);
                let mut session = self.session();
                session.current = current;
                if let Some(failed) = failed {
                    session.fail(failed);
                }
            }
        }
        if was_ready {
            self.core().forget_dropped();
        }
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
