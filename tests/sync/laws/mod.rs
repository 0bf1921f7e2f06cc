//! What holds for the primitives under each schedule, whatever tasks do with them and wherever they are
//! stopped. Each law comes with a primitive that breaks it.

mod clients;
mod permits;
mod queues;
mod signals;
