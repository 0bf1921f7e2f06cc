//! What much work takes on each simulator, as a page in Markdown:
//!
//! ```sh
//! cd benches/peers && cargo run --release --bin scale > scale.md
//! ```
//!
//! With parts of names, only those: `scale dacapo tokio`. The same in `benches/workloads` has dacapo and the
//! floor, and is built sooner.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "it prints a page")]

use peers::speed::{Madsim, Paused, Shuttle, ShuttleRandom, Smol, Turmoil};
use workloads::scale::{Contender, OURS, page};

fn main() {
    let [floor, random, pct, fifo] = OURS;
    let contenders = [
        floor,
        random,
        pct,
        fifo,
        Contender::timed::<Madsim>("madsim"),
        Contender::timed::<Paused>("tokio, paused clock"),
        Contender::timed::<Turmoil>("turmoil"),
        Contender::timeless::<Shuttle<ShuttleRandom>, 100>("shuttle, random"),
        Contender::timeless::<Smol, 1>("smol"),
    ];
    print!("{}", page(&contenders, "cd benches/peers && cargo run --release --bin scale"));
}
