//! Schedules from bytes, for fuzzers, with the crate [`arbitrary`].

use ::arbitrary::{Arbitrary, Result, Unstructured};

use crate::schedule::{Answer, Lasting, Schedule};

/// Each byte string is a schedule, and a small change of the bytes is a small change of the
/// schedule.
///
/// Two bytes stand for a deviation: how many choices before it are answered with 0, and its answer.
/// Small options that last for one turn are the most likely. So a shorter string has fewer
/// deviations. No faults are on, and the seed is 0. As one field of several, a schedule has at most
/// 64 deviations.
///
/// ```
/// use arbitrary::{Arbitrary, Unstructured};
/// use dacapo::Schedule;
///
/// let schedule = Schedule::arbitrary_take_rest(Unstructured::new(&[2, 0, 5, 0x41]))?;
/// assert_eq!(schedule.to_string(), "d1:0x2.1.0x5.h2");
/// # Ok::<(), arbitrary::Error>(())
/// ```
impl<'a> Arbitrary<'a> for Schedule {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        const MOST: u32 = 64;
        let mut answers = Vec::new();
        u.arbitrary_loop(None, Some(MOST), |u| {
            push(&mut answers, [u.arbitrary()?, u.arbitrary()?]);
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        Ok(Self::new(answers))
    }

    fn arbitrary_take_rest(u: Unstructured<'a>) -> Result<Self> {
        let mut answers = Vec::new();
        for pair in u.take_rest().chunks(2) {
            push(&mut answers, [pair[0], pair.get(1).copied().unwrap_or(0)]);
        }
        Ok(Self::new(answers))
    }

    fn size_hint(_: usize) -> (usize, Option<usize>) {
        (0, None)
    }
}

/// A gap, and a deviation after it.
fn push(answers: &mut Vec<Answer>, [gap, deviation]: [u8; 2]) {
    // Long gaps are rare, and no gap is the most frequent.
    let gap = match gap {
        0..64 => usize::from(gap % 32),
        64..192 => usize::from(gap % 8),
        192.. => usize::from(gap - 192) * 4,
    };
    answers.resize(answers.len() + gap, Answer::USUAL);
    let place = u32::from(deviation % 64);
    // Half of the options are 1, a quarter are 2, and so on.
    let option = 1 + (place + 1).trailing_zeros();
    answers.push(match deviation {
        0..64 => Answer::new(option, Lasting::Once),
        64..128 => Answer::new(option, Lasting::Hold),
        128..192 => Answer::new(option - 1, Lasting::Ahead),
        // A larger option.
        192.. => Answer::from(place),
    });
}

#[cfg(test)]
mod tests {
    use ::proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};

    use super::*;

    ::proptest::proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A deviation takes two bytes, and what follows a removed byte stays as it is.
        #[test]
        fn every_byte_string_is_a_schedule(bytes in ::proptest::collection::vec(any::<u8>(), 0..40)) {
            let schedule = Schedule::arbitrary_take_rest(Unstructured::new(&bytes)).unwrap();
            prop_assert_eq!(&schedule.to_string().parse::<Schedule>().unwrap(), &schedule);
            prop_assert!(schedule.deviations() <= bytes.len().div_ceil(2));
            prop_assert!(schedule.answers().len() <= bytes.len().div_ceil(2) * 256);
            if bytes.len() >= 2 {
                let shorter = Schedule::arbitrary_take_rest(Unstructured::new(&bytes[2..])).unwrap();
                prop_assert!(schedule.answers().ends_with(shorter.answers()));
            }
            let field = Schedule::arbitrary(&mut Unstructured::new(&bytes)).unwrap();
            prop_assert!(field.deviations() <= 64);
        }
    }

    /// Most single deviations are small, and last in each way.
    #[test]
    fn small_deviations_are_likely() {
        let of = |byte| Schedule::arbitrary_take_rest(Unstructured::new(&[0, byte])).unwrap();
        let count = |text: &str| (0..=255).filter(|&byte| of(byte).to_string() == text).count();
        let counts = ["d1:1", "d1:2", "d1:h1", "d1:a0", "d1:a1", "d1:h7"].map(count);
        assert_eq!(counts, [33, 17, 32, 32, 16, 1]);
    }
}
