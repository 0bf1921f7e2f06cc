//! Crates that need tokio's runtime, as they are published. They link tokio itself and spawn on it; the code of the
//! tests is written for tokio, and gets the facade under its name.

extern crate dacapo_tokio as tokio;

mod axum;
mod bb8;
mod deadpool;
mod hyper;
mod tokio_stream;
mod tokio_util;
mod tower;
