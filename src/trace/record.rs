//! Events as they are recorded: two words each, which is what a step can afford.
//!
//! What nearly every step does takes one record where it is several events: a choice among tasks, the poll of
//! the one chosen, its wake-up, and that it waits for its next turn.

use std::time::Duration;

use super::event::{Asked, Detail, Ending, Event, Moment, Subject, Wait};
use super::{Position, TaskId};
use crate::instant::Instant;
use crate::question::Question;
use crate::schedule::Lasting;

/// An event, or several that follow on each other.
///
/// ```text
/// word 0   gives way: 1 bit | tag: 7 bits | small: 24 bits | low: 32 bits
/// word 1   a number of 64 bits, or two of 32
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record(u64, u64);

/// No record is all zeros, which would leave a hash as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    Turn = 1,
    Poll,
    Next,
    GiveWay,
    Wait,
    Wake,
    Advance,
    Spawn,
    Abort,
    Cancel,
    Timeout,
    End,
    Note,
}

impl Tag {
    const ALL: [Self; 13] = [
        Self::Turn,
        Self::Poll,
        Self::Next,
        Self::GiveWay,
        Self::Wait,
        Self::Wake,
        Self::Advance,
        Self::Spawn,
        Self::Abort,
        Self::Cancel,
        Self::Timeout,
        Self::End,
        Self::Note,
    ];
}

const GIVES_WAY: u64 = 1 << 63;

/// The tag of the first question; the others follow in their order.
const FIRST_QUESTION: u64 = 16;

/// How a question that is not among tasks is laid out. Of the 24 small bits:
///
/// ```text
/// subject: 3 bits | detail: 4 bits | long: 1 bit | options: 8 bits | answer: 8 bits
/// ```
///
/// What the subject is stands in the low word, and what the detail is in the second word. A question with more
/// options than have a place among the small bits is long: then the second word is the options and the answer,
/// and there is no detail.
const LONG: u32 = 1 << 16;
const MOST_OPTIONS: u32 = 0xff;

/// A choice among tasks, as it was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    pub(crate) first: TaskId,
    pub(crate) chosen: TaskId,
    pub(crate) lasting: Lasting,
    /// Below `MAX_OPTIONS`.
    pub(crate) answer: u32,
    pub(crate) options: u32,
}

impl Next {
    /// The most tasks among which may be chosen: what has a place in a record.
    pub(crate) const MAX_OPTIONS: usize = 1 << 22;

    fn small(self) -> u32 {
        self.answer | ((self.lasting as u32) << 22)
    }
}

impl Record {
    const fn new(tag: Tag, small: u32, low: u32, second: u64) -> Self {
        Self(((tag as u64) << 56) | ((small as u64) << 32) | low as u64, second)
    }

    /// A choice among tasks, and the poll of the chosen one.
    pub(crate) fn turn(next: Next) -> Self {
        Self::new(Tag::Turn, next.small(), next.chosen.0, two(next.options, next.first.0))
    }

    /// A choice among tasks.
    pub(crate) fn next(next: Next) -> Self {
        Self::new(Tag::Next, next.small(), next.chosen.0, two(next.options, next.first.0))
    }

    pub(crate) fn poll(task: TaskId) -> Self {
        Self::new(Tag::Poll, 0, task.0, 0)
    }

    /// A task wakes itself, and then waits for its next turn.
    pub(crate) fn give_way(task: TaskId) -> Self {
        Self::new(Tag::GiveWay, 0, task.0, 0)
    }

    pub(crate) fn wake(task: TaskId, by: Option<TaskId>) -> Self {
        Self::new(Tag::Wake, 0, task.0, optional(by))
    }

    pub(crate) fn wait(task: TaskId, on: Wait) -> Self {
        let (kind, second) = match on {
            Wait::Turn => (0, 0),
            Wait::Other => (1, 0),
            Wait::Until(at) => (2, at.as_nanos()),
            Wait::Task(other) => (3, other.0.into()),
            Wait::Semaphore { number, permits } => (4, two(number, permits)),
            Wait::Lock(number) => (5, number.into()),
            Wait::Event(number) => (6, number.into()),
            Wait::Condition(number) => (7, number.into()),
            Wait::Barrier(number) => (8, number.into()),
            Wait::QueueGet(number) => (9, number.into()),
            Wait::QueuePut(number) => (10, number.into()),
            Wait::QueueJoin(number) => (11, number.into()),
        };
        Self::new(Tag::Wait, kind, task.0, second)
    }

    pub(crate) fn spawn(task: TaskId, by: TaskId) -> Self {
        Self::new(Tag::Spawn, 0, task.0, by.0.into())
    }

    pub(crate) fn advance(to: Instant) -> Self {
        Self::new(Tag::Advance, 0, 0, to.as_nanos())
    }

    pub(crate) fn abort(task: TaskId, by: Option<TaskId>) -> Self {
        Self::new(Tag::Abort, 0, task.0, optional(by))
    }

    pub(crate) fn cancel(task: TaskId, by: Option<TaskId>) -> Self {
        Self::new(Tag::Cancel, 0, task.0, optional(by))
    }

    /// Longer times than the clock has are cut.
    pub(crate) fn timeout(task: TaskId, after: Duration) -> Self {
        let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        Self::new(Tag::Timeout, 0, task.0, nanos)
    }

    pub(crate) fn end(task: TaskId, how: Ending) -> Self {
        Self::new(Tag::End, how as u32, task.0, 0)
    }

    /// Whether the text of the value is kept makes no difference.
    pub(crate) fn note(task: TaskId, label: u32, value: Option<u32>) -> Self {
        let value = value.map_or(0, |value| u64::from(value) + 1);
        Self::new(Tag::Note, label & 0xff_ffff, task.0, value)
    }

    /// A choice that was answered.
    pub(crate) fn choice(asked: Asked, answer: u32, options: u32) -> Self {
        let Asked { question, subject, detail } = asked;
        if let (Subject::Task(chosen), Detail::Next { first, lasting }) = (subject, detail) {
            return Self::next(Next { first, chosen, lasting, answer, options });
        }
        let (subject, low) = match subject {
            Subject::Task(task) => (0, task.0),
            Subject::Label(label) => (1, label),
            Subject::Clock => (2, 0),
            Subject::Host(host) => (3, host.into()),
            Subject::Link { from, to } => (4, u32::from(from) << 16 | u32::from(to)),
        };
        let moment = |moment: Moment| u32::from(moment.is_woken());
        let (kind, second) = match detail {
            Detail::None | Detail::Next { .. } => (0, 0),
            Detail::Granted { to, lock } => (2 + u32::from(lock), optional(to)),
            Detail::Deadline(deadline) => (4, deadline.as_nanos()),
            Detail::Number(number) => (5, number),
            Detail::Await { nth, moment: when } => (6 + moment(when), nth.into()),
            Detail::In { task, moment: when } => (8 + moment(when), task.0.into()),
        };
        let about = subject << 21 | kind << 17;
        let (small, second) = match options <= MOST_OPTIONS {
            true => (about | options << 8 | answer, second),
            false => {
                debug_assert_eq!(detail, Detail::None, "dacapo bug: there is no place for it");
                (about | LONG, two(options, answer))
            }
        };
        Self(
            ((FIRST_QUESTION + question as u64) << 56) | u64::from(small) << 32 | u64::from(low),
            second,
        )
    }

    /// Whether a turn begins with it, and has not been given away.
    #[inline]
    pub(crate) fn begins_turn(self) -> bool {
        const { assert!(Tag::Turn as u64 == 1 && Tag::Poll as u64 == 2) };
        (self.0 >> 56).wrapping_sub(1) < 2
    }

    /// Adds the poll of the chosen task, if this is a choice of that task. Returns whether it is.
    pub(crate) fn add_poll(&mut self, task: TaskId) -> bool {
        let is_choice = self.tag() == Tag::Next as u64 && self.0 as u32 == task.0;
        if is_choice {
            self.0 ^= (Tag::Next as u64 ^ Tag::Turn as u64) << 56;
        }
        is_choice
    }

    /// Whether the turn that begins with it is only yielded.
    #[inline]
    pub(crate) fn give_way_at_once(&mut self) {
        self.0 |= GIVES_WAY;
    }

    /// The words, for the hash of the run.
    pub(crate) fn words(self) -> [u64; 2] {
        [self.0, self.1]
    }

    /// The event, or all in their order.
    pub(crate) fn events(self) -> Events {
        let (first, second) = self.unpack();
        let mut events = [Some(first), second, None, None];
        if self.0 & GIVES_WAY != 0 {
            let [wake, wait] = gives_way(TaskId(self.0 as u32));
            (events[2], events[3]) = (Some(wake), Some(wait));
        }
        Events { events, next: 0 }
    }

    #[inline]
    fn tag(self) -> u64 {
        (self.0 & !GIVES_WAY) >> 56
    }

    fn unpack(self) -> (Event, Option<Event>) {
        let Self(first, second) = self;
        if let Some(question) = self.tag().checked_sub(FIRST_QUESTION) {
            return (self.unpack_choice(Question::ALL[question as usize]), None);
        }
        let tag = Tag::ALL[self.tag() as usize - 1];
        let small = (first >> 32) as u32 & 0xff_ffff;
        let (high, low) = ((second >> 32) as u32, second as u32);
        let task = TaskId(first as u32);
        let by = (second > 0).then(|| TaskId((second - 1) as u32));
        let next = || {
            let lasting = match small >> 22 {
                0 => Lasting::Once,
                1 => Lasting::Hold,
                _ => Lasting::Ahead,
            };
            let asked = Asked::next(TaskId(low), task, lasting);
            Event::Choice { asked, answer: small & 0x3f_ffff, options: high }
        };
        let event = match tag {
            Tag::Turn => return (next(), Some(Event::Poll { task })),
            Tag::GiveWay => {
                let [wake, wait] = gives_way(task);
                return (wake, Some(wait));
            }
            Tag::Next => next(),
            Tag::Poll => Event::Poll { task },
            Tag::Wait => Event::Wait { task, on: wait(small, second) },
            Tag::Wake => Event::Wake { task, by },
            Tag::Advance => Event::Advance { to: Instant::from_nanos(second) },
            Tag::Spawn => Event::Spawn { task, by: TaskId(low) },
            Tag::Abort => Event::Abort { task, by },
            Tag::Cancel => Event::Cancel { task, by },
            Tag::Timeout => Event::Timeout { task, after: Duration::from_nanos(second) },
            Tag::End => Event::End { task, how: Ending::ALL[small as usize] },
            Tag::Note => {
                let value = (second > 0).then(|| (second - 1) as u32);
                Event::Note { task, label: small, value }
            }
        };
        (event, None)
    }

    fn unpack_choice(self, question: Question) -> Event {
        let Self(first, second) = self;
        let (small, low) = ((first >> 32) as u32 & 0xff_ffff, first as u32);
        let subject = match small >> 21 {
            0 => Subject::Task(TaskId(low)),
            1 => Subject::Label(low),
            2 => Subject::Clock,
            3 => Subject::Host(low as u16),
            _ => Subject::Link { from: (low >> 16) as u16, to: low as u16 },
        };
        let kind = small >> 17 & 0xf;
        let moment = if kind & 1 == 0 { Moment::Waiting } else { Moment::Woken };
        let detail = match kind {
            2 | 3 => Detail::Granted {
                to: (second > 0).then(|| TaskId((second - 1) as u32)),
                lock: kind == 3,
            },
            4 => Detail::Deadline(Instant::from_nanos(second)),
            5 => Detail::Number(second),
            6 | 7 => Detail::Await { nth: second as u32, moment },
            8 | 9 => Detail::In { task: TaskId(second as u32), moment },
            _ => Detail::None,
        };
        let (options, answer) = match small & LONG {
            0 => (small >> 8 & 0xff, small & 0xff),
            _ => ((second >> 32) as u32, second as u32),
        };
        Event::Choice { asked: Asked { question, subject, detail }, answer, options }
    }
}

/// The events of a record. A chain of std's iterators in its place would be a dozen functions to compile
/// for each caller.
#[derive(Default)]
pub(crate) struct Events {
    events: [Option<Event>; 4],
    next: usize,
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        while let Some(event) = self.events.get(self.next) {
            self.next += 1;
            if event.is_some() {
                return *event;
            }
        }
        None
    }
}

/// What is known of dropped records, if they are of the most common kinds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// How many events they are.
    pub(crate) events: u64,
    steps: u64,
    choices: u64,
    jumps: u64,
    /// Whether all are of these kinds: nothing is noted in them, and no choice stands alone.
    pub(crate) is_plain: bool,
    pub(crate) has_deviations: bool,
}

impl Tally {
    /// Counts without a branch, and several records at a time, as the compiler does that.
    pub(crate) fn of(records: &[Record]) -> Self {
        const {
            assert!(Tag::Turn as u32 == 1 && Tag::Poll as u32 == 2 && Tag::Next as u32 == 3);
            assert!((Tag::End as u32) < Tag::Note as u32 && (Tag::Note as u64) < FIRST_QUESTION);
        }
        let (mut turns, mut polls, mut two, mut given, mut jumps) = (0, 0, 0, 0, 0);
        let (mut others, mut deviations) = (0, 0);
        for record in records {
            let high = (record.0 >> 32) as u32;
            let tag = high >> 24 & 0x7f;
            let is_turn = u32::from(tag == Tag::Turn as u32);
            turns += is_turn;
            polls += u32::from(tag <= Tag::Poll as u32);
            two += u32::from(tag == Tag::GiveWay as u32);
            given += high >> 31;
            jumps += u32::from(tag == Tag::Advance as u32);
            others |= u32::from(tag == Tag::Next as u32) | u32::from(tag > Tag::End as u32);
            deviations |= is_turn.wrapping_neg() & high & 0xff_ffff;
        }
        let events = u64::from(turns) + u64::from(two) + 2 * u64::from(given);
        Self {
            events: events + records.len() as u64,
            steps: polls.into(),
            choices: turns.into(),
            jumps: jumps.into(),
            is_plain: others == 0,
            has_deviations: deviations != 0,
        }
    }

    /// The position after plain records with this tally.
    pub(crate) fn pass(self, records: &[Record], from: Position) -> Position {
        let mut position = from;
        position.step += self.steps;
        position.choices += self.choices;
        let last = |tags: &[Tag]| {
            let is_one = |record: &&Record| tags.iter().any(|tag| record.tag() == *tag as u64);
            records.iter().rev().find(is_one)
        };
        if self.steps > 0 {
            let last = last(&[Tag::Turn, Tag::Poll]);
            position.task = last.map_or(position.task, |record| TaskId(record.0 as u32));
        }
        if self.jumps > 0 {
            let last = last(&[Tag::Advance]);
            position.time = last.map_or(position.time, |record| Instant::from_nanos(record.1));
        }
        position
    }
}

/// A task wakes itself, and then waits for its next turn.
fn gives_way(task: TaskId) -> [Event; 2] {
    [Event::Wake { task, by: Some(task) }, Event::Wait { task, on: Wait::Turn }]
}

fn wait(kind: u32, second: u64) -> Wait {
    let (high, low) = ((second >> 32) as u32, second as u32);
    match kind {
        0 => Wait::Turn,
        1 => Wait::Other,
        2 => Wait::Until(Instant::from_nanos(second)),
        3 => Wait::Task(TaskId(low)),
        4 => Wait::Semaphore { number: high, permits: low },
        5 => Wait::Lock(low),
        6 => Wait::Event(low),
        7 => Wait::Condition(low),
        8 => Wait::Barrier(low),
        9 => Wait::QueueGet(low),
        10 => Wait::QueuePut(low),
        _ => Wait::QueueJoin(low),
    }
}

fn two(high: u32, low: u32) -> u64 {
    (u64::from(high) << 32) | u64::from(low)
}

fn optional(task: Option<TaskId>) -> u64 {
    task.map_or(0, |task| u64::from(task.0) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes into a record comes out of it.
    #[test]
    fn records_are_events() {
        let (a, b) = (TaskId(7), TaskId(u32::MAX));
        let at = Instant::from_nanos(u64::MAX - 1);
        let check = |record: Record, events: &[Event]| {
            assert_eq!(record.events().collect::<Vec<_>>(), events);
            assert_ne!(record.words()[0], 0);
            // It is passed by when it is dropped.
            let is_plain = |event: &Event| match event {
                Event::Choice { asked, .. } => asked.question == Question::Next && events.len() > 1,
                event => !matches!(event, Event::Note { .. }),
            };
            let tally = Tally::of(&[record]);
            assert_eq!(tally.events, events.len() as u64);
            assert_eq!(tally.is_plain, events.iter().all(is_plain));
            if tally.is_plain {
                assert_eq!(tally.has_deviations, events.iter().any(Event::is_deviation));
                let after = events.iter().fold(Position::default(), |p, event| p.after(event));
                assert_eq!(tally.pass(&[record], Position::default()), after);
            }
        };

        for lasting in [Lasting::Once, Lasting::Hold, Lasting::Ahead] {
            let answer = Next::MAX_OPTIONS as u32 - 1;
            let next = Next { first: a, chosen: b, lasting, answer, options: answer + 1 };
            let asked = Asked::next(a, b, lasting);
            let choice = Event::Choice { asked, answer, options: answer + 1 };
            check(Record::turn(next), &[choice, Event::Poll { task: b }]);
            let mut record = Record::choice(asked, answer, answer + 1);
            check(record, &[choice]);
            assert!(!record.add_poll(a));
            assert!(record.add_poll(b) && !record.add_poll(b));
            assert_eq!(record, Record::turn(next));
        }
        let turn = Event::Wait { task: b, on: Wait::Turn };
        let mut poll = Record::poll(b);
        assert!(poll.begins_turn() && !Record::advance(at).begins_turn());
        poll.give_way_at_once();
        assert!(!poll.begins_turn());
        check(poll, &[Event::Poll { task: b }, Event::Wake { task: b, by: Some(b) }, turn]);
        check(Record::give_way(b), &[Event::Wake { task: b, by: Some(b) }, turn]);
        check(Record::poll(a), &[Event::Poll { task: a }]);
        check(Record::spawn(b, a), &[Event::Spawn { task: b, by: a }]);
        check(Record::advance(at), &[Event::Advance { to: at }]);
        for by in [None, Some(TaskId::MAIN), Some(b)] {
            check(Record::wake(a, by), &[Event::Wake { task: a, by }]);
            check(Record::abort(a, by), &[Event::Abort { task: a, by }]);
            check(Record::cancel(a, by), &[Event::Cancel { task: a, by }]);
            let value = by.map(|by| by.0);
            check(Record::note(a, 5, value), &[Event::Note { task: a, label: 5, value }]);
        }
        let after = Duration::from_millis(10);
        check(Record::timeout(b, after), &[Event::Timeout { task: b, after }]);
        check(
            Record::timeout(b, Duration::MAX),
            &[Event::Timeout { task: b, after: Duration::from_nanos(u64::MAX) }],
        );
        for how in Ending::ALL {
            check(Record::end(b, how), &[Event::End { task: b, how }]);
        }
        let number = u32::MAX;
        for on in [
            Wait::Turn,
            Wait::Other,
            Wait::Until(at),
            Wait::Task(b),
            Wait::Semaphore { number, permits: 3 },
            Wait::Lock(number),
            Wait::Event(number),
            Wait::Condition(number),
            Wait::Barrier(number),
            Wait::QueueGet(number),
            Wait::QueuePut(number),
            Wait::QueueJoin(number),
        ] {
            check(Record::wait(a, on), &[Event::Wait { task: a, on }]);
        }
        let subjects = [
            Subject::Task(b),
            Subject::Label(number),
            Subject::Clock,
            Subject::Host(u16::MAX),
            Subject::Link { from: 1, to: u16::MAX },
        ];
        let mut details = vec![
            Detail::None,
            Detail::Granted { to: None, lock: true },
            Detail::Granted { to: Some(TaskId::MAIN), lock: false },
            Detail::Deadline(at),
            Detail::Number(u64::MAX),
        ];
        for moment in [Moment::Waiting, Moment::Woken] {
            details.push(Detail::Await { nth: number, moment });
            details.push(Detail::In { task: b, moment });
        }
        for &question in &Question::ALL[1..] {
            for subject in subjects {
                for &detail in &details {
                    let asked = Asked { question, subject, detail };
                    let choice = |answer, options| Event::Choice { asked, answer, options };
                    check(Record::choice(asked, 2, 3), &[choice(2, 3)]);
                    check(Record::choice(asked, 254, 255), &[choice(254, 255)]);
                    if detail == Detail::None {
                        check(Record::choice(asked, 0, 256), &[choice(0, 256)]);
                        check(
                            Record::choice(asked, number - 1, number),
                            &[choice(number - 1, number)],
                        );
                    }
                }
            }
        }
    }
}
