use std::fmt::{self, Debug};

use super::Model;
use super::items::{Before, learn};
use super::minimal::{Minimal, minimal, prefix};
use super::operation::{Entry, Operation, by_key};
use super::search::{Budget, Verdict, outputs, search_after, search_eagerly};
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
    let parts: Vec<Vec<&Operation<_, _>>> = by_key::<M>(operations)
        .into_iter()
        .map(|part| part.into_iter().map(|number| &operations[number]).collect())
        .collect();
    let mut keys: Vec<Key<'_, M>> = parts.iter().map(|part| Key::new(part, max_steps)).collect();
    // The easy keys first, so that a wrong one is found before a hard one has used up its steps.
    let mut steps = FEW;
    while !keys.is_empty() {
        let mut undecided = Vec::new();
        for mut key in keys {
            match key.decide(model, steps) {
                Decision::Linearizable => {}
                Decision::Wrong(wrong) => {
                    let (part, entries) = (key.part, &key.entries);
                    let found = Wrong { model, clients, part, entries, max_steps };
                    return Err(found.error(wrong, operations.len()));
                }
                Decision::Undecided => undecided.push(key),
            }
        }
        if undecided.iter().all(|key| key.left == 0) {
            return match undecided.first() {
                Some(key) => Err(undecided_error(key.part.len(), max_steps)),
                None => Ok(()),
            };
        }
        keys = undecided;
        steps = steps.saturating_mul(GROWTH);
    }
    Ok(())
}

fn undecided_error(operations: usize, max_steps: u64) -> LinearizeError {
    let text = format!(
        "it is undecided whether the history is linearizable: there are {operations} operations, and \
         {max_steps} steps of the model did not do\n(raise History::max_steps, make the history shorter, or \
         let Model::key or Model::item divide it)"
    );
    LinearizeError { text, undecided: true }
}

/// Steps of the first round. After that, something is learnt from the items first.
const FEW: u64 = 10_000;
/// How many times as many steps the next round has.
const GROWTH: u64 = 16;

enum Decision {
    Linearizable,
    /// These operations, at least, have no order.
    Wrong(Vec<usize>),
    Undecided,
}

/// The operations on one key, and what is known of them.
struct Key<'a, M: Model> {
    part: &'a [&'a Operation<M::Op, M::Output>],
    entries: Vec<Entry<'a, M>>,
    /// What comes before what, once that was learnt.
    before: Option<Before>,
    /// Whether the eager search may still find an order.
    may_be_eager: bool,
    left: u64,
}

impl<'a, M: Model> Key<'a, M> {
    fn new(part: &'a [&'a Operation<M::Op, M::Output>], max_steps: u64) -> Self {
        let entries = Entry::all(part);
        Self { part, entries, before: None, may_be_eager: true, left: max_steps }
    }

    /// Looks for an order in a round in which each search may take this many steps.
    fn decide(&mut self, model: &M, steps: u64) -> Decision {
        if self.left == 0 {
            return Decision::Undecided;
        }
        let (entries, left) = (&self.entries, &mut self.left);
        let is_first = steps <= FEW;
        if !is_first && self.before.is_none() {
            self.before = match learn(model, entries) {
                Ok(before) => Some(before),
                Err(wrong) => return Decision::Wrong(wrong),
            };
        }
        let nothing = Vec::new();
        let before = self.before.as_ref().unwrap_or(&nothing);
        if !is_first && self.may_be_eager {
            let most = steps.min(*left / 2);
            match spend(left, most, |few| search_eagerly(model, entries, before, few)) {
                Some(true) => return Decision::Linearizable,
                Some(false) => self.may_be_eager = false,
                None => {}
            }
        }
        // The last round takes what is left.
        let most = if *left <= 2 * steps { *left } else { steps };
        match spend(left, most, |few| search_after(model, entries, before, few)) {
            Verdict::Linearizable => Decision::Linearizable,
            Verdict::NotLinearizable { .. } => Decision::Wrong((0..entries.len()).collect()),
            Verdict::Undecided => Decision::Undecided,
        }
    }
}

/// Makes a search that may take this many of the steps that are left.
fn spend<R>(left: &mut u64, most: u64, search: impl FnOnce(&mut u64) -> R) -> R {
    let mut few = most;
    let found = search(&mut few);
    *left -= most - few;
    found
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
