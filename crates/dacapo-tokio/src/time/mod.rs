//! tokio's time. In a run it is virtual, and a report says what a task waits for.

mod clock;
mod sleep;
mod timeout;

#[doc(no_inline)]
pub use tokio::time::*;

pub use clock::{advance, pause, resume};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Timeout, timeout, timeout_at};
