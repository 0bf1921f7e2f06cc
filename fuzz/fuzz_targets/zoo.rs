//! The programs of the zoo, each with a bug. Which one, and the schedule, are read from the bytes.
//! `ZOO=name` runs only that program.
#![no_main]
#![allow(unreachable_pub, dead_code)]

#[path = "fails.rs"]
mod fails;
#[path = "../../tests/zoo/programs/mod.rs"]
mod programs;
#[path = "../../tests/zoo/world.rs"]
mod world;

use std::sync::LazyLock;

use dacapo::Schedule;
use libfuzzer_sys::fuzz_target;
use programs::Program;

static PROGRAMS: LazyLock<Vec<&'static Program>> = LazyLock::new(|| {
    let asked = std::env::var("ZOO").ok();
    let is_asked = |program: &&Program| asked.as_ref().is_none_or(|asked| asked == program.name);
    let programs: Vec<_> = programs::all().filter(is_asked).collect();
    assert!(!programs.is_empty(), "ZOO={}: there is no such program", asked.unwrap_or_default());
    programs
});

fuzz_target!(|input: (u8, Schedule)| {
    let program = PROGRAMS[usize::from(input.0) % PROGRAMS.len()];
    fails::report(input.1, program.name, async || program.broken().await);
});
