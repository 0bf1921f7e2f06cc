//! What must hold for the primitives whatever tasks do with them, and wherever these have to leave,
//! under each schedule; each law with a primitive that breaks it.

mod clients;
mod permits;
mod queues;
mod signals;
