//! tokio's interface in runs of dacapo.

// As a user has it.
extern crate dacapo_tokio as tokio;

mod attribute;
mod features;
mod outside;
mod raw;
mod runtimes;
mod sets;
mod support;
mod tasks;
mod time;
