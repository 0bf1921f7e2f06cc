#[path = "../../scenarios/flume_order.rs"]
mod flume_order;
#[path = "../../support/mod.rs"]
mod support;

use support::{Failure, found};

#[test]
fn flume_order() {
    found("flume_order", flume_order::scenario, Failure::is_panic, "readings out of order");
}
