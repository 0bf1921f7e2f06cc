//! What people read: text made from traces, failures and outcomes. Nothing in here runs anything.

mod acts;
mod backtrace;
mod cancelled;
mod columns;
mod compact;
mod deviations;
mod difference;
mod effort;
mod explanation;
mod failure;
mod fold;
mod format;
mod html;
mod json;
mod legend;
mod log;
mod marbles;
mod marks;
mod mermaid;
mod perfetto;
mod progress;
mod sentence;
#[cfg(feature = "serde")]
mod serialize;
mod story;
mod table;
mod words;

pub(crate) use backtrace::own_frames;
pub(crate) use cancelled::cancelled_at;
pub(crate) use deviations::deviations;
pub(crate) use difference::{Difference, difference};
pub(crate) use effort::{EffortReport, PassReport};
pub use explanation::Explanation;
pub(crate) use explanation::{Chances, Proof, Scene, Stance, Why};
pub(crate) use failure::{
    FailureReport, NondeterminismReport, ToldReport, USUAL_CAUSES, account, shorten, shrunk,
};
use format::in_order;
pub(crate) use format::{count, grouped, indent};
pub use html::Html;
pub(crate) use marks::marks;
pub(crate) use progress::{Findings, Stage, stage};
pub(crate) use sentence::sentence;
pub(crate) use table::{Row, table};
