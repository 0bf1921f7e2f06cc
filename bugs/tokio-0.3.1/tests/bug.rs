#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_rwlock_downgrade.rs"]
mod tokio_rwlock_downgrade;

use support::{FailureKind, found};

#[test]
fn tokio_rwlock_downgrade() {
    found(
        "tokio_rwlock_downgrade",
        tokio_rwlock_downgrade::scenario,
        FailureKind::Panic,
        "the price was changed under a reader",
    );
}
