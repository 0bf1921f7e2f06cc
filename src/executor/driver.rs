//! Turns within a [`Driver`].

use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use super::Executor;
use super::joiners::HANDLE;
use super::turns::{After, Main};
use crate::instant::Instant;
use crate::scheduler::TaskKey;
use crate::session::Driver;

impl Executor {
    pub(super) fn driver(&self) -> Option<Rc<dyn Driver>> {
        self.driver.borrow().clone()
    }

    /// Polls tasks within a driver, as long as `goes_on` says so.
    pub(super) fn take_driven_turns(
        &self,
        driver: &dyn Driver,
        main: &mut dyn Main,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> After {
        loop {
            let mut after = After::Turn;
            let mut is_over = false;
            driver.turns(&mut || {
                is_over = !goes_on();
                if is_over {
                    return false;
                }
                let mut core = self.core();
                core.flush_woken();
                let is_observed = core.session.is_observed;
                drop(core);
                after = self.one_turn(is_observed, main);
                matches!(after, After::Turn)
            });
            match after {
                After::Turn if is_over => return after,
                After::Turn => {}
                After::Idle if self.pass_driven_time(driver) => {}
                After::Idle => return After::Stuck,
                last => return last,
            }
        }
    }

    fn pass_driven_time(&self, driver: &dyn Driver) -> bool {
        self.rest();
        let next = self.core().next_jump().filter(|next| *next != Instant::FAR_FUTURE);
        let Some(now) = driver.pass_time(next.map(Instant::since_start)) else { return false };
        self.move_clock(now);
        true
    }

    /// Moves the clock forward, to a time since the start of the run, and fires the timers that are due.
    pub(crate) fn move_clock(&self, now: Duration) {
        let mut core = self.core();
        let now = Instant::START + now;
        if now > core.session.now {
            core.jump(now);
        }
        drop(core);
        self.fire_timers();
    }

    /// Whether a task is ready.
    pub(crate) fn has_ready(&self) -> bool {
        self.core().has_ready()
    }

    /// Spawns a task that does the work of a driver. It is a child of main, but is not counted among them.
    pub(crate) fn spawn_helper(
        &self,
        name: &str,
        future: impl Future<Output = ()> + 'static,
    ) -> Option<TaskKey> {
        let spawner = self.session().current.take();
        let key = self.spawn(Some(name), &mut Some(future), None);
        let mut core = self.core();
        core.session.current = spawner;
        let key = key?;
        core.forget_child();
        if let Some(task) = core.task_mut(key) {
            (task.traits.detached, task.traits.helper) = (true, true);
        }
        Some(key)
    }

    /// Calls a waker when a task ends that nothing awaits yet. Returns `false` if it has ended.
    pub(crate) fn wake_at_end(&self, key: TaskKey, waker: &Waker) -> bool {
        let wakee = self.wakee(waker);
        let mut core = self.core();
        let Some(task) = core.task_mut(key).filter(|task| !task.has_ended()) else { return false };
        let replaced = task.insert_joiner(HANDLE, wakee);
        drop(core);
        drop(replaced);
        true
    }

    /// Drops the future of a task at once, unless it is being polled. What is left of the task ends in its next
    /// turn.
    pub(crate) fn abort_now(&self, key: TaskKey) {
        self.abort(key);
        let mut core = self.core();
        let current = core.session.current;
        let Some(task) = core.task_mut(key).filter(|task| !task.has_ended()) else { return };
        let Some(mut cell) = task.cell.take() else { return };
        core.session.current = Some(key);
        drop(core);
        let dropped = self.catch(|| cell.as_mut().clear());
        let mut core = self.core();
        core.session.current = current;
        if let Some(task) = core.task_mut(key) {
            task.put(Some(cell));
        }
        drop(core);
        drop(dropped);
    }
}
