//! The report of a test that failed.

use std::fmt;

use super::columns::last_columns;
use super::format::facts;
use super::{Difference, Explanation, count, deviations, indent};
use crate::failure::{Failure, MESSAGE};
use crate::schedule::Schedule;
use crate::trace::{Trace, printable, printable_lines};

/// Everything that the report of a failure says.
pub(crate) struct FailureReport<'a> {
    pub(crate) test: &'a str,
    pub(crate) failure: &'a Failure,
    /// The input of the test, an argument a line, if it draws one.
    pub(crate) input: Vec<String>,
    /// How the failure was come by, a sentence a line, each after a word for it.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) schedule: &'a Schedule,
    pub(crate) is_least: bool,
    pub(crate) explanation: Option<&'a Explanation>,
    pub(crate) trace: &'a Trace,
    /// The places of panics, and the frames that led there.
    pub(crate) backtraces: &'a [(String, String)],
    /// What to do next, each after a word for it.
    pub(crate) next: Vec<(&'static str, String)>,
}

/// The most deviations that are told one by one.
const DEVIATIONS: usize = 20;
/// The longest line of a difference that is part of a sentence.
const LINE: usize = 300;
/// The longest schedule that is printed whole, in characters.
const SCHEDULE: usize = 200;

/// A schedule as it stands in a sentence.
pub(crate) fn shorten(schedule: &Schedule) -> String {
    let text = schedule.to_string();
    if text.len() <= SCHEDULE { text } else { format!("{}…", &text[..SCHEDULE]) }
}

/// What a run did, as the middle of a report tells it: its schedule, why it failed, and the story.
pub(crate) fn account(
    schedule: &Schedule,
    trace: &Trace,
    explanation: Option<&Explanation>,
    is_least: bool,
) -> String {
    let mut out = String::new();
    let which = if is_least { "the simplest failing schedule found" } else { "the schedule" };
    let deviations = deviations(trace);
    let all = schedule.deviations();
    let except = if all == 0 { " throughout" } else { ", except" };
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("\n{which} is `{}`: first in, first out{except}", shorten(schedule)));
    for (choice, what) in deviations.iter().take(DEVIATIONS) {
        line(format!("  choice {choice} {what}"));
    }
    if let more @ 1.. = all.saturating_sub(deviations.len().min(DEVIATIONS)) {
        line(format!("  and {more} more"));
    }
    if let seed @ 1.. = schedule.seed() {
        line(format!("  random values from seed {seed}"));
    }
    if let Some(explanation) = explanation {
        out.push_str(&format!("\n{explanation}"));
    }
    out.push_str(&format!("\nthe story\n{}\n", last_columns(trace)));
    out
}

/// The report of a failure that only other processes have seen again: they have told how the run ended, and the
/// account of it.
pub(crate) struct ToldReport<'a> {
    pub(crate) test: &'a str,
    pub(crate) ending: &'a str,
    pub(crate) input: Vec<String>,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) account: &'a str,
    pub(crate) next: Vec<(&'static str, String)>,
}

impl fmt::Display for ToldReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.test, self.ending)?;
        if !self.input.is_empty() {
            writeln!(f, "the input")?;
            self.input.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
            writeln!(f)?;
        }
        facts(f, &self.facts)?;
        f.write_str(self.account)?;
        facts(f, &self.next)
    }
}

fn head(f: &mut fmt::Formatter<'_>, test: &str, failure: &str) -> fmt::Result {
    writeln!(f, "dacapo: {test} fails\n")?;
    writeln!(f, "{}", indent(failure, "  "))
}

impl fmt::Display for FailureReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.test, &self.failure.to_string())?;
        if !self.input.is_empty() {
            let which =
                if self.is_least { "the simplest failing input found" } else { "the input" };
            writeln!(f, "{which}")?;
            self.input.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
            writeln!(f)?;
        }
        facts(f, &self.facts)?;

        f.write_str(&account(self.schedule, self.trace, self.explanation, self.is_least))?;
        for (place, frames) in self.backtraces {
            writeln!(f, "how it came to the panic at {place}")?;
            writeln!(f, "{}", indent(frames, "  "))?;
        }
        facts(f, &self.next)
    }
}

/// Everything that is said of a test whose runs cannot be repeated.
pub(crate) struct NondeterminismReport<'a> {
    pub(crate) test: &'a str,
    pub(crate) schedule: &'a Schedule,
    /// What the two runs are, in the order of the difference.
    pub(crate) runs: [&'static str; 2],
    pub(crate) outcomes: [String; 2],
    /// Whether both traces are known.
    pub(crate) is_traced: bool,
    /// None if the traces are equal and only the outcomes differ, or if one of them is not known.
    pub(crate) difference: Option<Difference>,
    pub(crate) next: Vec<(&'static str, String)>,
}

pub(crate) const USUAL_CAUSES: &str = "  futures::select!, tokio::select!   their order is drawn from a generator of the process, not of the
                                     run; use their biased forms
  tokio::sync::watch                 which receivers wake first is drawn from such a generator
  HashMap, HashSet                   iterate in an order that each map draws anew; use BTreeMap, or sort
  SystemTime, std's Instant          the wall clock; use dacapo::time
  statics, thread-locals, caches     what an earlier run left there; make it anew in the body
  rand::rng(), threads, real I/O     come from outside the run; use dacapo::rand and dacapo::spawn
  inputs that the test draws         as under proptest: a fresh process draws others; use
                                     dacapo::proptest!, or Builder::fresh_process(false)
";

impl NondeterminismReport<'_> {
    /// What differs, in few words.
    pub(crate) fn summary(&self) -> String {
        let [first, second] = self.runs;
        let what = match &self.difference {
            Some(difference) => [&difference.first, &difference.second],
            None => [&self.outcomes[0], &self.outcomes[1]],
        };
        let [a, b] = what.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        let [a, b] = [a, b].map(|line| printable(&line, LINE));
        format!("{first} and {second}, with one schedule, differ: `{a}` against `{b}`")
    }
}

impl fmt::Display for NondeterminismReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.runs;
        writeln!(f, "dacapo: the test is not deterministic: {}\n", self.test)?;
        writeln!(
            f,
            "{first} and {second} had the same schedule, {}, and did different things.",
            shorten(self.schedule)
        )?;
        writeln!(f, "A failure may not replay until they agree.\n")?;
        match &self.difference {
            Some(Difference { before, first: a, second: b }) => {
                writeln!(f, "the first event that differs")?;
                before.iter().try_for_each(|line| writeln!(f, "      {line}"))?;
                writeln!(f, "    - {a}")?;
                writeln!(f, "    + {b}\n")?;
            }
            None if self.is_traced => {
                writeln!(f, "their events are the same; their outcomes differ")?;
            }
            None => writeln!(f, "the events of {first} were not kept")?,
        }
        writeln!(f, "how they ended")?;
        write!(f, "{}", ending("-", &self.outcomes[0]))?;
        writeln!(f, "{}", ending("+", &self.outcomes[1]))?;
        writeln!(f, "usual causes\n{USUAL_CAUSES}")?;
        facts(f, &self.next)
    }
}

fn ending(sign: &str, outcome: &str) -> String {
    indent(&format!("{sign} {}", printable_lines(outcome, MESSAGE)), "    ")
}

/// What shrinking came to, in words that follow "shrunk".
pub(crate) fn shrunk(from: &Schedule, to: &Schedule, runs: usize) -> String {
    let in_runs = format!("in {}", count(runs, "run"));
    if from.deviations() == 0 && to.deviations() == 0 {
        let seed = match (from.seed(), to.seed()) {
            (a, b) if a == b => String::new(),
            (_, to) => format!(", also with random values from seed {to}, {in_runs}"),
        };
        return format!("nothing to shrink: first in, first out fails already{seed}");
    }
    if from == to {
        return format!("nothing simpler was found, {in_runs}");
    }
    let size = |schedule: &Schedule| match schedule.deviations() {
        0 => "first in, first out".to_owned(),
        deviations => {
            let answers = count(schedule.answers().len(), "answer");
            format!("{answers} with {}", count(deviations, "deviation"))
        }
    };
    format!("from {} to {}, {in_runs}", size(from), size(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &str, to: &str, runs: usize, expected: &str) {
        let [from, to] = [from, to].map(|text| text.parse().expect("a schedule"));
        assert_eq!(shrunk(&from, &to, runs), expected, "{from} to {to}");
    }

    #[test]
    fn what_shrinking_came_to() {
        check(
            "d1:0x2.1.1",
            "d1:0x2.1",
            7,
            "from 4 answers with 2 deviations to 3 answers with 1 deviation, in 7 runs",
        );
        check("d1:1", "d1:1", 1, "nothing simpler was found, in 1 run");
        check(
            "d1:1.1",
            "d1:",
            1,
            "from 2 answers with 2 deviations to first in, first out, in 1 run",
        );
    }

    #[test]
    fn first_in_first_out_needs_no_shrinking() {
        let already = "nothing to shrink: first in, first out fails already";
        check("d1:", "d1:", 0, already);
        check("d1:@7", "d1:@7", 3, already);
        check(
            "d1:@7",
            "d1:",
            2,
            &format!("{already}, also with random values from seed 0, in 2 runs"),
        );
    }
}
