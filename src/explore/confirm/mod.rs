//! Whether a run can be repeated: in this process and in a fresh one.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod parting;
pub(crate) mod process;
pub(crate) mod recheck;
pub(crate) mod witness;
