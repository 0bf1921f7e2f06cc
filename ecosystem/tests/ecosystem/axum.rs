use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use ecosystem::{check_finds, check_outcomes, millis};
use tokio::sync::Mutex;
use tokio::time::sleep;
use tower::ServiceExt;

#[derive(Clone, Default)]
struct Shop {
    left: Arc<Mutex<u32>>,
}

/// Looks, charges, and sells. Another request may come in between.
async fn buy(State(shop): State<Shop>) -> StatusCode {
    if *shop.left.lock().await == 0 {
        return StatusCode::GONE;
    }
    sleep(millis(5)).await;
    let mut left = shop.left.lock().await;
    match left.checked_sub(1) {
        Some(rest) => *left = rest,
        None => return StatusCode::INTERNAL_SERVER_ERROR,
    }
    StatusCode::OK
}

/// The answers to two requests, each after a delay by choice.
async fn two_requests() -> [u16; 2] {
    let shop = Shop { left: Arc::new(Mutex::new(1)) };
    let app = Router::new().route("/buy", post(buy)).with_state(shop);
    let requests = [(), ()].map(|()| {
        let app = app.clone();
        tokio::spawn(async move {
            sleep(millis(4 * dacapo::choose("delay", 3) as u64)).await;
            let request = Request::post("/buy").body(Body::empty()).unwrap();
            app.oneshot(request).await.unwrap().status().as_u16()
        })
    });
    let [first, second] = requests;
    let mut answers = [first.await.unwrap(), second.await.unwrap()];
    answers.sort_unstable();
    answers
}

#[test]
fn a_router_answers() {
    check_outcomes(&["[200, 410]", "[200, 500]"], two_requests);
}

#[test]
fn a_race_of_handlers_is_found() {
    check_finds("sold out after the charge", async || {
        assert!(!two_requests().await.contains(&500), "sold out after the charge");
    });
}
