use std::fmt;

/// Identifies a task. In a run it is the number of the task.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Sim(dacapo::task::Id),
    Real(tokio::task::Id),
}

impl From<dacapo::task::Id> for Id {
    fn from(id: dacapo::task::Id) -> Self {
        Self(Kind::Sim(id))
    }
}

impl From<tokio::task::Id> for Id {
    fn from(id: tokio::task::Id) -> Self {
        Self(Kind::Real(id))
    }
}

/// Returns the id of the task that calls this, if a task does. The main task of a run has none, as the future of
/// `block_on` has none.
pub fn try_id() -> Option<Id> {
    // A task of tokio may call this in a run, too.
    if let Some(id) = tokio::task::try_id() {
        return Some(id.into());
    }
    crate::driver::in_run()
        .then(dacapo::task::id)
        .filter(|id| *id != dacapo::task::Id::MAIN)
        .map(Id::from)
}

/// Returns the id of the task that calls this.
///
/// # Panics
///
/// Outside of a task.
#[track_caller]
pub fn id() -> Id {
    try_id().expect("Can't get a task id when not inside a task")
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Sim(id) => id.fmt(f),
            Kind::Real(id) => id.fmt(f),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}
