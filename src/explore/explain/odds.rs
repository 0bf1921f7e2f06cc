//! From where on a failure cannot be helped: continuations at random from every point of a run.

use std::collections::HashSet;

use crate::explore::subject::budget::Budget;
use crate::explore::subject::steer::{Record, Steer};
use crate::explore::subject::{Sample, Subject};
use crate::report::Chances;
use crate::schedule::Schedule;
use crate::trace::mix;

/// How many choices of a run are looked at. Of a longer one they are spread evenly.
const POINTS: usize = 40;
/// How many continuations are made from each.
const WALKS: usize = 64;

/// What random continuations of a failing run came to.
pub(crate) struct Odds {
    pub(crate) chances: Option<Chances>,
    /// If this many answers are kept, nothing passes any more.
    pub(crate) open: usize,
    /// A run that passes, from as late in the run as possible.
    pub(crate) passing: Option<Schedule>,
    /// How many there were.
    pub(crate) runs: usize,
    /// How they differ: walks may come to the same.
    pub(crate) hashes: HashSet<u64>,
}

/// A point in a run, after this many answers, and how many continuations from there failed.
#[derive(Clone, Copy)]
struct Point {
    answers: usize,
    failed: usize,
}

struct Walks<'a, 'b> {
    subject: &'a mut Subject<'b>,
    least: &'a Sample,
    budget: Budget,
    runs: usize,
    hashes: HashSet<u64>,
    passing: Option<(usize, Schedule)>,
}

/// Makes random continuations of a failing run, from each of its choices.
///
/// The walks of a point depend on nothing but the point, so that a report is the same each time.
pub(crate) fn odds(
    subject: &mut Subject<'_>,
    least: &Sample,
    record: &Record,
    budget: Budget,
) -> Odds {
    let all = record.choices.len();
    let mut walks =
        Walks { subject, least, budget, runs: 0, hashes: HashSet::new(), passing: None };
    let places = all.min(POINTS);
    let place = |n: usize| if all <= POINTS { n } else { n * (all - 1) / (POINTS - 1) };
    let mut points: Vec<Point> =
        (0..places).map(|n| Point { answers: place(n), failed: 0 }).collect();
    // Round by round, so that what there is time for is spread over the whole run.
    let mut rounds = 0;
    while rounds < WALKS && !points.is_empty() {
        let Some(failed) = walks.round(&points, rounds) else { break };
        points
            .iter_mut()
            .zip(failed)
            .for_each(|(point, failed)| point.failed += usize::from(failed));
        rounds += 1;
    }
    if rounds == 0 {
        let (runs, hashes) = (walks.runs, walks.hashes);
        return Odds { chances: None, open: all, passing: None, runs, hashes };
    }
    // The first point from which on nothing passes. Between two that were looked at it is sought by
    // halves: more answers that are kept leave fewer ways out, not more.
    let lost = points.iter().rposition(|point| point.failed < rounds).map_or(0, |last| last + 1);
    let mut low = lost.checked_sub(1).map_or(0, |last| points[last].answers + 1);
    let mut high = points.get(lost).map_or(all, |point| point.answers);
    while low < high {
        let middle = low.midpoint(high);
        match walks.all_fail(middle, rounds) {
            Some(true) => high = middle,
            Some(false) => low = middle + 1,
            None => break,
        }
    }
    let lost_after = high;
    let step = match lost_after {
        0 => Some(0),
        after if after < all => record.choices.get(after - 1).map(|choice| choice.step as u64 + 1),
        _ => None,
    };
    let shares = points.iter().map(|point| point.failed as f64 / rounds as f64).collect();
    let passing = walks.passing.take().map(|(_, schedule)| schedule);
    let chances = Chances {
        shares,
        walks: rounds,
        inevitable: step.map(|step| (lost_after.saturating_sub(1), step)),
    };
    Odds {
        chances: Some(chances),
        open: lost_after,
        passing,
        runs: walks.runs,
        hashes: walks.hashes,
    }
}

impl Walks<'_, '_> {
    /// One walk from each point: whether it fails; `None` if there is no time for all of them.
    fn round(&mut self, points: &[Point], round: usize) -> Option<Vec<bool>> {
        points.iter().map(|point| self.fails(point.answers, round)).collect()
    }

    /// Whether all walks from a point fail.
    fn all_fail(&mut self, point: usize, walks: usize) -> Option<bool> {
        for walk in 0..walks {
            if !self.fails(point, walk)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn fails(&mut self, point: usize, walk: usize) -> Option<bool> {
        if self.budget.is_spent() {
            return None;
        }
        let seed = mix(point as u64 + 1, walk as u64);
        let steer = Steer::randomly(&self.least.schedule, point, seed);
        let sample = self.subject.steer(steer, &mut self.budget);
        self.runs += 1;
        self.hashes.insert(sample.hash);
        let Err(failure) = &sample.outcome else {
            let known = self.passing.as_ref().map_or(0, |(point, _)| point + 1);
            if point >= known {
                self.passing = Some((point, sample.schedule));
            }
            return Some(false);
        };
        Some(self.least.outcome.as_ref().is_err_and(|least| least.is_same(failure)))
    }
}
