//! Backtraces, without what nobody looks for in them.

use std::path::Path;

use crate::trace::printable;

/// The frames of a backtrace within the run, as std prints it, that are neither dacapo's nor std's, two lines each. Empty if there are
/// none.
pub(crate) fn own_frames(backtrace: &str) -> String {
    let mut out = String::new();
    let mut lines = backtrace.lines().peekable();
    while let Some(line) = lines.next() {
        let place = lines.next_if(|next| next.trim_start().starts_with("at "));
        let place = place.map(|place| place.trim_start().trim_start_matches("at "));
        let Some((number, name)) = line.trim_start().split_once(": ") else { continue };
        if is_below_the_run(name) {
            break;
        }
        if number.parse::<usize>().is_err() || is_of_dacapo(name) || place.is_none_or(is_of_std) {
            continue;
        }
        out += &printable(name, usize::MAX);
        out.push('\n');
        if let Some(place) = place {
            out += &format!("    at {}\n", printable(place, usize::MAX));
        }
    }
    out
}

/// A function or method of this crate, or a trait's for one of its types.
fn is_of_dacapo(name: &str) -> bool {
    let path = name.trim_start_matches(['<', '&', '(']);
    let path = path.strip_prefix("mut ").unwrap_or(path);
    path.starts_with("dacapo::") || path.starts_with("dacapo[")
}

/// A function that makes runs. What has called it is the test, which the report names.
fn is_below_the_run(name: &str) -> bool {
    ["dacapo::executor::engine::", "dacapo::explore::"].iter().any(|start| name.starts_with(start))
}

/// Where std is found, in a distribution of Rust and in what it was built from.
fn is_of_std(place: &str) -> bool {
    let place = place.replace('\\', "/");
    let is_library = |part: &str| place.contains(part);
    (place.starts_with("/rustc/") && is_library("/library/"))
        || is_library("/lib/rustlib/src/rust/library/")
        || Path::new(&place).starts_with("/rust/deps")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_std_and_of_dacapo_are_left_out() {
        let text = "\
   0: __rustc::rust_begin_unwind
             at /rustc/59807616/library/std/src/panicking.rs:689:5
   1: core::panicking::panic_fmt
             at /rustc/59807616/library/core/src/panicking.rs:80:14
   2: bank::withdraw::{{closure}}
             at ./src/bank.rs:7:9
   3: <futures_util::future::map::Map<Fut,F> as core::future::future::Future>::poll
             at /home/me/.cargo/registry/src/index/futures-util-0.3.31/src/future/map.rs:55:37
   4: <core::pin::Pin<P> as core::future::future::Future>::poll
             at /home/me/.rustup/toolchains/x/lib/rustlib/src/rust/library/core/src/future/future.rs:133:9
   5: dacapo::executor::cell::poll
             at /home/me/.cargo/registry/src/index/dacapo-0.1.0/src/executor/cell.rs:3:1
   6: <dacapo::task::JoinHandle<T> as core::future::future::Future>::poll
             at /home/me/.cargo/registry/src/index/dacapo-0.1.0/src/task/join_handle.rs:3:1
   7: main
   8: dacapo_user::test
             at ./tests/it.rs:1:1
   9: dacapo::executor::engine::Engine::run_main
             at /home/me/.cargo/registry/src/index/dacapo-0.1.0/src/executor/engine.rs:3:1
  10: bank::test
             at ./src/bank.rs:70:9
note: Some details are omitted
";
        let map = "<futures_util::future::map::Map<Fut,F> as core::future::future::Future>::poll";
        let expected = format!(
            "bank::withdraw::{{{{closure}}}}\n    at ./src/bank.rs:7:9\n{map}\n    at \
             /home/me/.cargo/registry/src/index/futures-util-0.3.31/src/future/map.rs:55:37\n\
             dacapo_user::test\n    at ./tests/it.rs:1:1\n"
        );
        assert_eq!(own_frames(text), expected);
    }
}
