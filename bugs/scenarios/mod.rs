//! One published bug each, as a program that must hold under every schedule.

pub mod deadpool_max_size;
pub mod event_listener_waker;
pub mod flume_order;
pub mod tokio_mutex_cancelled;
pub mod tokio_rwlock_downgrade;
