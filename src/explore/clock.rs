//! The wall clock: how long to shrink and to explain, and when to print messages. No other file reads it.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often things are done that are done now and then during a search.
const PERIOD: Duration = Duration::from_millis(50);

/// Asked once per run, says now and then that time has passed.
/// It looks at the clock only once in a number of runs, which take some milliseconds together.
#[derive(Debug)]
pub(crate) struct Pulse {
    every: u32,
    left: u32,
    started: Instant,
    looked: Instant,
    beaten: Instant,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        let now = now();
        Self { every: 1, left: 1, started: now, looked: now, beaten: now }
    }

    /// Whether 50 ms or more have passed since the last time that it said so.
    pub(crate) fn beats(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        let now = now();
        self.every = match now - std::mem::replace(&mut self.looked, now) {
            passed if passed < PERIOD / 16 => (self.every * 2).min(1 << 16),
            passed if passed > PERIOD / 4 => (self.every / 2).max(1),
            _ => self.every,
        };
        self.left = self.every;
        let beats = now - self.beaten >= PERIOD;
        if beats {
            self.beaten = now;
        }
        beats
    }

    /// How much time had passed when it last looked at the clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.looked - self.started
    }
}

/// Waits for a sign of life: a text that changes.
#[derive(Debug)]
pub(crate) struct Vigil {
    last: Option<String>,
    since: Instant,
}

impl Vigil {
    pub(crate) fn new() -> Self {
        Self { last: None, since: now() }
    }

    /// Whether the text has been the same for as long as `patience`.
    pub(crate) fn is_over(&mut self, text: Option<&str>, patience: Duration) -> bool {
        if self.last.as_deref() == text {
            return self.since.elapsed() >= patience;
        }
        self.last = text.map(str::to_owned);
        self.since = now();
        false
    }
}

/// A time at which work that can be cut short ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// This far from now. Never, if that is too far to tell.
    pub(crate) fn after(time: Duration) -> Self {
        Self(now().checked_add(time))
    }

    pub(crate) fn is_over(self) -> bool {
        self.0.is_some_and(|deadline| now() >= deadline)
    }
}

/// How much time has passed since it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn new() -> Self {
        Self(now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Whether this crate was built without optimisation. Nothing says so at compile time but a build script, which costs
/// more: a loop is compared with as much work of the standard library, which comes optimised.
pub(crate) fn is_unoptimised() -> bool {
    const SIZE: usize = 16_384;
    let text = "\u{e9}".repeat(SIZE / 2);
    let shortest = |f: &dyn Fn()| (0..5).map(|_| timed(f).1).min().unwrap_or_default();
    let own = shortest(&|| {
        let mut sum = 0_u64;
        for byte in 0..SIZE as u64 {
            sum = black_box(sum.wrapping_add(byte));
        }
        black_box(sum);
    });
    let std = shortest(&|| {
        black_box(std::str::from_utf8(black_box(text.as_bytes())).is_ok());
    });
    own > std * 4
}

/// How long `f` takes, and what it returns.
pub(crate) fn timed<R>(f: impl FnOnce() -> R) -> (R, Duration) {
    let start = now();
    let result = f();
    (result, start.elapsed())
}

#[expect(clippy::disallowed_methods, reason = "this is the one file that reads the wall clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_shows_signs_of_life_is_waited_for() {
        let mut vigil = Vigil::new();
        assert!(vigil.is_over(None, Duration::ZERO), "nothing has come");
        assert!(!vigil.is_over(Some("1"), Duration::ZERO), "a first sign");
        assert!(!vigil.is_over(Some("2"), Duration::ZERO), "another one");
        assert!(!vigil.is_over(Some("2"), Duration::MAX), "there is time");
        assert!(vigil.is_over(Some("2"), Duration::ZERO), "the same once more");
    }
}
