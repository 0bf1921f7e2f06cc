//! dacapo and the floor under much work; `benches/peers` has others beside them.
//!
//! ```sh
//! cd benches/workloads && cargo run --release --bin scale
//! ```
//!
//! With parts of names, only those: `scale random`, `scale cores`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "it prints a table")]

use workloads::scale::{OURS, page};

fn main() {
    print!("{}", page(&OURS, "cd benches/workloads && cargo run --release --bin scale"));
}
