//! Tasks, cancellation, timeouts, groups and primitives against asyncio.
//!
//! The corpus holds programs in a small language of their own, with what the asyncio of CPython 3.11.7
//! makes of them, and of 3.12.1 and 3.13.0 where these differ. Here an interpreter runs them on this
//! library. It implements the language, and uses the library for everything that asyncio does.
//!
//! | module | |
//! |---|---|
//! | `corpus` | finds and reads the records |
//! | `program` | the syntax of the language |
//! | `value` | its values and exceptions |
//! | `machine` | one execution: tasks, units, the log |
//! | `frame` `statements` `operations` `generator` | the interpreter |
//! | `objects` | the primitives |
//! | `gathering` | what a gather does to `unretrieved` |
//! | `driver` | a program from its start to its outcome |
//! | `compare` | equality of outcomes, and how they differ |

mod compare;
mod corpus;
mod driver;
mod frame;
mod gathering;
mod generator;
mod machine;
mod objects;
mod operations;
mod program;
mod search;
mod statements;
mod value;

use crate::corpus::Order;
use crate::search::{Found, Search};

/// Programs whose outcome does not depend on which ready task runs next: each schedule gives it. Programs
/// that depend on it have the outcome of an event loop.
fn conforms(family: &str) {
    let texts = corpus::family(family);
    let differences: Vec<_> = texts
        .iter()
        .filter_map(|text| {
            let record = corpus::parse(text);
            let seeds = if record.order == Order::Fifo { 0 } else { 20 };
            Search::new(record).always(seeds).err()
        })
        .collect();
    finish(family, texts.len(), &differences, "");
}

#[expect(clippy::print_stdout, reason = "it is what a test has to say")]
fn finish(family: &str, programs: usize, differences: &[String], remark: &str) {
    println!("{family}: {} of {programs} equal{remark}", programs - differences.len());
    for difference in differences.iter().take(5) {
        println!("{difference}");
    }
    assert!(differences.is_empty(), "{family}: {} programs differ", differences.len());
}

#[test]
fn seed() {
    conforms("seed");
}

#[test]
fn hand() {
    conforms("hand");
}

#[test]
fn versions() {
    conforms("versions");
}

#[test]
fn timed() {
    conforms("timed");
}

/// Programs whose tasks race: CPython's outcome is one of those that the search finds.
#[test]
fn racy() {
    let texts = corpus::family("racy");
    let (mut first, mut exhaustive, mut random, mut complete) = (0, 0, 0, 0);
    let mut differences = Vec::new();
    for text in &texts {
        match Search::new(corpus::parse(text)).sometimes() {
            Ok(Found::First) => first += 1,
            Ok(Found::Exhaustive) => exhaustive += 1,
            Ok(Found::Random) => random += 1,
            Err(missing) => {
                complete += usize::from(missing.complete);
                differences.push(missing.text);
            }
        }
    }
    let remark = format!(
        " ({first} first in, first out, {exhaustive} by exhaustive search, {random} at random; of \
         those not found, {complete} searches were complete)"
    );
    finish("racy", texts.len(), &differences, &remark);
}
