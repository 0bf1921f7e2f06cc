//! What primitives still hold at the end of a run.

use crate::failure::{Failure, Kind};
use crate::report::{cancelled_at, count};
use crate::session::{Holding, Holdings};
use crate::trace::Trace;

/// What is left behind at the end of a run that is not at the end of the first one. Primitives are
/// compared in the order of their first use, as far as they are alike.
pub(crate) fn leak(first: &[Holdings], holdings: &[Holdings], trace: &Trace) -> Option<Failure> {
    let alike =
        |(first, now): &(&Holdings, &Holdings)| first.kind == now.kind && first.first == now.first;
    let pairs = first.iter().zip(holdings).filter(alike);
    let left: Vec<String> = pairs.flat_map(|(first, now)| left_behind(first, now)).collect();
    let at = || cancelled_at(trace).unwrap_or_else(|| "with nothing cancelled".to_owned());
    (!left.is_empty()).then(|| Failure::new(Kind::Leak { cancelled: at(), left }))
}

fn left_behind(first: &Holdings, now: &Holdings) -> Vec<String> {
    let name = match now.number.or(first.number) {
        Some(number) => format!("{} {number}", now.kind),
        None => format!("{} {}", if now.kind == "event" { "an" } else { "a" }, now.kind),
    };
    let mut left = Vec::new();
    match (first.last, now.last) {
        (Holding::Permits(before), Holding::Permits(free)) => {
            let Holding::Permits(all) = first.first else { return left };
            let some = if all.abs_diff(free) == 1 { "permit" } else { "permits" };
            let all_of = count(all, "permit");
            if before == all && free < all {
                left.push(format!("{some} not returned: {name} ends with {free} of {all_of}"));
            } else if before == all && free > all {
                left.push(format!("{some} returned twice: {name} ends with {free} of {all_of}"));
            }
        }
        (Holding::Lock { taken: false }, Holding::Lock { taken: true }) => {
            left.push(format!("lock not released: {name} ends taken"));
        }
        (Holding::Taken(0), Holding::Taken(taken @ 1..)) => {
            let items = count(taken, "item");
            left.push(format!("item lost: {name} ends with {items} taken and not done"));
        }
        _ => {}
    }
    if now.waiting > first.waiting {
        let gone = count(now.waiting, "waiter");
        left.push(format!("waiter left behind: {name} ends with {gone} in its queue"));
    }
    left
}
