//! Clocks of hosts that do not agree with the clock of the run.

use std::time::Duration;

use crate::instant::Instant;

/// The clocks of all hosts up to the last one that has a clock of its own.
#[derive(Debug, Default)]
pub(crate) struct Clocks(Vec<HostClock>);

/// The clock of one host: a line through one pair of times.
#[derive(Clone, Copy, Debug, Default)]
struct HostClock {
    /// A time of the run, in nanoseconds.
    run: u64,
    /// What the host's clock says then.
    host: u64,
    /// By how many millionths the host's clock runs fast, or slow if negative.
    drift_ppm: i32,
}

const MILLION: i128 = 1_000_000;

impl HostClock {
    fn rate(&self) -> i128 {
        MILLION + i128::from(self.drift_ppm)
    }

    fn read(&self, now: Instant) -> Instant {
        let passed = i128::from(now.as_nanos()) - i128::from(self.run);
        nanos(i128::from(self.host) + passed * self.rate() / MILLION)
    }

    /// The first time of the run at which this clock says `local`.
    fn due(&self, local: Instant) -> Instant {
        if local == Instant::FAR_FUTURE {
            return local;
        }
        let ahead = i128::from(local.as_nanos()) - i128::from(self.host);
        let rate = self.rate();
        // Rounded up, so that the clock has reached the deadline by then.
        nanos(i128::from(self.run) + (ahead * MILLION + rate - 1).div_euclid(rate))
    }
}

fn nanos(nanos: i128) -> Instant {
    Instant::from_nanos(nanos.clamp(0, i128::from(u64::MAX)) as u64)
}

impl Clocks {
    fn clock(&self, host: u16) -> HostClock {
        self.0.get(usize::from(host)).copied().unwrap_or_default()
    }

    /// What the clock of a host says at a time of the run.
    pub(crate) fn read(&self, host: u16, now: Instant) -> Instant {
        self.clock(host).read(now)
    }

    /// When in the run the clock of a host reaches a time.
    pub(crate) fn due(&self, host: u16, local: Instant) -> Instant {
        self.clock(host).due(local)
    }

    /// From `now` on the clock of a host is ahead by `jump` more and has this drift.
    pub(crate) fn set(&mut self, host: u16, now: Instant, jump: Duration, drift_ppm: i32) {
        let local = self.read(host, now) + jump;
        let host = usize::from(host);
        if self.0.len() <= host {
            self.0.resize(host + 1, HostClock::default());
        }
        let (run, local) = (now.as_nanos(), local.as_nanos());
        self.0[host] = HostClock { run, host: local, drift_ppm };
    }

    /// The drift of a host's clock.
    pub(crate) fn drift_ppm(&self, host: u16) -> i32 {
        self.clock(host).drift_ppm
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn a_host_without_a_clock_has_the_run_s() {
        let clocks = Clocks::default();
        assert_eq!((clocks.read(3, at(7)), clocks.due(3, at(7))), (at(7), at(7)));
    }

    #[test]
    fn a_jump_moves_one_clock_only() {
        let mut clocks = Clocks::default();
        clocks.set(1, at(100), Duration::from_nanos(50), 0);
        assert_eq!((clocks.read(1, at(100)), clocks.due(1, at(170))), (at(150), at(120)));
        assert_eq!(clocks.read(0, at(100)), at(100));
        assert_eq!(clocks.due(1, Instant::FAR_FUTURE), Instant::FAR_FUTURE);
    }

    proptest! {
        /// A sleep ends when the host's clock has reached its deadline, and not before.
        #[test]
        fn due_is_the_first_time_at_which_the_clock_says_so(
            drift in -900_000..2_000_000_i32,
            jump in 0..1_000_000_u64,
            set_at in 0..1_000_000_u64,
            wait in 1..10_000_000_000_u64,
        ) {
            let mut clocks = Clocks::default();
            clocks.set(2, at(set_at), Duration::from_nanos(jump), drift);
            let local = clocks.read(2, at(set_at)) + Duration::from_nanos(wait);
            let due = clocks.due(2, local);
            prop_assert!(clocks.read(2, due) >= local);
            prop_assert!(clocks.read(2, at(due.as_nanos() - 1)) < local);
        }
    }
}
