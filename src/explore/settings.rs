use std::time::Duration;

use crate::session::Limits;

/// What a search may do, as a [`Builder`](crate::Builder) was told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) max_shrink_runs: usize,
    pub(crate) max_explain_runs: usize,
    pub(crate) max_step_time: Duration,
    pub(crate) max_shrink_time: Duration,
    pub(crate) max_explain_time: Duration,
    pub(crate) recheck_every: Option<usize>,
    pub(crate) fresh_process: bool,
    pub(crate) expected: Vec<String>,
}

impl Settings {
    pub(crate) const DEFAULT: Self = Self {
        limits: Limits::DEFAULT,
        max_shrink_runs: 5000,
        max_explain_runs: 4000,
        max_step_time: Duration::from_secs(20),
        max_shrink_time: Duration::from_secs(10),
        max_explain_time: Duration::from_secs(5),
        recheck_every: None,
        fresh_process: true,
        expected: Vec::new(),
    };
}
