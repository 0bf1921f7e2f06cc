//! A runtime for each seed, as `#[madsim::test]` makes them. It makes a thread for each as well, which
//! has no influence on the order.

use std::cell::Cell;

use madsim::Config;
use madsim::runtime::Runtime;

use super::Found;
use crate::programs::Program;
use crate::quiet::caught;
use crate::search::base_seed;

pub(super) fn search(program: &Program, fixed: bool, nth: u64, most: u64) -> Found {
    let started = Cell::new(0);
    let ended = caught(|| {
        for seed in base_seed(nth)..base_seed(nth) + most {
            started.set(started.get() + 1);
            let runtime = Runtime::with_seed_and_config(seed, Config::default());
            runtime.block_on(async {
                if fixed {
                    program.fixed().await;
                } else {
                    program.broken().await;
                }
            });
        }
    });
    match ended {
        Ok(()) => Found::Nothing,
        Err(panic) => Found::Failure(started.get(), Some(panic)),
    }
}
