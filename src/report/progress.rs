//! What is said of a search while it goes on.

use std::time::Duration;

use super::grouped;

/// How far a search has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage {
    pub(crate) runs: usize,
    /// How many there will be, if that is known.
    pub(crate) planned: Option<u64>,
    pub(crate) elapsed: Duration,
    pub(crate) found: Findings,
}

/// What it has found so far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Findings {
    /// The search would end at a failure.
    NoFailure,
    Outcomes(usize),
}

/// A stage in a line.
pub(crate) fn stage(stage: Stage) -> String {
    let Stage { runs, planned, elapsed, found } = stage;
    let of = planned.map_or_else(String::new, |planned| {
        format!(" of {}", grouped(usize::try_from(planned).unwrap_or(usize::MAX)))
    });
    let a_second = runs as f64 / elapsed.as_secs_f64().max(0.001);
    let found = match found {
        Findings::NoFailure => "no failure yet".to_owned(),
        Findings::Outcomes(1) => "1 outcome".to_owned(),
        Findings::Outcomes(number) => format!("{} outcomes", grouped(number)),
    };
    // On a narrow terminal the end is cut off.
    format!("{}{of} runs, {found}, {} a second", grouped(runs), grouped(a_second as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(runs: usize, planned: Option<u64>, found: Findings, expectation: &str) {
        let elapsed = Duration::from_millis(2500);
        assert_eq!(stage(Stage { runs, planned, elapsed, found }), expectation);
    }

    #[test]
    fn a_line() {
        check(
            120_000,
            Some(1_000_000),
            Findings::NoFailure,
            "120,000 of 1,000,000 runs, no failure yet, 48,000 a second",
        );
        check(5, None, Findings::Outcomes(1), "5 runs, 1 outcome, 2 a second");
        check(0, Some(7), Findings::Outcomes(2), "0 of 7 runs, 2 outcomes, 0 a second");
    }
}
