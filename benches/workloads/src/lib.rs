//! Six workloads, and three ways to run them: dacapo, the floor, and a bare poll in a loop.

#![forbid(unsafe_code)]

mod cores;
pub mod cpu;
pub mod scale;
pub mod workload;
pub mod world;

pub use workload::Workload;
pub use world::World;
