//! What a search has cost, in one line.

use std::fmt;
use std::time::Duration;

use super::grouped;
use crate::extent::Extent;

/// The figures of a search. Its text is a line, without a line break, that shows whether more runs
/// would bring anything new.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EffortReport {
    pub(crate) runs: usize,
    pub(crate) steps: usize,
    pub(crate) choices: usize,
    /// Runs that did what none before them had done.
    pub(crate) distinct: usize,
    /// Whether there may be more of these than were counted.
    pub(crate) at_least: bool,
    pub(crate) extent: Extent,
}

impl EffortReport {
    /// The share of the runs that did what one before them had done.
    pub(crate) fn repeats(&self) -> f64 {
        (self.runs - self.distinct) as f64 / self.runs.max(1) as f64
    }
}

impl fmt::Display for EffortReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number, noun| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{} {noun}{plural}", grouped(number))
        };
        let [least, most] = if self.at_least { ["at least ", "at most "] } else { ["", ""] };
        let repeats = match 100.0 * self.repeats() {
            0.0 => "no repeats".to_owned(),
            share => format!("{most}{share:.1}% repeats"),
        };
        write!(
            f,
            "{}, {}, {}; {least}{}, {repeats}; {}",
            count(self.runs, "schedule"),
            count(self.steps, "step"),
            count(self.choices, "choice"),
            count(self.distinct, "distinct trace"),
            self.extent,
        )
    }
}

/// What a search in which all runs pass has made. Its text follows "passes in".
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PassReport {
    pub(crate) runs: usize,
    /// Runs that did what none before them had done.
    pub(crate) distinct: usize,
    /// Whether there may be more of these than were counted.
    pub(crate) at_least: bool,
    pub(crate) time: Duration,
    pub(crate) extent: Extent,
}

impl fmt::Display for PassReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, distinct, at_least, time, extent } = *self;
        let plural = |number| if number == 1 { "" } else { "s" };
        write!(f, "{} run{}", grouped(runs), plural(runs))?;
        if extent.all_schedules {
            write!(f, ": {extent}")?;
        }
        let [least, most] = if at_least { ["at least ", "at most "] } else { ["", ""] };
        write!(f, "; {least}{} distinct trace{}", grouped(distinct), plural(distinct))?;
        match runs - distinct.min(runs) {
            0 => f.write_str(", no repeats")?,
            repeats => {
                write!(f, ", {most}{:.1}% repeats", 100.0 * repeats as f64 / runs as f64)?;
            }
        }
        write!(f, "; {:.2} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extent::Drawn;

    #[track_caller]
    fn check(effort: EffortReport, expectation: &str) {
        assert_eq!(effort.to_string(), expectation);
    }

    #[test]
    fn a_search_that_passes() {
        let check = |report: PassReport, text: &str| assert_eq!(report.to_string(), text);
        let time = Duration::from_millis(1234);
        let report = PassReport { runs: 2000, distinct: 500, time, ..PassReport::default() };
        check(report, "2,000 runs; 500 distinct traces, 75.0% repeats; 1.23 s");
        let extent = Extent { all_schedules: true, ..Extent::default() };
        let all = PassReport { runs: 1, distinct: 1, extent, ..report };
        check(all, "1 run: complete; 1 distinct trace, no repeats; 1.23 s");
        let many = PassReport { at_least: true, ..report };
        check(many, "2,000 runs; at least 500 distinct traces, at most 75.0% repeats; 1.23 s");
    }

    #[test]
    fn figures_in_a_line() {
        let [runs, steps, choices, distinct] = [1000, 12_300, 4_021, 213];
        let effort = EffortReport { runs, steps, choices, distinct, ..EffortReport::default() };
        check(
            effort,
            "1,000 schedules, 12,300 steps, 4,021 choices; 213 distinct traces, 78.7% repeats; \
             not all there are",
        );
        check(
            EffortReport { at_least: true, ..effort },
            "1,000 schedules, 12,300 steps, 4,021 choices; at least 213 distinct traces, at most \
             78.7% repeats; not all there are",
        );
        let all = Extent { all_schedules: true, ..Extent::default() };
        let one = EffortReport { runs: 1, steps: 1, choices: 0, distinct: 1, ..effort };
        check(
            EffortReport { extent: all, ..one },
            "1 schedule, 1 step, 0 choices; 1 distinct trace, no repeats; complete",
        );
        let mut drawn = Drawn::default();
        for (seed, words) in [
            (None, "complete"),
            (Some(7), "all schedules, with random values from seed 7 only"),
            (Some(7), "all schedules, with random values from seed 7 only"),
            (None, "all schedules, with random values from seed 7 only"),
            (Some(8), "all schedules, with random values from some seeds only"),
        ] {
            drawn.add(seed);
            let text = EffortReport { extent: Extent { drawn, ..all }, ..one }.to_string();
            assert_eq!(text.split("; ").last(), Some(words));
        }
        let limited = EffortReport { extent: Extent { limited: true, ..all }, ..one };
        let words = "all schedules, up to where runs reach a limit";
        assert_eq!(limited.to_string().split("; ").last(), Some(words));
        check(
            EffortReport::default(),
            "0 schedules, 0 steps, 0 choices; 0 distinct traces, no repeats; not all there are",
        );
    }
}
