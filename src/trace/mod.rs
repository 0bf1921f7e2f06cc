//! What happened in a run: recorded as compact events, shown as text only when asked.

mod asked;
mod event;
mod filter;
mod labels;
mod names;
mod record;
mod text;

use std::collections::VecDeque;

pub use event::{Asked, Detail, Ending, Event, Moment, Position, Subject, Wait};
pub use filter::EventRef;
use labels::Labels;
pub(crate) use names::mix;
pub use names::{TaskId, TaskName, TaskNames};
use record::Tally;
pub(crate) use record::{Next, Record};
pub(crate) use text::{printable, printable_lines};

use crate::buffer::Buffer;
use crate::instant::Instant;
use crate::schedule::Answer;

/// The events of one run. Of a very long run, the last ones.
///
/// Its text (`Display`) has a column for each task, a line for each thing that a task did, in virtual time,
/// and a legend. It contains nothing that an unrelated edit changes: no line number, address, thread or real
/// time, and no number of a step or a choice. So it can be a snapshot:
///
/// ```
/// use std::time::Duration;
/// use dacapo::{task::spawn_named, time::sleep};
///
/// let run = dacapo::run(async || {
///     let timer = spawn_named("timer", sleep(Duration::from_secs(1)));
///     timer.await.unwrap();
///     dacapo::trace!("awake");
/// });
/// let text = "
///       time   main                     timer
///       0 ms   spawns timer
///              waits for timer to end
///       0 ms                            waits until 1000 ms
///              … 1000 ms …
///    1000 ms                            returns
///    1000 ms   » awake
///              returns
///
/// »  noted by the code itself
/// …  no task was ready, and the clock jumped
/// ";
/// assert_eq!(format!("\n{}", run.trace()), text);
/// ```
///
/// If there are too many tasks for columns, each line names its task instead. The other forms are
/// [`log`](Trace::log), with each event and all numbers, [`marbles`](Trace::marbles), a strip for each task,
/// and [`compact`](Trace::compact), a single line. Each shows what [`filter`](Trace::filter) leaves.
///
/// With the feature `serde` it is data as well: the names of the tasks, and a map for each event with its
/// time in nanoseconds, its step, what it is, and what belongs to that. A time that never comes, a waker that
/// is not known, and a value that is not kept, are null or absent.
///
/// ```
/// # #[cfg(feature = "serde")] {
/// let run = dacapo::run(async || dacapo::trace!("hello", "world"));
/// let trace = serde_json::to_value(run.trace()).unwrap();
/// let note = serde_json::json!({
///     "time_ns": 0, "step": 1, "event": "note", "task": "main", "label": "hello", "value": "\"world\"",
/// });
/// assert_eq!(trace["events"][2], note);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The last ones, up to `max`, and those before them, as many or none. When there are as many as can be,
    /// those before go, so that it costs next to nothing.
    records: Buffer<Record>,
    before: Buffer<Record>,
    max: usize,
    /// How many of the last records are in the hash; those before all are.
    hashed: usize,
    hash: [u64; 2],
    /// What is left of the events, if some were filtered out.
    selected: Option<Vec<(Position, Event)>>,
    names: TaskNames,
    /// What the code called the values that it asked for, and what it noted.
    labels: Labels,
    /// The texts of the last values that were noted, if the run is shown.
    values: VecDeque<Box<str>>,
    /// How many values were noted, shown or not.
    valued: u32,
    /// The hash of all texts of values so far; 0 if there were none.
    value_hash: u64,
    /// The state of the run when the first kept event happened.
    start: Position,
    /// How many events before that were not kept.
    dropped: u64,
    /// The first choices that were answered unlike an event loop would.
    early: Vec<(Position, Event)>,
}

/// What [`Trace::events`] returns. A chain of std's iterators would cost all that use it more time to compile.
struct Events<'a> {
    selected: &'a [(Position, Event)],
    /// These, and then the others.
    records: &'a [Record],
    then: &'a [Record],
    /// Those of the record before.
    of_record: record::Events,
    position: Position,
}

impl Iterator for Events<'_> {
    type Item = (Position, Event);

    fn next(&mut self) -> Option<(Position, Event)> {
        if let Some((next, selected)) = self.selected.split_first() {
            self.selected = selected;
            return Some(*next);
        }
        loop {
            if let Some(event) = self.of_record.next() {
                self.position = self.position.after(&event);
                return Some((self.position, event));
            }
            match self.records.split_first() {
                Some((next, records)) => {
                    self.records = records;
                    self.of_record = next.events();
                }
                None if self.then.is_empty() => return None,
                None => self.records = std::mem::take(&mut self.then),
            }
        }
    }
}

impl Position {
    fn after(mut self, event: &Event) -> Self {
        match event {
            Event::Advance { to } => self.time = *to,
            Event::Poll { task } => (self.step, self.task) = (self.step + 1, *task),
            Event::Choice { .. } => self.choices += 1,
            _ => {}
        }
        self
    }
}

/// The longest that a label is shown, in characters.
const LABEL: usize = 60;
/// The longest text of a value that is kept, in characters.
pub(crate) const VALUE: usize = 300;

/// A hash with another one added, unless that is of nothing.
pub(crate) fn mix_if_any(hash: u64, other: u64) -> u64 {
    if other == 0 { hash } else { mix(hash, other) }
}

/// A hash with a text added. The length keeps apart two texts in a row that divide the same bytes otherwise.
fn mix_bytes(hash: u64, bytes: &[u8]) -> u64 {
    let hash = mix(hash, bytes.len() as u64);
    bytes.iter().fold(hash, |hash, &byte| mix(hash, u64::from(byte)))
}

/// How many records are made before they are looked at.
const LOOK: usize = 1024;

/// How many dropped records are counted together. If something of one must be kept, they are looked at
/// one by one.
const TALLIED: usize = 64;

/// How many early choices are kept at most.
const EARLY: usize = 100;

impl Trace {
    /// Prepares for a run of which the last `max` events are kept.
    pub(crate) fn clear(&mut self, max: usize) {
        self.records.clear();
        self.before.clear();
        self.names.clear();
        self.labels.clear();
        self.values.clear();
        self.selected = None;
        (self.valued, self.value_hash) = (0, 0);
        self.early.clear();
        self.max = max;
        self.records.set_room(LOOK.min(max.max(1)));
        (self.start, self.dropped, self.hashed, self.hash) = Default::default();
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, record: Record) {
        if !self.records.push_within(record) {
            self.push_slowly(record);
        }
    }

    /// There is no place: the records are looked at, as long as they are in the nearest cache, and others may go.
    #[cold]
    #[inline(never)]
    fn push_slowly(&mut self, record: Record) {
        let most = self.max.max(1);
        self.update_hash();
        if self.records.len() >= most {
            self.drop_before(self.before.len());
            std::mem::swap(&mut self.before, &mut self.records);
            self.hashed = 0;
            // The events that were dropped are those before the last time.
            self.names.forget();
        }
        let len = self.records.len();
        self.records.set_room(LOOK.min(most - len));
        self.push(record);
    }

    /// A task is polled. If it was chosen just before, that is one record, as in a run without faults, so
    /// that equal events have equal hashes.
    pub(crate) fn poll(&mut self, task: TaskId) {
        let unhashed = self.hashed < self.records.len();
        let last = self.records.last_mut().filter(|_| unhashed);
        if !last.is_some_and(|last| last.add_poll(task)) {
            self.push(Record::poll(task));
        }
    }

    /// A task wakes itself in its turn, and waits for the next one.
    #[inline(always)]
    pub(crate) fn give_way(&mut self, task: TaskId) {
        // What is in the hash stays as it is.
        let unhashed = self.hashed < self.records.len();
        match self.records.last_mut() {
            Some(last) if unhashed && last.begins_turn() => last.give_way_at_once(),
            _ => self.push(Record::give_way(task)),
        }
    }

    /// Called at the end of the run.
    pub(crate) fn finish(&mut self) {
        self.update_hash();
        let mut count = (self.before.len() + self.records.len()).saturating_sub(self.max);
        if count > self.before.len() {
            // None are kept.
            count -= self.before.len();
            self.drop_before(self.before.len());
            std::mem::swap(&mut self.before, &mut self.records);
            self.hashed = 0;
        }
        if count > 0 {
            self.drop_before(count);
        }
    }

    /// Drops the first of those before the last ones.
    fn drop_before(&mut self, count: usize) {
        for records in self.before[..count].chunks(TALLIED) {
            let tally = Tally::of(records);
            self.dropped += tally.events;
            let looks_for_deviations = tally.has_deviations && self.early.len() < EARLY;
            if tally.is_plain && !looks_for_deviations {
                self.start = tally.pass(records, self.start);
                continue;
            }
            for event in records.iter().flat_map(|record| record.events()) {
                self.start = self.start.after(&event);
                if let Event::Note { value: Some(_), .. } = event {
                    self.values.pop_front();
                }
                // The records that are kept tell what happened last. What led to it is often here.
                if event.is_deviation() && self.early.len() < EARLY {
                    self.early.push((self.start, event));
                    let tasks =
                        [Some(self.start.task), Some(event.actor(self.start)), event.other()];
                    tasks.into_iter().flatten().for_each(|task| self.names.keep(task));
                }
            }
        }
        self.before.drop_first(count);
    }

    fn update_hash(&mut self) {
        let [mut a, mut b] = self.hash;
        for record in &self.records[self.hashed..] {
            let [first, second] = record.words();
            (a, b) = (mix(a, first), mix(b, second));
        }
        self.hash = [a, b];
        self.hashed = self.records.len();
    }

    /// The choices that were not answered by 0, as far as they are kept: the first ones, and those
    /// among the last events.
    pub(crate) fn deviations(&self) -> impl Iterator<Item = (Position, Event)> {
        let late = self.events();
        self.early.iter().copied().chain(late.filter(|(_, event)| event.is_deviation()))
    }

    /// Adds to the hash what is not an event.
    pub(crate) fn hash_bytes(&mut self, bytes: &[u8]) {
        self.update_hash();
        self.hash[0] = mix_bytes(self.hash[0], bytes);
    }

    pub(crate) fn names_mut(&mut self) -> &mut TaskNames {
        &mut self.names
    }

    /// The number of a label, from now on.
    pub(crate) fn intern(&mut self, label: &str) -> u32 {
        self.labels.find(label).unwrap_or_else(|| {
            self.hash_bytes(label.as_bytes());
            self.labels.add(label)
        })
    }

    /// Keeps the text of a value, which is the next one of the run, or only counts it.
    pub(crate) fn push_value(&mut self, text: Option<Box<str>>) -> u32 {
        if let Some(text) = &text {
            self.value_hash = mix_bytes(self.value_hash, text.as_bytes());
        }
        self.values.extend(text);
        self.valued += 1;
        self.valued - 1
    }

    /// The `Debug` text of a value that was [noted](crate::trace!), or the beginning of a long one.
    /// `None` if it is not kept: its event was dropped, or this run is not shown.
    pub fn value(&self, number: u32) -> Option<&str> {
        let first = self.valued - self.values.len() as u32;
        self.values.get(number.checked_sub(first)? as usize).map(|text| &**text)
    }

    /// The text of a label: what the code under test calls a value that it asked for, a future that it
    /// marked, or what it noted; see [`Subject::Label`] and [`Event::Note`].
    pub fn label(&self, number: u32) -> &str {
        self.labels.get(number).unwrap_or("value")
    }

    /// The same, to be shown.
    pub(crate) fn shown_label(&self, number: u32) -> String {
        printable(self.label(number), LABEL)
    }

    /// The names of the tasks.
    pub fn names(&self) -> &TaskNames {
        &self.names
    }

    /// A hash of all events of the run and its outcome, including events that are not kept.
    ///
    /// It covers the names of tasks, the messages of their panics, labels, and, if the run is shown, the texts
    /// of the values that it [noted](crate::trace!). It does not cover places in the source. Runs with equal
    /// hashes did the same, as far as dacapo can see. It is the same on every machine, but may change with a
    /// release of dacapo.
    pub fn hash(&self) -> u64 {
        mix_if_any(self.hash_of_events(), self.value_hash)
    }

    /// The same without the texts of noted values, which are made only in runs that are shown.
    pub(crate) fn hash_of_events(&self) -> u64 {
        let [a, b] = self.hash;
        mix_if_any(mix(a, b), self.names.hash())
    }

    /// A number that stands for the texts of the values that were noted; 0 if there are none.
    pub(crate) fn hash_of_values(&self) -> u64 {
        self.value_hash
    }

    /// How many events happened before the first one that is kept.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The events in their order, each with its place in the run.
    pub fn events(&self) -> impl Iterator<Item = (Position, Event)> {
        let (selected, records, then) = match &self.selected {
            Some(selected) => (&selected[..], &[][..], &[][..]),
            None => (&[][..], &self.before[..], &self.records[..]),
        };
        Events {
            selected,
            records,
            then,
            of_record: record::Events::default(),
            position: self.start,
        }
    }

    /// Describes an event in words.
    pub fn describe(&self, position: Position, event: Event) -> String {
        let name = |task: TaskId| self.names.get(task);
        let by = |by: Option<TaskId>, else_by: &str| match by {
            Some(by) => name(by).to_string(),
            None => else_by.to_owned(),
        };
        match event {
            Event::Spawn { task, .. } if task == TaskId::MAIN => "main is spawned".to_owned(),
            Event::Spawn { task, by } => format!("{} spawns {}", name(by), name(task)),
            Event::Choice { asked, answer, options } => {
                let what = self.fill(asked.question.row().about, position, asked, answer);
                let answer = Answer::new(answer, asked.lasting());
                format!("choice {}: {answer} of {options} ({what})", position.choices - 1)
            }
            Event::Poll { task } => format!("{} runs", name(task)),
            Event::Wait { task, on } => format!("{} waits {}", name(task), self.describe_wait(on)),
            Event::Wake { task, by: waker } => {
                format!("{} is woken by {}", name(task), by(waker, "the clock"))
            }
            Event::Advance { .. } => "… the clock jumps …".to_owned(),
            Event::Abort { task, by: caller } => {
                format!("{} is aborted by {}", name(task), by(caller, "the end of the run"))
            }
            Event::Cancel { task, by: caller } => {
                format!("{} is cancelled by {}", name(task), by(caller, "the end of the run"))
            }
            Event::Timeout { task, after } => {
                format!("{} reaches its timeout of {}", name(task), Instant::START + after)
            }
            Event::Note { task, label, value } => {
                format!("{} notes {}", name(task), self.describe_note(label, value))
            }
            Event::End { task, how } => {
                let how = match how {
                    Ending::Returned => "returns",
                    Ending::Panicked => "panics",
                    Ending::Cancelled => "is cancelled",
                    Ending::Dropped => "is dropped, for the run has ended",
                };
                format!("{} {how}", name(task))
            }
        }
    }

    /// What the code under test said, by the numbers of an [`Event::Note`].
    pub fn describe_note(&self, label: u32, value: Option<u32>) -> String {
        let label = self.shown_label(label);
        match value {
            Some(value) => {
                format!(
                    "{label}: {}",
                    self.value(value).map_or("…".into(), |v| printable(v, VALUE))
                )
            }
            None => label,
        }
    }

    /// What a task waits for, in words that follow "waits".
    pub fn describe_wait(&self, on: Wait) -> String {
        match on {
            Wait::Turn => "for its next turn".to_owned(),
            Wait::Other => "for something outside of dacapo".to_owned(),
            Wait::Until(at) if at == Instant::FAR_FUTURE => {
                "for a time that never comes".to_owned()
            }
            Wait::Until(at) => format!("until {at}"),
            Wait::Task(other) => format!("for {} to end", self.names.get(other)),
            Wait::Semaphore { number, permits: 1 } => format!("for a permit of semaphore {number}"),
            Wait::Semaphore { number, permits } => {
                format!("for {permits} permits of semaphore {number}")
            }
            Wait::Lock(number) => format!("for lock {number}"),
            Wait::Event(number) => format!("for event {number}"),
            Wait::Condition(number) => format!("for a notification of condition {number}"),
            Wait::Barrier(number) => format!("for the others at barrier {number}"),
            Wait::QueueGet(number) => format!("for an item of queue {number}"),
            Wait::QueuePut(number) => format!("for a place in queue {number}"),
            Wait::QueueJoin(number) => format!("for all items of queue {number} to be done"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::schedule::Lasting;

    /// Turns that are yielded. Their records change after they were made.
    fn hash(trace: &mut Trace, max: usize, turns: u32) -> u64 {
        trace.clear(max);
        for turn in 0..turns {
            trace.push(Record::poll(TaskId(turn % 7)));
            trace.give_way(TaskId(turn % 7));
            if turn % 5 == 0 {
                trace.push(Record::wake(TaskId(turn), None));
            }
        }
        trace.finish();
        trace.hash()
    }

    /// Not of what a run before has left of memory, nor of where its places end.
    #[test]
    fn a_hash_is_of_the_events() {
        let mut used = Trace::default();
        for turns in [0, 1, 853, 854, 1023, 1024, 1025, 20_000] {
            let known = hash(&mut Trace::default(), usize::MAX, turns);
            for max in [usize::MAX, 10_000, 6000] {
                assert_eq!(hash(&mut used, max, turns), known, "{turns} turns, {max} kept");
            }
            hash(&mut used, 100, turns);
        }
    }

    /// What is left of the events is as in a trace that keeps all of them, and the first deviations are there.
    #[test]
    fn what_was_dropped_is_accounted_for() {
        let fill = |trace: &mut Trace, max: usize, notes: bool| {
            trace.clear(max);
            let mut draws = Stream::new(7, Purpose::Data);
            let mut values = 0;
            for turn in 0..20_000 {
                let [task, other] = [draws.below(5), draws.below(5)].map(TaskId);
                let answer = if draws.below(50) == 0 { 1 } else { 0 };
                let lasting = Lasting::Once;
                let next = Next { first: other, chosen: task, lasting, answer, options: 2 };
                match draws.below(8) {
                    0 => trace.push(Record::poll(task)),
                    _ => trace.push(Record::turn(next)),
                }
                match draws.below(4) {
                    0 => trace.push(Record::wait(task, Wait::Other)),
                    1 => trace.push(Record::advance(Instant::from_nanos(turn))),
                    _ => trace.give_way(task),
                }
                if notes && draws.below(100) == 0 {
                    trace.push_value(Some("value".into()));
                    trace.push(Record::note(task, 0, Some(values)));
                    values += 1;
                }
            }
            trace.finish();
        };
        let (mut whole, mut ring) = (Trace::default(), Trace::default());
        for (max, notes) in [(0, false), (1000, false), (3000, true), (7777, true)] {
            fill(&mut whole, usize::MAX, notes);
            fill(&mut ring, max, notes);
            assert_eq!(whole.dropped(), 0);
            let events: Vec<_> = whole.events().collect();
            let (gone, left) = events.split_at(ring.dropped() as usize);
            assert!(ring.events().eq(left.iter().copied()), "{max} kept");
            let early = gone.iter().filter(|(_, event)| event.is_deviation()).take(EARLY);
            assert!(ring.early.iter().eq(early), "{max} kept");
            let values = left.iter().filter(|(_, event)| matches!(event, Event::Note { .. }));
            assert_eq!(ring.values.len(), values.count());
        }
    }
}
