#[path = "../../scenarios/flume_order.rs"]
mod flume_order;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn flume_order() {
    found("flume_order", flume_order::scenario, FailureKind::Panic, "readings out of order");
}
