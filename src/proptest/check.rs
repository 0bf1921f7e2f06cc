//! What the macro `proptest!` expands to.

use std::rc::Rc;

use ::proptest::test_runner::{Config, RngSeed, TestCaseError, contextualize_config};

use super::arguments::{Drawn, List};
use crate::explore::{Builder, Effort, Property, TestId, check_property};
use crate::scheduler::{Portfolio, Scheduler};

/// How many seeds each input has, if the test does not say.
const SEEDS: u64 = 16;

/// The scheduler of each input, if the test names none.
pub fn default_scheduler() -> impl Scheduler + 'static {
    Portfolio::seeds(0..SEEDS)
}

/// A test with its module, name, and package, and its settings.
#[derive(Debug)]
pub struct Test<S> {
    /// As `module_path!` has it.
    pub module: &'static str,
    /// Its name.
    pub function: &'static str,
    /// The directory of its package.
    pub package: Option<&'static str>,
    /// Of its runs.
    pub builder: Builder,
    /// Of its inputs.
    pub config: Config,
    /// Makes one for each input.
    pub scheduler: S,
}

impl<M, S> Test<M>
where
    M: Fn() -> S + 'static,
    S: Scheduler + 'static,
{
    /// Runs it.
    #[track_caller]
    pub fn check<L: List>(
        self,
        list: L,
        body: impl AsyncFn(L::Values) -> Result<(), TestCaseError>,
    ) {
        let config = contextualize_config(self.config);
        let effort = Effort {
            inputs: config.cases,
            max_rejected: config.max_global_rejects,
            max_shrink_tries: config.max_shrink_iters(),
            seed: match config.rng_seed {
                RngSeed::Fixed(seed) => seed,
                // A test is a function of its source.
                RngSeed::Random => 0,
            },
        };
        let list = Rc::new(list);
        let drawn = Drawn { list: Rc::clone(&list), config };
        let make = self.scheduler;
        let property =
            Rc::new(Property::new(Box::new(drawn), effort, Box::new(move || Box::new(make()))));
        let judge = |output: Result<(), TestCaseError>| match output {
            Ok(()) => Ok(String::new()),
            Err(TestCaseError::Reject(why)) => {
                property.reject(why.to_string());
                Ok(format!("rejected: {why}"))
            }
            Err(TestCaseError::Fail(why)) => Err(why.to_string()),
        };
        let test = TestId::new(self.module, self.function, self.package);
        let body = async || body(list.values()).await;
        check_property(self.builder.settings(), &test, Rc::clone(&property), body, judge);
    }
}
