//! Faults: things that an ordinary event loop never does, and that correct code often has to survive.

use std::fmt;

use crate::question::{Question, questions};

macro_rules! define {
    ($(
        $(#[$question_doc:meta])*
        $question:ident {
            $($(#[$doc:meta])* fault: $method:ident($($n:ident)?) $letter:literal, $what:literal;)?
            row: $row:expr
        }
    )*) => {
        /// Which faults are on in a run: things that an ordinary event loop never does, but other executors,
        /// primitives and callers do.
        ///
        /// A fault that is on adds questions to a run. Their answer 0 is that nothing happens. Which faults
        /// are on is part of the run's [`Schedule`](crate::Schedule), so its text replays them:
        /// `d1:0x2.1+bs` is with barging and spurious wake-ups. All faults are off unless
        /// [`Builder::faults`](crate::Builder::faults) allows them.
        ///
        /// | letter | fault | what happens, and where it comes from |
        /// |---|---|---|
        $($(
            #[doc = concat!(
                "| `", $letter, $(count!($n),)? "` | [`", stringify!($method), "`](Faults::",
                stringify!($method), ") | ", $what, " |"
            )]
        )?)*
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
            /// A bit for each question.
            on: u32,
            /// How many of each may happen, of those that are counted.
            budgets: [u32; COUNTED],
        }

        impl Faults {
            $($(
                $(#[$doc])*
                pub fn $method(self $(, $n: u32)?) -> Self {
                    self.with(Question::$question, count_of!($($n)?))
                }
            )?)*
        }
    };
}

macro_rules! count {
    ($n:ident) => {
        "2"
    };
}

macro_rules! count_of {
    () => {
        1
    };
    ($n:ident) => {
        $n
    };
}

questions!(define);

/// How many faults are counted.
const COUNTED: usize = {
    let (mut place, mut counted) = (0, 0);
    while place < Question::ALL.len() {
        counted += is_counted(Question::ALL[place]) as usize;
        place += 1;
    }
    counted
};

const fn is_counted(question: Question) -> bool {
    question.row().is_counted
}

const fn bit(question: Question) -> u32 {
    1 << question as u8
}

/// The place of the budget of a fault that is counted.
const fn budget(question: Question) -> Option<usize> {
    if !is_counted(question) {
        return None;
    }
    let (mut place, mut budget) = (0, 0);
    while place < question as usize {
        budget += is_counted(Question::ALL[place]) as usize;
        place += 1;
    }
    Some(budget)
}

impl Faults {
    /// No faults: ordinary runs.
    pub const fn none() -> Self {
        Self { on: 0, budgets: [0; COUNTED] }
    }

    /// All faults that correct code survives: all except cancellations.
    pub fn harmless() -> Self {
        let harmless = Question::faults().filter(|fault| fault.row().is_harmless);
        harmless.fold(Self::none(), |faults, fault| faults.with(fault, 1))
    }

    /// Whether no fault is on.
    pub fn is_none(&self) -> bool {
        self.on == 0
    }

    /// The same with this fault, at most `n` times if it is counted; without it if `n` is 0.
    pub(crate) fn with(mut self, fault: Question, n: u32) -> Self {
        if let Some(budget) = budget(fault) {
            self.budgets[budget] = n;
        }
        self.on = if n > 0 { self.on | bit(fault) } else { self.on & !bit(fault) };
        self
    }

    pub(crate) fn without(self, fault: Question) -> Self {
        self.with(fault, 0)
    }

    #[inline]
    pub(crate) fn has(&self, fault: Question) -> bool {
        self.on & bit(fault) != 0
    }

    /// The same after a fault has happened: once less, if it is counted.
    pub(crate) fn less_one(self, fault: Question) -> Self {
        match budget(fault) {
            Some(budget) if self.has(fault) => self.with(fault, self.budgets[budget] - 1),
            _ => self,
        }
    }

    /// The faults that are on.
    pub(crate) fn kinds(self) -> impl Iterator<Item = Question> {
        Question::faults().filter(move |&fault| self.has(fault))
    }

    /// The order in which schedules are preferred: by how many faults are on, and how often those that are
    /// counted may happen.
    pub(crate) fn rank(&self) -> (u32, [u32; COUNTED], u32) {
        (self.on.count_ones(), self.budgets, self.on)
    }

    /// Numbers that no other set has.
    pub(crate) fn words(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.on).chain(self.budgets).map(u64::from)
    }

    /// Those faults for which `keep` says so.
    pub(crate) fn some(self, mut keep: impl FnMut() -> bool) -> Self {
        self.kinds().fold(self, |faults, fault| if keep() { faults } else { faults.without(fault) })
    }
}

/// Letters in a fixed order: `bs`, `wc2`.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kinds().try_for_each(|fault| {
            fault.row().letter.map_or(Ok(()), |letter| write!(f, "{letter}"))?;
            budget(fault).map_or(Ok(()), |budget| write!(f, "{}", self.budgets[budget]))
        })
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faults({self})")
    }
}
