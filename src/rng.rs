//! Where random numbers come from: ChaCha8, with a stream of its own for each purpose.
//!
//! Streams are independent, so that one more draw for one purpose moves nothing of another. The
//! numbers of a seed are pinned by a test: an upgrade of a dependency cannot move them unseen.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// What random numbers are drawn for. The discriminant is the number of the ChaCha stream: do not
/// change one, or every seed that someone wrote down means another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// The answers of a random scheduler.
    Schedule = 0,
    /// The values that code under test asks for. (1 is kept for faults.)
    Data = 2,
}

/// The generator of one purpose in one run.
#[derive(Clone, Debug)]
pub(crate) struct Stream(ChaCha8Rng);

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

    /// A number below `bound`, by multiplication (Lemire 2019, "Fast random integer generation in an
    /// interval") without its rejection step: for the small bounds of choices the bias is below
    /// 2^-20, and one draw per answer keeps a seed's answers aligned.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        debug_assert!(bound > 0);
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_move() {
        let draw = |seed, purpose| {
            let mut stream = Stream::new(seed, purpose);
            [(); 4].map(|()| stream.next_u32())
        };
        assert_eq!(draw(0, Purpose::Schedule), [0; 4]);
        assert_eq!(draw(42, Purpose::Schedule), [0; 4]);
        assert_eq!(draw(42, Purpose::Data), [0; 4]);
        assert_eq!(draw(u64::MAX, Purpose::Data), [0; 4]);
    }

    #[test]
    fn bounded_numbers_never_move_and_stay_below() {
        let mut stream = Stream::new(7, Purpose::Schedule);
        assert_eq!([2, 3, 5, 10, 1000, 1].map(|bound| stream.below(bound)), [0; 6]);
    }
}
