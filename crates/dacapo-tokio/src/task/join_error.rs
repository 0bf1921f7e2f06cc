use std::any::Any;
use std::{fmt, io};

use super::Id;

/// Why a task gave no output: it was aborted, or it panicked. The texts are tokio's.
///
/// In a run, a panic is not lost by accident: if you drop this error without looking at it, the run fails with
/// that panic.
pub struct JoinError(Kind);

enum Kind {
    Sim(dacapo::task::JoinError),
    Real(tokio::task::JoinError),
}

impl From<dacapo::task::JoinError> for JoinError {
    fn from(error: dacapo::task::JoinError) -> Self {
        Self(Kind::Sim(error))
    }
}

impl From<tokio::task::JoinError> for JoinError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self(Kind::Real(error))
    }
}

impl JoinError {
    /// Returns whether the task was aborted.
    pub fn is_cancelled(&self) -> bool {
        match &self.0 {
            Kind::Sim(error) => error.is_cancelled(),
            Kind::Real(error) => error.is_cancelled(),
        }
    }

    /// Returns whether the task panicked.
    pub fn is_panic(&self) -> bool {
        match &self.0 {
            Kind::Sim(error) => error.is_panic(),
            Kind::Real(error) => error.is_panic(),
        }
    }

    /// Returns the value that the task panicked with.
    ///
    /// # Panics
    ///
    /// If the task did not panic.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.try_into_panic().expect("`JoinError` reason is not a panic.")
    }

    /// Returns the value that the task panicked with.
    ///
    /// # Errors
    ///
    /// The error itself, if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.0 {
            Kind::Sim(error) if error.is_panic() => Ok(error.into_panic()),
            Kind::Sim(_) => Err(self),
            Kind::Real(error) => error.try_into_panic().map_err(Self::from),
        }
    }

    /// Returns the id of the task.
    pub fn id(&self) -> Id {
        match &self.0 {
            Kind::Sim(error) => error.id().into(),
            Kind::Real(error) => error.id().into(),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id();
        match &self.0 {
            Kind::Real(error) => error.fmt(f),
            Kind::Sim(error) => match dacapo::driver::panic_message(error) {
                Some(message) => write!(f, "task {id} panicked with message {message:?}"),
                None if error.is_panic() => write!(f, "task {id} panicked"),
                None => write!(f, "task {id} was cancelled"),
            },
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id();
        match &self.0 {
            Kind::Real(error) => error.fmt(f),
            Kind::Sim(error) => match dacapo::driver::panic_message(error) {
                Some(message) => write!(f, "JoinError::Panic({id:?}, {message:?}, ...)"),
                None if error.is_panic() => write!(f, "JoinError::Panic({id:?}, ...)"),
                None => write!(f, "JoinError::Cancelled({id:?})"),
            },
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> Self {
        Self::other(if error.is_panic() { "task panicked" } else { "task was cancelled" })
    }
}
