//! Searches: schedulers, faults, failures that are found, shrunk, explained, confirmed and kept.

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod bank;
mod cancel_sweep;
mod claims;
mod determinism;
mod endings;
mod endless;
mod explain;
mod explore;
mod faults;
mod hashes;
mod honesty;
mod identity;
mod jobs;
mod linearize;
mod marks;
mod properties;
mod published;
mod regressions;
mod schedule_values;
mod schedulers;
mod search;
mod shrink;
mod state_machines;
mod sweeps;
mod visible;
