//! dacapo beside other simulators: the same programs on shuttle and on madsim.
//!
//! The primitives are those of `dacapo::sync` everywhere, which need no particular executor, so that
//! what differs is the runtime and the order of tasks.

#![forbid(unsafe_code)]

#[cfg(not(madsim))]
compile_error!(
    "madsim simulates nothing without `--cfg madsim`: run cargo in benches/peers, where \
     .cargo/config.toml sets it"
);

pub mod first_failure;
pub mod quiet;
pub mod speed;
pub mod world;

#[path = "../../../tests/zoo/programs/mod.rs"]
pub mod programs;
#[path = "../../search/mod.rs"]
pub mod search;
