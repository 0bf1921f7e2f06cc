//! Random numbers, from ChaCha8, with a stream for each purpose.
//!
//! Streams are independent: one more draw for one purpose does not change the draws for another. A
//! test pins the numbers of a seed, so that an upgrade of a dependency cannot change them
//! unnoticed.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng};

/// What random numbers are drawn for. The discriminant is the number of the ChaCha stream. Do not
/// change one, or every seed that somebody wrote down means another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// The answers of a random scheduler.
    Schedule = 0,
    /// Which faults are on in a run.
    Faults = 1,
    /// The values that code under test asks for.
    Data = 2,
}

/// The generator of one purpose in one run.
#[derive(Debug)]
pub(crate) struct Stream(ChaCha8Rng);

impl Clone for Stream {
    fn clone(&self) -> Self {
        // The crate offers no other way to copy the state.
        Self(ChaCha8Rng::deserialize_state(&self.0.serialize_state()))
    }
}

impl Stream {
    pub(crate) fn new(seed: u64, purpose: Purpose) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(purpose as u64);
        Self(rng)
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(crate) fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// A number below `bound`, by multiplication (Lemire 2019, "Fast random integer generation in
    /// an interval") without the rejection step. For the small bounds of choices the bias is below
    /// 2^-20, and one draw per answer keeps the answers of a seed aligned.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        debug_assert!(bound > 0);
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }
}

/// Numbers for one run of many: random within the run, and evenly spread over the runs.
///
/// The draws of a run are the digits of one number from 0 to 1, from the front, each in the base of
/// its bound (as in arithmetic decoding). The first few bits of this number are not random: over
/// consecutive runs, they are the multiples of the golden section, which leave no large gap (H.
/// Weyl 1916, "Über die Gleichverteilung von Zahlen mod. Eins"). So what depends on the first few
/// draws comes up early and is rarely repeated, and each run by itself is as random as before. The
/// other bits come from the stream of the seed, because further bits of these multiples would form
/// patterns.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    front: u64,
    stream: Stream,
}

/// How many bits are spread. Bugs seldom take more runs than these tell apart.
const BITS: u32 = 8;

impl Draws {
    /// For the `nth` of consecutive runs, from 0.
    pub(crate) fn new(seed: u64, nth: u64) -> Self {
        const GOLDEN_SECTION: u64 = 0x9e37_79b9_7f4a_7c15;
        const SPREAD: u64 = u64::MAX << (64 - BITS);
        let mut stream = Stream::new(seed, Purpose::Schedule);
        let spread = nth.wrapping_mul(GOLDEN_SECTION).wrapping_add(1 << 63) & SPREAD;
        Self { front: spread | (stream.next_u64() & !SPREAD), stream }
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        debug_assert!(bound > 0);
        let next = match u32::try_from(bound) {
            Ok(bound) => u64::from(self.stream.below(bound)),
            Err(_) => self.below_large(bound),
        };
        let sum = u128::from(self.front) * u128::from(bound) + u128::from(next);
        self.front = sum as u64;
        (sum >> 64) as u64
    }

    #[cold]
    #[inline(never)]
    fn below_large(&mut self, bound: u64) -> u64 {
        self.stream.next_u64() % bound
    }

    /// A random rank, to be compared with others. Only its order of magnitude is spread.
    pub(crate) fn rank(&mut self) -> u64 {
        (self.below(8) << 32) + u64::from(self.stream.next_u32())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_move() {
        let draw = |seed, purpose| {
            let mut stream = Stream::new(seed, purpose);
            [(); 4].map(|()| stream.next_u32())
        };
        let drawn = [
            // The first is the published test vector of ChaCha8 with a key of zeros.
            draw(0, Purpose::Schedule),
            draw(42, Purpose::Schedule),
            draw(42, Purpose::Faults),
            draw(42, Purpose::Data),
            draw(u64::MAX, Purpose::Data),
        ];
        assert_eq!(
            drawn,
            [
                [804192318, 3594542985, 3904396159, 2711947551],
                [428845191, 1495741553, 379451179, 1227066020],
                [3896940734, 3336604777, 1612016457, 867478390],
                [2123891965, 975755521, 2509462451, 2331832981],
                [800735101, 2580292854, 437092198, 3472012281],
            ]
        );
    }

    /// The same generator as in `rand_chacha`, which takes longer to compile.
    #[test]
    fn the_numbers_are_those_of_rand_chacha() {
        use rand_chacha::rand_core::{Rng as _, SeedableRng};

        for seed in [0, 1, 42, u64::MAX] {
            for purpose in [Purpose::Schedule, Purpose::Faults, Purpose::Data] {
                let mut key = [0; 32];
                key[..8].copy_from_slice(&seed.to_le_bytes());
                let mut known = rand_chacha::ChaCha8Rng::from_seed(key);
                known.set_stream(purpose as u64);
                let mut stream = Stream::new(seed, purpose);
                assert!((0..1000).all(|_| stream.next_u32() == known.next_u32()));
                assert!((0..1000).all(|_| stream.next_u64() == known.next_u64()));
            }
        }
    }

    #[test]
    fn bounded_numbers_never_move_and_stay_below() {
        let mut stream = Stream::new(7, Purpose::Schedule);
        let drawn = [2, 3, 5, 10, 1000, 1].map(|bound| stream.below(bound));
        assert_eq!(drawn, [0, 2, 4, 4, 447, 0]);
    }

    /// Two draws of 10 numbers each: in any 100 consecutive runs, nearly each run has a pair of its
    /// own.
    #[test]
    fn draws_of_many_runs_are_spread() {
        for first in [0, 1000, 123_456_789] {
            let pair = |nth| {
                let mut draws = Draws::new(nth, nth);
                (draws.below(10), draws.below(10))
            };
            let pairs: BTreeSet<_> = (first..first + 100).map(pair).collect();
            assert!(pairs.len() > 80, "{} of 100, where chance has 63", pairs.len());
        }
    }

    /// Later draws, after the evenly spread bits, are uniform.
    #[test]
    fn late_draws_are_random() {
        let mut counts = [0; 4];
        for nth in 0..4000 {
            let mut draws = Draws::new(nth, nth);
            let late = (0..50).map(|_| draws.below(4)).last().unwrap();
            counts[late as usize] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
