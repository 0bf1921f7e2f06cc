//! A shop that sells what it has.

// This is all that the crate has of dacapo: in tests, `tokio` is the facade.
#[cfg(any(test, feature = "sim"))]
extern crate dacapo_tokio as tokio;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;

/// A shop, which many customers share.
#[derive(Clone)]
pub struct Shop {
    left: Arc<Mutex<u32>>,
}

impl Shop {
    /// A shop with this many things to sell.
    pub fn new(left: u32) -> Self {
        Self { left: Arc::new(Mutex::new(left)) }
    }

    /// Sells one, if there is one left. Returns whether it did.
    pub async fn buy(&self) -> bool {
        let mut left = self.left.lock().await;
        if *left == 0 {
            return false;
        }
        charge().await;
        *left -= 1;
        true
    }

    /// The same, but the lock is given back while the customer is charged, so that it may sell too many.
    pub async fn buy_at_once(&self) -> bool {
        if *self.left.lock().await == 0 {
            return false;
        }
        charge().await;
        let mut left = self.left.lock().await;
        *left = left.saturating_sub(1);
        true
    }
}

async fn charge() {
    sleep(Duration::from_millis(20)).await;
}
