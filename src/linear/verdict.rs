use std::fmt::{self, Debug};

use super::Model;
use super::items::learn;
use super::minimal::{Minimal, minimal, prefix};
use super::operation::{Entry, Operation, by_key};
use super::search::{Budget, Verdict, outputs, search, search_after};
use super::table::{Table, debug};

/// A history that could not be linearized. Its text (`Display`, and `Debug` too, as it is what a test that
/// returns it or unwraps it shows) is the shortest part of the history that goes wrong, a column for each
/// client.
#[derive(Clone)]
pub struct LinearizeError {
    text: String,
    undecided: bool,
}

impl LinearizeError {
    /// Nothing is wrong as far as is known: there is an order, or there is none, and the search for it took
    /// too long.
    pub fn is_undecided(&self) -> bool {
        self.undecided
    }
}

impl fmt::Display for LinearizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Debug for LinearizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for LinearizeError {}

/// Looks for an order of these operations, which are given in the order of their calls, in at most this
/// many steps of the model for each key.
pub(crate) fn linearize<M: Model>(
    model: &M,
    clients: &[String],
    operations: &[Operation<M::Op, M::Output>],
    max_steps: u64,
) -> Result<(), LinearizeError> {
    let mut undecided = None;
    for part in by_key::<M>(operations) {
        let part: Vec<&Operation<_, _>> = part.into_iter().map(|n| &operations[n]).collect();
        let entries = Entry::all(&part);
        let steps = &mut { max_steps };
        match decide(model, &entries, steps) {
            Decision::Linearizable => {}
            Decision::Wrong(wrong) => {
                let found = Wrong { model, clients, part: &part, entries: &entries, max_steps };
                return Err(found.error(wrong, operations.len()));
            }
            Decision::Undecided => undecided = undecided.or(Some(part.len())),
        }
    }
    let Some(operations) = undecided else { return Ok(()) };
    let text = format!(
        "it is undecided whether the history is linearizable: there are {operations} operations, and \
         {max_steps} steps of the model did not do\n(raise History::max_steps, make the history shorter, or \
         let Model::key or Model::item divide it)"
    );
    Err(LinearizeError { text, undecided: true })
}

/// Steps after which something is learnt from the items first.
const FEW: u64 = 10_000;

enum Decision {
    Linearizable,
    /// These operations, at least, have no order.
    Wrong(Vec<usize>),
    Undecided,
}

fn decide<M: Model>(model: &M, entries: &[Entry<'_, M>], steps: &mut u64) -> Decision {
    let granted = FEW.min(*steps);
    let mut few = granted;
    let mut verdict = search(model, entries, &mut few);
    *steps -= granted - few;
    if verdict == Verdict::Undecided && *steps > 0 {
        verdict = match learn(model, entries) {
            Ok(before) => search_after(model, entries, &before, steps),
            Err(wrong) => return Decision::Wrong(wrong),
        };
    }
    match verdict {
        Verdict::Linearizable => Decision::Linearizable,
        Verdict::NotLinearizable { .. } => Decision::Wrong((0..entries.len()).collect()),
        Verdict::Undecided => Decision::Undecided,
    }
}

/// What is about one key, and cannot be linearized.
struct Wrong<'a, M: Model> {
    model: &'a M,
    clients: &'a [String],
    part: &'a [&'a Operation<M::Op, M::Output>],
    entries: &'a [Entry<'a, M>],
    max_steps: u64,
}

/// The first line about a history that is wrong. The history follows, which each schedule changes.
pub(crate) const NOT_LINEARIZABLE: &str =
    "not linearizable: in no order does the model give what these clients have seen";

/// The most answers of the model that are told.
const ANSWERS: usize = 4;
/// The most characters of each of them.
const ANSWER: usize = 60;

impl<M: Model> Wrong<'_, M> {
    fn error(&self, wrong: Vec<usize>, all: usize) -> LinearizeError {
        let minimal = minimal(self.model, self.entries, wrong, self.max_steps);
        let shown: Vec<&Operation<_, _>> = minimal.shown.iter().map(|&n| self.part[n]).collect();
        let table = Table { clients: self.clients, operations: &shown, until: minimal.until };
        let mut text = format!("{NOT_LINEARIZABLE}\n\n");
        for line in table.lines() {
            text.push_str(&line);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.allowed(&minimal));
        if let more @ 1.. = all - shown.len() {
            let operations = if more == 1 { "operation" } else { "operations" };
            text.push_str(&format!(
                "\nleft out   {more} {operations}, with or without which it is as wrong"
            ));
        }
        LinearizeError { text, undecided: false }
    }

    /// What the operation could have returned, in a line.
    fn allowed(&self, minimal: &Minimal) -> String {
        let op = debug(self.entries[minimal.culprit].op, ANSWER);
        let is_called = |&number: &usize| self.entries[number].called <= minimal.until;
        let all: Vec<usize> = (0..self.entries.len()).filter(is_called).collect();
        let mut those = "";
        let mut answers = self.answers(minimal, &all);
        if answers.is_empty() {
            // Something else is wrong as well, or there are too many.
            those = ", by what is shown";
            answers = self.answers(minimal, &minimal.shown);
        }
        let more = if answers.len() > ANSWERS { ", and others" } else { "" };
        answers.truncate(ANSWERS);
        match answers.is_empty() {
            true => {
                format!("allowed    for {op} at ◀: not found in the steps that the search may take")
            }
            false => format!("allowed    for {op} at ◀{those}: {}{more}", answers.join(", or ")),
        }
    }

    /// What it could have returned had these operations been all there were.
    fn answers(&self, minimal: &Minimal, numbers: &[usize]) -> Vec<String> {
        let mut part = prefix(self.entries, numbers, minimal.until);
        let place = numbers.iter().position(|&number| number == minimal.culprit);
        let place = place.expect("dacapo bug: the culprit is one of them");
        let budget = &mut Budget::new(self.max_steps).each(FEW);
        let possible = outputs(self.model, &part, place, 4 * ANSWERS, budget);
        let mut answers = Vec::new();
        for output in &possible {
            part[place].returned = Some((minimal.until, output));
            if budget.search(self.model, &part) == Verdict::Linearizable {
                answers.push(debug(output, ANSWER));
            }
        }
        answers
    }
}
