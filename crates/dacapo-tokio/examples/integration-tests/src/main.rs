//! Runs on tokio itself, whatever the tests do.

use std::time::Instant;

use shop::Shop;

#[tokio::main]
async fn main() {
    let start = Instant::now();
    let shop = Shop::new(2);
    let customers = [(); 3].map(|()| {
        let shop = shop.clone();
        tokio::spawn(async move { shop.buy().await })
    });
    let mut sold = 0;
    for customer in customers {
        sold += u32::from(customer.await.expect("a customer does not panic"));
    }
    println!("sold {sold} in {} ms", start.elapsed().as_millis());
}
