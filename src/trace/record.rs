//! Events as they are recorded: two words each, which is what a step can afford.
//!
//! What nearly every step does takes one record where it is several events: a choice among tasks, the poll of
//! the one chosen, its wake-up, and that it waits for its next turn.

use super::event::{Asked, Ending, Event, Moment, Wait};
use super::{Position, TaskId};
use crate::instant::Instant;
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
    End,
    Timeout,
    Deadline,
    Select,
    Value,
    Barge,
    Spurious,
    WakeAll,
    Late,
    Yield,
    CancelAt,
    Point,
    Note,
}

impl Tag {
    const ALL: [Self; 23] = [
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
        Self::End,
        Self::Timeout,
        Self::Deadline,
        Self::Select,
        Self::Value,
        Self::Barge,
        Self::Spurious,
        Self::WakeAll,
        Self::Late,
        Self::Yield,
        Self::CancelAt,
        Self::Point,
        Self::Note,
    ];
}

const GIVES_WAY: u64 = 1 << 63;

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

    /// A choice among tasks, and the poll of the one that was chosen.
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

    pub(crate) fn end(task: TaskId, how: Ending) -> Self {
        Self::new(Tag::End, how as u32, task.0, 0)
    }

    /// Whether the text of the value is kept makes no difference.
    pub(crate) fn note(task: TaskId, label: u32, value: Option<u32>) -> Self {
        let value = value.map_or(0, |value| u64::from(value) + 1);
        Self::new(Tag::Note, label & 0xff_ffff, task.0, value)
    }

    /// A choice that is not among tasks.
    pub(crate) fn choice(asked: Asked, answer: u32, options: u32) -> Self {
        let answers = two(options, answer);
        // Those that are about something else than a task have two or three options.
        let few = |moment: Moment| answer | (options << 8) | (u32::from(moment.is_woken()) << 16);
        match asked {
            Asked::Next { first, chosen, lasting } => {
                Self::next(Next { first, chosen, lasting, answer, options })
            }
            Asked::Timeout(task) => Self::new(Tag::Timeout, 0, task.0, answers),
            Asked::Deadline(task) => Self::new(Tag::Deadline, 0, task.0, answers),
            Asked::Select(task) => Self::new(Tag::Select, 0, task.0, answers),
            Asked::Spurious(task) => Self::new(Tag::Spurious, 0, task.0, answers),
            Asked::WakeAll(task) => Self::new(Tag::WakeAll, 0, task.0, answers),
            Asked::Yield(task) => Self::new(Tag::Yield, 0, task.0, answers),
            Asked::Value(label) => Self::new(Tag::Value, 0, label, answers),
            Asked::Late(deadline) => {
                Self::new(Tag::Late, few(Moment::Waiting), 0, deadline.as_nanos())
            }
            Asked::Barge { task, waiter, lock } => {
                let moment = if lock { Moment::Woken } else { Moment::Waiting };
                Self::new(Tag::Barge, few(moment), task.0, optional(waiter))
            }
            Asked::Cancel { task, nth, moment } => {
                Self::new(Tag::CancelAt, few(moment), task.0, nth.into())
            }
            Asked::Point { task, label, moment } => {
                Self::new(Tag::Point, few(moment), task.0, label.into())
            }
        }
    }

    /// Whether a turn begins with it, and has not been given away.
    #[inline]
    pub(crate) fn begins_turn(self) -> bool {
        const { assert!(Tag::Turn as u64 == 1 && Tag::Poll as u64 == 2) };
        (self.0 >> 56).wrapping_sub(1) < 2
    }

    /// Nothing else happens in the turn that begins with it than that it is given away.
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

    /// How many events it is.
    pub(crate) fn len(self) -> usize {
        let (first, tag) = (self.0, self.tag());
        let two = tag == Tag::Turn as u64 || tag == Tag::GiveWay as u64;
        1 + usize::from(two) + 2 * usize::from(first & GIVES_WAY != 0)
    }

    /// Takes a position past it, without a branch, if it is of the kinds that nearly all are, and, if these are
    /// looked for, no deviation.
    #[inline(always)]
    pub(crate) fn pass(self, position: &mut Position, looks_for_deviations: bool) -> bool {
        const PASSED: u32 = 1 << Tag::Turn as u32
            | 1 << Tag::Poll as u32
            | 1 << Tag::GiveWay as u32
            | 1 << Tag::Wait as u32
            | 1 << Tag::Wake as u32
            | 1 << Tag::Advance as u32
            | 1 << Tag::Spawn as u32
            | 1 << Tag::Abort as u32
            | 1 << Tag::Cancel as u32
            | 1 << Tag::End as u32;
        let is_turn = self.is(Tag::Turn);
        let is_deviation = is_turn & ((self.0 >> 32) as u32 & 0xff_ffff != 0);
        if PASSED >> self.tag() & 1 == 0 || looks_for_deviations & is_deviation {
            return false;
        }
        let is_poll = is_turn | self.is(Tag::Poll);
        position.choices += u64::from(is_turn);
        position.step += u64::from(is_poll);
        position.task = if is_poll { TaskId(self.0 as u32) } else { position.task };
        let is_jump = self.is(Tag::Advance);
        position.time = if is_jump { Instant::from_nanos(self.1) } else { position.time };
        true
    }

    #[inline]
    fn tag(self) -> u64 {
        (self.0 & !GIVES_WAY) >> 56
    }

    #[inline]
    fn is(self, tag: Tag) -> bool {
        self.tag() == tag as u64
    }

    fn unpack(self) -> (Event, Option<Event>) {
        let Self(first, second) = self;
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
            let asked = Asked::Next { first: TaskId(low), chosen: task, lasting };
            Event::Choice { asked, answer: small & 0x3f_ffff, options: high }
        };
        let choice = |asked| Event::Choice { asked, answer: low, options: high };
        let moment = if small >> 16 == 1 { Moment::Woken } else { Moment::Waiting };
        let few = |asked| Event::Choice { asked, answer: small & 0xff, options: small >> 8 & 0xff };
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
            Tag::End => Event::End { task, how: Ending::ALL[small as usize] },
            Tag::Note => {
                let value = (second > 0).then(|| (second - 1) as u32);
                Event::Note { task, label: small, value }
            }
            Tag::Timeout => choice(Asked::Timeout(task)),
            Tag::Deadline => choice(Asked::Deadline(task)),
            Tag::Select => choice(Asked::Select(task)),
            Tag::Value => choice(Asked::Value(task.0)),
            Tag::Spurious => choice(Asked::Spurious(task)),
            Tag::WakeAll => choice(Asked::WakeAll(task)),
            Tag::Yield => choice(Asked::Yield(task)),
            Tag::Late => few(Asked::Late(Instant::from_nanos(second))),
            Tag::Barge => few(Asked::Barge { task, waiter: by, lock: moment.is_woken() }),
            Tag::CancelAt => few(Asked::Cancel { task, nth: low, moment }),
            Tag::Point => few(Asked::Point { task, label: low, moment }),
        };
        (event, None)
    }
}

/// The events of a record. With a chain of std's iterators in its place, whoever goes through them would
/// have a dozen functions compiled for himself.
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
            assert_eq!(record.len(), events.len());
            assert_ne!(record.words()[0], 0);
            // It is passed by when it is dropped.
            let is_plain = |event: &Event| !matches!(event, Event::Note { .. });
            let is_usual = |event: &Event| is_plain(event) && !event.is_deviation();
            for (looks_for_deviations, is_passed) in
                [(false, events.iter().all(is_plain)), (true, events.iter().all(is_usual))]
            {
                let mut position = Position::default();
                if record.pass(&mut position, looks_for_deviations) {
                    assert!(is_passed);
                    let after = events.iter().fold(Position::default(), |p, event| p.after(event));
                    assert_eq!(position, after);
                }
            }
        };

        for lasting in [Lasting::Once, Lasting::Hold, Lasting::Ahead] {
            let answer = Next::MAX_OPTIONS as u32 - 1;
            let next = Next { first: a, chosen: b, lasting, answer, options: answer + 1 };
            let asked = Asked::Next { first: a, chosen: b, lasting };
            let choice = Event::Choice { asked, answer, options: answer + 1 };
            check(Record::turn(next), &[choice, Event::Poll { task: b }]);
            check(Record::choice(asked, answer, answer + 1), &[choice]);
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
        for moment in [Moment::Waiting, Moment::Woken] {
            for asked in [
                Asked::Timeout(b),
                Asked::Deadline(b),
                Asked::Select(b),
                Asked::Value(number),
                Asked::Barge { task: b, waiter: None, lock: true },
                Asked::Barge { task: b, waiter: Some(TaskId::MAIN), lock: false },
                Asked::Spurious(b),
                Asked::WakeAll(b),
                Asked::Late(at),
                Asked::Yield(b),
                Asked::Cancel { task: b, nth: number, moment },
                Asked::Point { task: b, label: number, moment },
            ] {
                check(
                    Record::choice(asked, 2, 3),
                    &[Event::Choice { asked, answer: 2, options: 3 }],
                );
            }
        }
    }
}
