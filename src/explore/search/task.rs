//! What all parts of a check know.

use crate::explore::last_words::Known;
use crate::explore::outside::case::{Case, Drawing, Shown};
use crate::explore::outside::env::Env;
use crate::explore::outside::regressions;
use crate::explore::outside::test_id::TestId;
use crate::explore::settings::Settings;

/// What all parts of a check know.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) env: &'a Env,
    pub(crate) test: &'a TestId,
    /// Draws the input of the test, if it has one.
    pub(crate) drawing: Option<&'a dyn Drawing>,
    /// Where it is noted how far the check has come.
    pub(crate) known: &'a Known,
}

impl Task<'_> {
    /// Draws the input of a case from the environment. Returns what it looks like now, if it has changed.
    #[track_caller]
    pub(crate) fn load(self, case: &Case) -> Option<Shown> {
        match regressions::load(self.drawing, case) {
            Ok(other) => other,
            Err(mistake) => panic!("dacapo: {}: DACAPO_REPLAY={case} {mistake}", self.test.name()),
        }
    }
}
