//! Turns within a [`Driver`].

use std::rc::Rc;

use super::Executor;
use super::turns::{After, Main};
use crate::instant::Instant;
use crate::session::Driver;
use crate::trace::Record;

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
                after = self.one_turn(main);
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
        let mut core = self.core();
        let now = Instant::START + now;
        if now > core.session.now {
            core.session.now = now;
            core.session.record(Record::advance(now));
        }
        drop(core);
        self.fire_timers();
        true
    }
}
