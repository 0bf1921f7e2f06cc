//! The list of answers that replays a run.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::faults::Faults;
use crate::question::Question;

/// The answers to the choices of one run, in the order in which they were asked.
///
/// 0 is what an ordinary event loop would do, and every answer past the end of the list is 0. So
/// the empty schedule is first in, first out, and zeros at the end are left out. Any schedule can
/// be replayed against any program; see [`Replay`](crate::scheduler::Replay).
///
/// # Text form
///
/// `d1:` (the version of the format), then the [answers](Answer) with dots between them.
/// `ANSWERxCOUNT` repeats an answer. `+` and letters say which [faults](Faults) are on, if any, and
/// `@SEED` at the end is the seed of the random values, if it is not 0:
///
/// ```
/// use dacapo::Schedule;
/// use dacapo::schedule::Lasting;
///
/// let schedule: Schedule = "d1:0x2.3".parse()?;
/// assert_eq!(schedule.answers(), [0, 0, 3]);
/// assert!(schedule.answers().iter().all(|answer| answer.lasting() == Lasting::Once));
/// assert_eq!(Schedule::new([0, 0, 3, 0]).to_string(), "d1:0x2.3");
/// assert_eq!(Schedule::default().to_string(), "d1:");
/// # Ok::<(), dacapo::schedule::ParseScheduleError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// Does not end with a 0.
    answers: Vec<Answer>,
    seed: u64,
    faults: Faults,
}

/// One answer of a [`Schedule`]: an option, and how long it lasts.
///
/// The options of a choice among tasks are in the order of the ready queue, so choosing one of them
/// passes over those before it. Schedulers mostly answer for one turn, which is enough to produce
/// any order. Shrinking also tries answers that last, because most bugs need just one task to be
/// late, or early: that is one answer instead of one for each turn.
///
/// In text, a number alone means [once](Lasting::Once). `h` before it means [holding
/// back](Lasting::Hold), and `a` means [staying ahead](Lasting::Ahead).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answer {
    // In this order, an answer that does not last is simpler.
    lasting: Lasting,
    option: u32,
}

/// How long an [`Answer`] lasts. For choices that are not among tasks, it makes no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lasting {
    /// For this turn.
    #[default]
    Once,
    /// The tasks that are passed over stay behind all others, until no other task is ready.
    Hold,
    /// The chosen task stays before all others, until it waits for something.
    Ahead,
}

impl Answer {
    /// What an ordinary event loop does.
    pub const USUAL: Self = Self { lasting: Lasting::Once, option: 0 };

    /// An answer with this option, which lasts this long.
    pub fn new(option: u32, lasting: Lasting) -> Self {
        // The first option passes over no task.
        let lasting = if option == 0 && lasting == Lasting::Hold { Lasting::Once } else { lasting };
        Self { lasting, option }
    }

    /// The number of the option, in the order of the choice.
    pub fn option(self) -> u32 {
        self.option
    }

    /// How long it lasts.
    pub fn lasting(self) -> Lasting {
        self.lasting
    }

    #[inline]
    pub(crate) fn is_once(self) -> bool {
        matches!(self.lasting, Lasting::Once)
    }

    /// Whether it differs from what an ordinary event loop does.
    pub fn is_deviation(self) -> bool {
        self != Self::USUAL
    }

    /// The option at this place, once.
    pub(crate) fn from_place(place: usize) -> Self {
        Self::from(u32::try_from(place).unwrap_or(u32::MAX))
    }

    /// A number that stands for it.
    pub(crate) fn word(self) -> u64 {
        ((self.lasting as u64) << 32) | u64::from(self.option)
    }
}

impl From<u32> for Answer {
    fn from(option: u32) -> Self {
        Self { lasting: Lasting::Once, option }
    }
}

impl PartialEq<u32> for Answer {
    fn eq(&self, option: &u32) -> bool {
        *self == Self::from(*option)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.lasting {
            Lasting::Once => "",
            Lasting::Hold => "h",
            Lasting::Ahead => "a",
        })?;
        self.option.fmt(f)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The letters of all faults: `b, s, or cCOUNT`.
fn letters() -> String {
    let mut letters: Vec<String> = Question::faults()
        .map(|fault| {
            let row = fault.row();
            let count = if row.is_counted { "COUNT" } else { "" };
            row.letter.map_or_else(String::new, |letter| format!("{letter}{count}"))
        })
        .collect();
    if let Some(last) = letters.last_mut() {
        last.insert_str(0, "or ");
    }
    letters.join(", ")
}

const PREFIX: &str = "d1:";

impl Schedule {
    /// The most answers that a text may describe. A mistyped count should be an error, and not use
    /// up the memory.
    pub const MAX_LEN: usize = 1 << 24;

    /// The schedule with these answers, and with random values from seed 0.
    pub fn new(answers: impl IntoIterator<Item: Into<Answer>>) -> Self {
        let mut answers: Vec<Answer> = answers.into_iter().map(Into::into).collect();
        while answers.last() == Some(&Answer::USUAL) {
            answers.pop();
        }
        Self { answers, seed: 0, faults: Faults::none() }
    }

    /// The same answers, with the run's random values (see [`rand`](crate::rand)) drawn from `seed`.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same answers, in a run in which these faults are on.
    ///
    /// Faults that are on add questions, so an answer may belong to another question than before.
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// The answers, without the zeros at the end.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The seed of the run's random values.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The faults that are on in the run.
    pub fn faults(&self) -> Faults {
        self.faults
    }

    /// How many answers differ from what an ordinary event loop would do.
    pub fn deviations(&self) -> usize {
        self.answers.iter().filter(|answer| answer.is_deviation()).count()
    }

    /// The order in which shrinking prefers schedules: fewest deviations, then fewest faults, then
    /// the smallest sum of answers, then the shortest, then the smallest answers, and last a seed
    /// of 0.
    ///
    /// Of two schedules with one deviation each, the better one passes over fewer tasks, even if it
    /// does so later: it says more about which tasks matter.
    pub fn cmp_simplicity(&self, other: &Self) -> std::cmp::Ordering {
        let size = |s: &Self| s.answers.iter().map(|answer| u64::from(answer.option)).sum::<u64>();
        let key = |s: &Self| (s.deviations(), s.faults.rank(), size(s), s.answers.len());
        key(self)
            .cmp(&key(other))
            .then_with(|| self.answers.cmp(&other.answers))
            .then_with(|| self.seed.cmp(&other.seed))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        for (i, run) in self.answers.chunk_by(|a, b| a == b).enumerate() {
            let dot = if i == 0 { "" } else { "." };
            match run.len() {
                1 => write!(f, "{dot}{}", run[0])?,
                count => write!(f, "{dot}{}x{count}", run[0])?,
            }
        }
        if !self.faults.is_none() {
            write!(f, "+{}", self.faults)?;
        }
        match self.seed {
            0 => Ok(()),
            seed => write!(f, "@{seed}"),
        }
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({self})")
    }
}

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    /// Parses the text form. White space around it is ignored.
    fn from_str(text: &str) -> Result<Self, ParseScheduleError> {
        Parser { text, at: 0 }.schedule()
    }
}

impl TryFrom<&str> for Schedule {
    type Error = ParseScheduleError;

    fn try_from(text: &str) -> Result<Self, ParseScheduleError> {
        text.parse()
    }
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

impl Parser<'_> {
    fn schedule(mut self) -> Result<Schedule, ParseScheduleError> {
        self.text = self.text.trim_end();
        let rest = self.text.trim_start();
        self.at = self.text.len() - rest.len();
        if !rest.starts_with(PREFIX) {
            return Err(self.error("`d1:`, with which every schedule begins"));
        }
        self.at += PREFIX.len();

        let mut answers = Vec::new();
        if !matches!(self.peek(), None | Some('+' | '@')) {
            self.answer(&mut answers)?;
            while self.skip('.') {
                self.answer(&mut answers)?;
            }
        }
        let faults = if self.skip('+') { self.faults()? } else { Faults::none() };
        let seed = if self.skip('@') { self.number("a seed from 0 to 2^64 - 1")? } else { 0 };
        match self.peek() {
            None => Ok(Schedule::new(answers).with_seed(seed).with_faults(faults)),
            Some(_) if faults.is_none() => {
                Err(self.error("`.` and an answer, `xCOUNT`, `+KINDS`, `@SEED`, or the end"))
            }
            Some(_) => Err(self.error("another kind of fault, `@SEED`, or the end")),
        }
    }

    fn faults(&mut self) -> Result<Faults, ParseScheduleError> {
        let mut faults = Faults::none();
        loop {
            let fault = self.peek().and_then(Question::of_letter);
            let Some(fault) = fault.filter(|&fault| !faults.has(fault)) else { break };
            self.at += 1;
            let start = self.at;
            let is_counted = fault.row().is_counted;
            let count = if is_counted { self.number("a count from 1")? } else { 1 };
            if count == 0 {
                self.at = start;
                return Err(self.error("a count from 1"));
            }
            faults = faults.with(fault, count);
        }
        match faults.is_none() {
            true => Err(self.error(format!("a kind of fault: {}", letters()))),
            false => Ok(faults),
        }
    }

    fn answer(&mut self, answers: &mut Vec<Answer>) -> Result<(), ParseScheduleError> {
        let lasting = match () {
            () if self.skip('h') => Lasting::Hold,
            () if self.skip('a') => Lasting::Ahead,
            () => Lasting::Once,
        };
        let option = self.number::<u32>("an answer from 0 to 4294967295")?;
        let answer = Answer::new(option, lasting);
        let mut count = 1;
        if self.skip('x') {
            let start = self.at;
            count = self.number::<usize>("a count from 1")?;
            if count == 0 {
                self.at = start;
                return Err(self.error("a count from 1"));
            }
            if count > Schedule::MAX_LEN - answers.len().min(Schedule::MAX_LEN) {
                self.at = start;
                return Err(self.error("at most 16777216 answers in all"));
            }
        }
        answers.resize(answers.len() + count, answer);
        Ok(())
    }

    fn number<N: FromStr>(&mut self, expected: &'static str) -> Result<N, ParseScheduleError> {
        let rest = &self.text[self.at..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = rest[..digits].parse().map_err(|_| self.error(expected))?;
        self.at += digits;
        Ok(number)
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn error(&self, expected: impl Into<Cow<'static, str>>) -> ParseScheduleError {
        ParseScheduleError {
            column: self.text[..self.at].chars().count() + 1,
            expected: expected.into(),
            found: self.peek(),
        }
    }
}

/// The error of parsing a [`Schedule`]: the position, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseScheduleError {
    column: usize,
    expected: Cow<'static, str>,
    found: Option<char>,
}

impl ParseScheduleError {
    /// The position of the mistake, in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for ParseScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, expected, found } = self;
        write!(f, "malformed schedule: at column {column}, expected {expected}, ")?;
        match found {
            Some(found) => write!(f, "found {found:?}"),
            None => write!(f, "but the text ends there"),
        }
    }
}

impl std::error::Error for ParseScheduleError {}
