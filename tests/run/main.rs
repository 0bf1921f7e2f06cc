//! Runs: tasks, time, cancellation, values, hosts, and what surrounds a run.

#[path = "../support/mod.rs"]
mod support;

mod as_tokio;
mod cancel;
mod driver;
mod groups;
mod hosts;
mod logs;
mod run_local;
mod runtime;
mod time;
mod tutorial;
mod values;
