//! The verdicts on published histories of other systems, where these are there (see `support/published.rs`).

use crate::support::published;

/// With the settings that a history has by default.
#[test]
fn published_histories_are_judged_right() {
    let mut judged = 0;
    for published in published::all() {
        // It takes some million steps of the model, which are too many without optimisation.
        if cfg!(debug_assertions) && published.name.ends_with("c50-ok.txt") {
            continue;
        }
        let verdict = published.linearize(&mut |linearize| linearize());
        let name = &published.name;
        match verdict {
            Ok(()) => assert!(published.is_linearizable, "{name} is not linearizable"),
            Err(error) => {
                assert!(!error.is_undecided(), "{name} is undecided");
                assert!(!published.is_linearizable, "{name} is linearizable\n{error}");
            }
        }
        judged += 1;
    }
    println!("{judged} histories");
}
