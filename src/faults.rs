//! Things that an ordinary event loop never does, and correct code must often survive all the same.

use std::fmt;

/// Which faults are on in a run: things that an ordinary event loop never does, but other executors,
/// primitives and callers do.
///
/// Each kind adds choices to a run that are asked only where it is on; their answer 0 is that nothing happens. Which
/// ones are on is part of the run's [`Schedule`](crate::Schedule), so that its text replays them:
/// `d1:0x2.1+bs` with barging and spurious wake-ups. All are off unless
/// [`Builder::faults`](crate::Builder::faults) allows them.
///
/// | letter | kind | what happens, and who does it |
/// |---|---|---|
/// | `b` | [barging](Faults::barging) | a newcomer takes what was meant for one who waits: most locks that are not fair |
/// | `s` | [spurious](Faults::spurious) | a sleeping task is polled for no reason: `join!`, `select!`, any executor |
/// | `w` | [wake all](Faults::wake_all) | a notification wakes all who wait: condition variables may |
/// | `l` | [late timers](Faults::late_timers) | the clock comes late, past a deadline: any loaded machine |
/// | `y` | [yielding](Faults::yielding) | an await that is ready gives a turn away: tokio's budget, several threads |
/// | `c2` | [cancellations](Faults::cancellations) | at most two tasks are cancelled where they wait: a timeout, a client that leaves |
/// | `m1` | [marked cancellations](Faults::marked_cancellations) | at most one future that is [marked](crate::cancel::point) is |
///
/// ```
/// use dacapo::{Builder, Faults, scheduler::Random};
///
/// // Code that takes a wake-up for the thing itself.
/// let sloppy = async || {
///     let flag = std::rc::Rc::new(std::cell::Cell::new(false));
///     let setter = flag.clone();
///     let task = dacapo::task::spawn_named("setter", async move {
///         dacapo::time::sleep(std::time::Duration::from_millis(1)).await;
///         setter.set(true);
///     });
///     let mut asleep = false;
///     let mut task = std::pin::pin!(task);
///     std::future::poll_fn(|cx| {
///         let _ = std::future::Future::poll(task.as_mut(), cx);
///         if std::mem::replace(&mut asleep, true) {
///             std::task::Poll::Ready(())
///         } else {
///             std::task::Poll::Pending
///         }
///     })
///     .await;
///     assert!(flag.get(), "woken, but not by the setter");
/// };
/// Builder::new().check(Random::seeds(0..100), sloppy);
/// let builder = Builder::new().fresh_process(false).faults(Faults::harmless());
/// let error = builder.try_check(Random::seeds(0..100), sloppy).unwrap_err();
/// assert!(error.to_string().contains("main is woken for no reason"));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A bit for each kind.
    kinds: u8,
    cancellations: u32,
    marked: u32,
}

/// One kind of fault. The discriminant is its place in the text of a set, and its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FaultKind {
    Barging,
    Spurious,
    WakeAll,
    LateTimers,
    Yielding,
    Cancellations,
    Marked,
}

impl FaultKind {
    const ALL: [Self; 7] = [
        Self::Barging,
        Self::Spurious,
        Self::WakeAll,
        Self::LateTimers,
        Self::Yielding,
        Self::Cancellations,
        Self::Marked,
    ];

    pub(crate) fn letter(self) -> char {
        match self {
            Self::Barging => 'b',
            Self::Spurious => 's',
            Self::WakeAll => 'w',
            Self::LateTimers => 'l',
            Self::Yielding => 'y',
            Self::Cancellations => 'c',
            Self::Marked => 'm',
        }
    }

    pub(crate) fn of_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter)
    }

    /// Whether a run has only so many of them.
    pub(crate) fn is_counted(self) -> bool {
        matches!(self, Self::Cancellations | Self::Marked)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Faults {
    /// No faults: ordinary runs.
    pub const fn none() -> Self {
        Self { kinds: 0, cancellations: 0, marked: 0 }
    }

    /// All faults that correct code survives, which are all but cancellations.
    pub fn harmless() -> Self {
        Self::none().barging().spurious().wake_all().late_timers().yielding()
    }

    /// Also: a newcomer at a [`Lock`](crate::sync::Lock) or a [`Semaphore`](crate::sync::Semaphore) takes
    /// what was handed to a waiter who has not had its turn yet, and that one waits on.
    pub fn barging(self) -> Self {
        self.with(FaultKind::Barging, 1)
    }

    /// Also: a task that goes to sleep is polled once more although nothing has woken it.
    pub fn spurious(self) -> Self {
        self.with(FaultKind::Spurious, 1)
    }

    /// Also: [`Condition::notify`](crate::sync::Condition::notify) wakes all who wait, and not so many only.
    pub fn wake_all(self) -> Self {
        self.with(FaultKind::WakeAll, 1)
    }

    /// Also: when the clock is to jump, it jumps past the next deadline, to the one after that, or 1 ms
    /// beyond if there is none; all timers up to then fire together, in the order of their deadlines.
    pub fn late_timers(self) -> Self {
        self.with(FaultKind::LateTimers, 1)
    }

    /// Also: an await on a primitive of [`sync`](crate::sync), or on the end of a task, that could go on
    /// at once gives a turn away first.
    pub fn yielding(self) -> Self {
        self.with(FaultKind::Yielding, 1)
    }

    /// Also: at most `n` times in a run a task other than main is cancelled at one of its awaits, while it
    /// waits or when it was woken and is about to be polled. Its future is dropped there, as by
    /// [`abort`](crate::task::JoinHandle::abort); or, where that makes a difference, it is asked to
    /// [`cancel`](crate::cancel).
    ///
    /// Who awaits it gets a [`JoinError`](crate::task::JoinError) that is cancelled, and has to live with
    /// that. 0 takes it back.
    pub fn cancellations(self, n: u32) -> Self {
        self.with(FaultKind::Cancellations, n)
    }

    /// Also: at most `n` times in a run a future that is marked with [`point`](crate::cancel::point) is
    /// dropped at one of its awaits. 0 takes it back.
    pub fn marked_cancellations(self, n: u32) -> Self {
        self.with(FaultKind::Marked, n)
    }

    /// Whether nothing is on.
    pub fn is_none(&self) -> bool {
        self.kinds == 0
    }

    pub(crate) fn with(mut self, kind: FaultKind, n: u32) -> Self {
        match kind {
            FaultKind::Cancellations => self.cancellations = n,
            FaultKind::Marked => self.marked = n,
            _ => {}
        }
        self.kinds = if n > 0 { self.kinds | kind.bit() } else { self.kinds & !kind.bit() };
        self
    }

    pub(crate) fn without(self, kind: FaultKind) -> Self {
        self.with(kind, 0)
    }

    pub(crate) fn has(&self, kind: FaultKind) -> bool {
        self.kinds & kind.bit() != 0
    }

    /// The same with one less of a kind that is counted.
    pub(crate) fn less_one(self, kind: FaultKind) -> Self {
        match kind {
            _ if !self.has(kind) => self,
            FaultKind::Cancellations => self.with(kind, self.cancellations - 1),
            FaultKind::Marked => self.with(kind, self.marked - 1),
            _ => self,
        }
    }

    /// The kinds that are on.
    pub(crate) fn kinds(self) -> impl Iterator<Item = FaultKind> {
        FaultKind::ALL.into_iter().filter(move |&kind| self.has(kind))
    }

    /// How many kinds are on, and how often those that are counted may happen, for the order in which
    /// schedules are preferred.
    pub(crate) fn rank(&self) -> (u32, u32, u32, u8) {
        (self.kinds.count_ones(), self.cancellations, self.marked, self.kinds)
    }

    /// A number that no other set has, as long as the counts are below 2^28.
    pub(crate) fn bits(&self) -> u64 {
        u64::from(self.kinds)
            | (u64::from(self.cancellations) << 8)
            | (u64::from(self.marked) << 36)
    }

    /// Those kinds for which `keep` says so.
    pub(crate) fn some(self, mut keep: impl FnMut() -> bool) -> Self {
        self.kinds().fold(self, |faults, kind| if keep() { faults } else { faults.without(kind) })
    }
}

/// Letters in a fixed order: `bs`, `wc2`.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kinds().try_for_each(|kind| match kind {
            FaultKind::Cancellations => write!(f, "c{}", self.cancellations),
            FaultKind::Marked => write!(f, "m{}", self.marked),
            _ => write!(f, "{}", kind.letter()),
        })
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faults({self})")
    }
}
