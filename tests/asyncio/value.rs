//! Values and exceptions of the language, and what they look like in an outcome.

use std::cmp::Ordering;
use std::rc::Rc;

use dacapo::cancel::Cancelled;
use dacapo::future::TaskGroup;
use dacapo::time::TimeoutScope;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::machine::Job;

#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(Rc<str>),
    List(Rc<[Value]>),
    Task(Rc<Job>),
    Exception(Exception),
    // These two are named by variables, but are no values of the language.
    Scope(TimeoutScope),
    Group(TaskGroup<Exception>),
}

impl Value {
    pub(crate) fn truth(value: bool) -> Self {
        Self::Integer(value.into())
    }

    #[track_caller]
    pub(crate) fn length(n: usize) -> Self {
        Self::Integer(i64::try_from(n).expect("nothing is that long"))
    }

    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Integer(n) => *n != 0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            _ => true,
        }
    }

    #[track_caller]
    pub(crate) fn integer(&self) -> i64 {
        match self {
            Self::Integer(n) => *n,
            _ => self.is_no("integer"),
        }
    }

    #[track_caller]
    pub(crate) fn count(&self) -> usize {
        self.integer().try_into().unwrap_or(0)
    }

    /// An integer, if it is not null.
    #[track_caller]
    pub(crate) fn optional(&self) -> Option<i64> {
        (!matches!(self, Self::Null)).then(|| self.integer())
    }

    #[track_caller]
    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => self.is_no("list"),
        }
    }

    #[track_caller]
    pub(crate) fn task(&self) -> Rc<Job> {
        match self {
            Self::Task(job) => Rc::clone(job),
            _ => self.is_no("task"),
        }
    }

    /// The tasks of a list, each once.
    #[track_caller]
    pub(crate) fn distinct_tasks(&self) -> Vec<Rc<Job>> {
        let mut tasks: Vec<Rc<Job>> = Vec::new();
        for task in self.list().iter().map(Self::task) {
            if !tasks.iter().any(|other| Rc::ptr_eq(other, &task)) {
                tasks.push(task);
            }
        }
        tasks
    }

    #[track_caller]
    pub(crate) fn exception(&self) -> &Exception {
        match self {
            Self::Exception(exception) => exception,
            _ => self.is_no("exception"),
        }
    }

    #[track_caller]
    fn is_no(&self, what: &str) -> ! {
        panic!("the program is invalid: {} is no {what}", self.render(true))
    }

    pub(crate) fn render(&self, cancel_msg: bool) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Integer(n) => json!(n),
            Self::Text(text) => json!(&**text),
            Self::List(items) => items.iter().map(|item| item.render(cancel_msg)).collect(),
            Self::Task(job) => json!({ "task": job.unit.name }),
            Self::Exception(exception) => exception.render(cancel_msg),
            Self::Scope(_) | Self::Group(_) => panic!("the program is invalid: it logs a scope"),
        }
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::List(items.into_iter().collect())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Task(a), Self::Task(b)) => Rc::ptr_eq(a, b),
            (Self::Exception(a), Self::Exception(b)) => a == b,
            _ => false,
        }
    }
}

/// A value in a priority queue, where only integers, texts and lists of them occur.
pub(crate) struct Ranked(pub(crate) Value);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        fn compare(a: &Value, b: &Value) -> Ordering {
            match (a, b) {
                (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
                (Value::Text(a), Value::Text(b)) => a.cmp(b),
                (Value::List(a), Value::List(b)) => {
                    let first = a.iter().zip(b.iter()).map(|(a, b)| compare(a, b));
                    first.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
                }
                _ => panic!("the program is invalid: it compares different kinds of values"),
            }
        }
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// The kinds of exceptions, and the two names by which handlers catch many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Kind {
    ValueError,
    RuntimeError,
    KeyError,
    TimeoutError,
    CancelledError,
    InvalidStateError,
    QueueEmpty,
    QueueFull,
    BrokenBarrierError,
    ExceptionGroup,
    GeneratorExit,
    Exception,
    BaseException,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exception {
    pub(crate) kind: Kind,
    message: Rc<str>,
    /// Of a group.
    errors: Rc<[Exception]>,
}

impl Exception {
    pub(crate) fn new(kind: Kind) -> Self {
        Self::with_message(kind, "")
    }

    pub(crate) fn with_message(kind: Kind, message: impl Into<Rc<str>>) -> Self {
        Self { kind, message: message.into(), errors: Rc::new([]) }
    }

    pub(crate) fn group(errors: impl IntoIterator<Item = Self>) -> Self {
        Self { errors: errors.into_iter().collect(), ..Self::new(Kind::ExceptionGroup) }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.kind == Kind::CancelledError
    }

    pub(crate) fn matches_any(&self, kinds: &[Kind]) -> bool {
        kinds.iter().any(|kind| self.matches(*kind))
    }

    fn matches(&self, kind: Kind) -> bool {
        match kind {
            Kind::Exception => !matches!(self.kind, Kind::CancelledError | Kind::GeneratorExit),
            Kind::BaseException => self.kind != Kind::GeneratorExit,
            Kind::RuntimeError if self.kind == Kind::BrokenBarrierError => true,
            kind => self.kind == kind,
        }
    }

    /// The message, as far as it is part of an outcome.
    pub(crate) fn message(&self, cancel_msg: bool) -> &str {
        if self.is_cancelled() && !cancel_msg { "" } else { &self.message }
    }

    pub(crate) fn render(&self, cancel_msg: bool) -> Json {
        let mut json =
            json!({ "exc": format!("{:?}", self.kind), "msg": self.message(cancel_msg) });
        if self.kind == Kind::ExceptionGroup {
            let errors = self.errors.iter().map(|error| error.render(cancel_msg));
            json["errors"] = errors.collect();
        }
        json
    }

    /// Goes on as a cancellation of the library, if it is a CancelledError.
    pub(crate) fn to_cancelled(&self) -> Cancelled {
        Cancelled::with_message(&*self.message)
    }
}

impl From<Cancelled> for Exception {
    fn from(cancelled: Cancelled) -> Self {
        Self::with_message(Kind::CancelledError, cancelled.message().unwrap_or_default())
    }
}

impl From<Kind> for Exception {
    fn from(kind: Kind) -> Self {
        Self::new(kind)
    }
}
