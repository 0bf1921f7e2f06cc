#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_rwlock_downgrade.rs"]
mod tokio_rwlock_downgrade;

use support::passes;

#[test]
fn tokio_rwlock_downgrade() {
    passes("tokio_rwlock_downgrade", tokio_rwlock_downgrade::scenario);
}
