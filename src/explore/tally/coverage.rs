//! What a search has seen of the marks in the code under test.

use std::fmt;

use crate::extent::Extent;
use crate::failure::{Failure, Kind, Unmet};
use crate::report::count;
use crate::session::Marks;
use crate::trace::printable;

/// What a search has seen of one label of [`sometimes!`](crate::sometimes) or
/// [`reachable!`](crate::reachable).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    label: String,
    expected: bool,
    evaluations: u64,
    runs_evaluated: usize,
    runs_held: usize,
}

impl Mark {
    fn new(label: &str) -> Self {
        let label = label.to_owned();
        Self { label, expected: false, evaluations: 0, runs_evaluated: 0, runs_held: 0 }
    }

    /// Its label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How often its condition was looked at in all runs together, or its place was reached.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// In how many runs its condition was looked at, or its place was reached.
    pub fn runs_evaluated(&self) -> usize {
        self.runs_evaluated
    }

    /// In how many runs its condition was true at least once.
    pub fn runs_held(&self) -> usize {
        self.runs_held
    }
}

/// As in `"queue is full": true in 3 of 4 runs`.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = printable(&self.label, LABEL);
        write!(
            f,
            "\"{label}\": true in {} of {}",
            self.runs_held,
            count(self.runs_evaluated, "run")
        )
    }
}

/// The longest that a label is shown, in characters.
const LABEL: usize = 60;

/// The marks of all runs of a search, in the order of their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    runs: usize,
    marks: Vec<Mark>,
}

impl Coverage {
    /// Before the first run. The expected labels are there from the beginning.
    pub(crate) fn new(expected: &[String]) -> Self {
        let mut coverage = Self::default();
        for label in expected {
            coverage.mark(label).expected = true;
        }
        coverage
    }

    /// Counts one run.
    pub(crate) fn count(&mut self, marks: &Marks) {
        self.runs += 1;
        for met in marks.iter() {
            let mark = self.mark(met.label);
            mark.evaluations += met.evaluated;
            mark.runs_evaluated += 1;
            mark.runs_held += usize::from(met.held > 0);
        }
    }

    /// Adds what another part of the same search has counted, in any order.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        for other in &other.marks {
            let mark = self.mark(&other.label);
            mark.expected |= other.expected;
            mark.evaluations += other.evaluations;
            mark.runs_evaluated += other.runs_evaluated;
            mark.runs_held += other.runs_held;
        }
    }

    /// How many runs there were.
    pub(crate) fn runs(&self) -> usize {
        self.runs
    }

    pub(crate) fn marks(&self) -> impl ExactSizeIterator<Item = &Mark> {
        self.marks.iter()
    }

    /// What another process has told: how many runs, and what these have met.
    pub(crate) fn told(runs: usize, marks: impl IntoIterator<Item = (String, [usize; 3])>) -> Self {
        let mut coverage = Self { runs, ..Self::default() };
        for (label, [evaluations, runs_evaluated, runs_held]) in marks {
            let evaluations = evaluations as u64;
            let mark = coverage.mark(&label);
            *mark = Mark { evaluations, runs_evaluated, runs_held, ..Mark::new(&label) };
        }
        coverage
    }

    fn mark(&mut self, label: &str) -> &mut Mark {
        let place = match self.marks.binary_search_by(|mark| mark.label.as_str().cmp(label)) {
            Ok(place) => place,
            Err(place) => {
                self.marks.insert(place, Mark::new(label));
                place
            }
        };
        &mut self.marks[place]
    }

    /// What should have happened and did not in a search of this extent. The search is `narrowed` if its
    /// runs are others than the test asks for.
    pub(crate) fn unmet(&self, extent: Extent, narrowed: bool) -> Option<Failure> {
        // One run out of many shows nothing of what may happen in others.
        let is_search = self.runs > 1 || extent.all_schedules;
        let asked = |mark: &Mark| is_search || (mark.expected && !narrowed);
        let unmet = self.marks.iter().filter(|mark| mark.runs_held == 0 && asked(mark));
        let unmet = unmet.map(|mark| Unmet {
            label: mark.label.clone(),
            evaluations: mark.evaluations,
            runs: mark.runs_evaluated,
        });
        let marks: Vec<Unmet> = unmet.collect();
        let runs = self.runs;
        (!marks.is_empty()).then(|| Failure::new(Kind::Unmet { marks, runs, extent }))
    }

    pub(crate) fn into_marks(self) -> Vec<Mark> {
        self.marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(expected: &[&str], marks: &[(&str, u64, usize, usize)], runs: usize) -> Coverage {
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let mut coverage = Coverage::new(&expected);
        coverage.runs = runs;
        for &(label, evaluations, runs_evaluated, runs_held) in marks {
            let mark = coverage.mark(label);
            *mark = Mark { evaluations, runs_evaluated, runs_held, ..mark.clone() };
        }
        coverage
    }

    #[test]
    fn parts_add_up_in_any_order() {
        let parts = [
            coverage(&["b"], &[("a", 5, 2, 0), ("b", 1, 1, 1)], 3),
            coverage(&["b"], &[("a", 1, 1, 1)], 2),
            coverage(&["b"], &[("c", 7, 4, 0)], 4),
        ];
        let whole = coverage(&["b"], &[("a", 6, 3, 1), ("b", 1, 1, 1), ("c", 7, 4, 0)], 9);
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut sum = Coverage::default();
            order.iter().for_each(|&part| sum.merge(&parts[part]));
            assert_eq!(sum, whole);
        }
    }

    #[test]
    fn one_run_is_no_search() {
        let one = coverage(&["b"], &[("a", 1, 1, 0)], 1);
        let title = |all_schedules, narrowed| {
            let extent = Extent { all_schedules, ..Extent::default() };
            one.unmet(extent, narrowed).map(|unmet| unmet.title())
        };
        assert_eq!(title(false, true), None);
        assert_eq!(title(false, false).as_deref(), Some("never happened: b"));
        assert_eq!(title(true, true).as_deref(), Some("never happened: a, b"));
    }
}
