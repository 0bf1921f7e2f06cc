//! Integration tests link the library with the feature `sim`.

extern crate dacapo_tokio as tokio;

use std::time::Duration;

use shop::Shop;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_customers_are_lucky() {
    let shop = Shop::new(2);
    let mut customers = JoinSet::new();
    for _ in 0..3 {
        let shop = shop.clone();
        customers.spawn(async move { shop.buy().await });
    }
    let lucky = customers.join_all().await.into_iter().filter(|lucky| *lucky).count();
    assert_eq!(lucky, 2);
}

/// Passes first in, first out. `DACAPO_SEARCH=1 cargo test` finds the bug.
#[tokio::test]
async fn one_of_two_customers_is_lucky() {
    let shop = Shop::new(1);
    let mut customers = JoinSet::new();
    for delay in [0, 20] {
        let shop = shop.clone();
        customers.spawn(async move {
            sleep(Duration::from_millis(delay)).await;
            shop.buy_at_once().await
        });
    }
    let lucky = customers.join_all().await.into_iter().filter(|lucky| *lucky).count();
    assert_eq!(lucky, 1);
}
