#[path = "../../scenarios/flume_order.rs"]
mod flume_order;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn flume_order() {
    passes("flume_order", flume_order::scenario);
}
