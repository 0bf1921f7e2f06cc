//! Why a run failed.

mod blocked;
mod identity;

use std::fmt;

pub use self::blocked::Blocked;
use self::blocked::{MOST, Tasks};
use crate::extent::Extent;
use crate::trace::{printable, printable_lines};

/// Why a run failed, and whose mistake that is.
///
/// Its text (`Display`) begins with a line that says what happened; more lines may follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Box<Kind>);

/// The kind of a [`Failure`].
///
/// ```
/// use dacapo::FailureKind;
///
/// let run = dacapo::run(std::future::pending::<()>);
/// assert_eq!(run.failure().unwrap().kind(), FailureKind::Stuck);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// A task panicked: the main task, or one whose handle was not awaited.
    Panic,
    /// The main task returned an error.
    Error,
    /// The main task was cancelled and did not catch it.
    Cancelled,
    /// No task was ready and no timer was set: a deadlock, or a lost wake-up.
    Stuck,
    /// The run reached a limit of the [`Builder`](crate::Builder).
    Limit,
    /// Another OS thread woke a task.
    ForeignWake,
    /// A strict replay did not fit its schedule.
    Divergence,
    /// Two runs with one schedule did different things.
    Nondeterminism,
    /// All runs of a search passed, but something that must happen in some run, by
    /// [`sometimes!`](crate::sometimes) or [`Builder::expect`](crate::Builder::expect), never did.
    Unmet,
    /// The run passed, but a primitive did not get back what it gave away when a task was cancelled: see
    /// [`CancelSweep`](crate::scheduler::CancelSweep).
    Leak,
    /// The run ended its process: it aborted or exited, or a signal killed it, as for a stack overflow. A later process
    /// found that out.
    ProcessEnded,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Panic {
        task: String,
        message: String,
        location: Option<String>,
        /// Panics of other tasks, earlier in the run, whose handles were awaited.
        earlier: Vec<Panicked>,
    },
    Error {
        message: String,
    },
    Cancelled,
    Stuck {
        blocked: Vec<Blocked>,
    },
    Limit {
        limit: Limit,
        value: usize,
        task: String,
        /// What the tasks wait for, if the limit is about the whole run.
        others: Vec<Blocked>,
    },
    ForeignWake {
        task: String,
    },
    Diverged {
        at: String,
        /// How the run ended all the same.
        then: String,
    },
    NotDeterministic {
        difference: String,
    },
    /// Something was not given back in a run in which something was cancelled.
    Leak {
        /// Where, in words.
        cancelled: String,
        left: Vec<String>,
    },
    ProcessEnded {
        status: String,
        /// The task that was polled last, and where it was spawned.
        last: Option<(String, Option<String>)>,
    },
    Unmet {
        marks: Vec<Unmet>,
        runs: usize,
        extent: Extent,
    },
}

/// A panic of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panicked {
    pub(crate) task: String,
    pub(crate) message: String,
    /// `file:line:column`.
    pub(crate) location: Option<String>,
}

/// A mark that held in no run of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unmet {
    pub(crate) label: String,
    /// How often it was looked at, and in how many runs.
    pub(crate) evaluations: u64,
    pub(crate) runs: usize,
}

/// A bound on what one run may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Steps,
    /// Steps in a row without progress.
    Idle,
    /// Seconds of virtual time.
    Time,
    Tasks,
    /// Choices in one step, the last one about this.
    Choices {
        about: String,
    },
    /// Tasks dropped when main had ended.
    Destructors,
}

impl Failure {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(kind))
    }

    /// The kind of failure.
    pub fn kind(&self) -> FailureKind {
        match *self.0 {
            Kind::Panic { .. } => FailureKind::Panic,
            Kind::Error { .. } => FailureKind::Error,
            Kind::Cancelled => FailureKind::Cancelled,
            Kind::Stuck { .. } => FailureKind::Stuck,
            Kind::Limit { .. } => FailureKind::Limit,
            Kind::ForeignWake { .. } => FailureKind::ForeignWake,
            Kind::Diverged { .. } => FailureKind::Divergence,
            Kind::NotDeterministic { .. } => FailureKind::Nondeterminism,
            Kind::Unmet { .. } => FailureKind::Unmet,
            Kind::Leak { .. } => FailureKind::Leak,
            Kind::ProcessEnded { .. } => FailureKind::ProcessEnded,
        }
    }

    /// The tasks that wait for ever, in the order of spawning, if the run got [stuck](FailureKind::Stuck).
    pub fn blocked(&self) -> &[Blocked] {
        match &*self.0 {
            Kind::Stuck { blocked } => blocked,
            _ => &[],
        }
    }

    /// The failure in one line that no edit elsewhere moves: without the place of a panic.
    pub fn title(&self) -> String {
        let line = |text: &str| text.lines().next().unwrap_or_default().trim_end().to_owned();
        match &*self.0 {
            Kind::Panic { task, message, .. } => format!("{task} panicked: {}", line(message)),
            Kind::Error { message } => format!("main returned an error: {}", line(message)),
            Kind::Cancelled => "main was cancelled".to_owned(),
            Kind::Stuck { blocked } => {
                let tasks: Vec<_> = blocked.iter().map(Blocked::task).take(NAMES).collect();
                let more = match blocked.len() - tasks.len() {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                format!("stuck: {}{more}", tasks.join(", "))
            }
            Kind::Limit { limit: Limit::Steps, value, .. } => {
                format!("limit reached: {value} steps")
            }
            Kind::Limit { limit: Limit::Idle, value, .. } => {
                format!("no progress in {value} steps")
            }
            Kind::Limit { limit: Limit::Time, value, .. } => {
                format!("limit reached: {value} s of virtual time")
            }
            Kind::Limit { limit: Limit::Tasks, value, .. } => {
                format!("limit reached: {value} tasks")
            }
            Kind::Limit { limit: Limit::Choices { .. }, value, .. } => {
                format!("limit reached: {value} choices in one step")
            }
            Kind::Limit { limit: Limit::Destructors, .. } => {
                "limit reached: destructors that spawn".to_owned()
            }
            Kind::ForeignWake { task } => format!("{task} was woken by another thread"),
            Kind::Diverged { .. } => "the run does not fit its schedule".to_owned(),
            Kind::Leak { left, .. } => left.join("; "),
            Kind::ProcessEnded { status, .. } => format!("the run ended its process: {status}"),
            Kind::NotDeterministic { .. } => "the test is not deterministic".to_owned(),
            Kind::Unmet { marks, .. } => {
                let labels: Vec<_> = marks.iter().map(|mark| mark.label.as_str()).collect();
                format!("never happened: {}", labels.join(", "))
            }
        }
    }

    /// What enters the hash of a run: all but places in the source, which every edit moves.
    pub(crate) fn without_place(&self) -> String {
        let mut kind = Kind::clone(&self.0);
        match &mut kind {
            Kind::Panic { location, earlier, .. } => {
                *location = None;
                earlier.clear();
            }
            Kind::Stuck { blocked } | Kind::Limit { others: blocked, .. } => {
                for task in blocked {
                    task.places.clear();
                    task.spawned = None;
                }
            }
            _ => {}
        }
        if let Kind::Stuck { blocked } = &kind {
            // All of them, and not only those that are shown.
            return Tasks { blocked, most: usize::MAX }.to_string();
        }
        Self::new(kind).to_string()
    }
}

/// The longest message of a panic or an error that is shown, in characters.
pub(crate) const MESSAGE: usize = 2000;
/// How many tasks that wait for ever are in a title.
const NAMES: usize = 20;
/// The longest label.
const LABEL: usize = 60;

/// What a task panicked with, in words.
fn panicked(task: &str, message: &str, location: Option<&str>) -> String {
    let at = location.map_or_else(String::new, |location| format!(" at {location}"));
    format!("{task} panicked{at}: {}", printable_lines(message, MESSAGE))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Panic { task, message, location, earlier } => {
                f.write_str(&panicked(task, message, location.as_deref()))?;
                for Panicked { task, message, location } in earlier {
                    let panic = panicked(task, message, location.as_deref());
                    write!(f, "\nbefore that, {panic}")?;
                }
                if message.contains("no reactor running") || message.contains("Tokio 1.x runtime") {
                    f.write_str(
                        "\n(the code under test asks tokio's own runtime for a timer, a socket or a \
                         task, and there is none in a run of dacapo: let it take these from \
                         dacapo::time and dacapo::task)",
                    )?;
                }
                Ok(())
            }
            Kind::Error { message } => {
                write!(f, "main returned an error: {}", printable_lines(message, MESSAGE))
            }
            Kind::Cancelled => {
                f.write_str("main was cancelled, and did not catch it (see dacapo::cancel::catch)")
            }
            Kind::Stuck { blocked } => {
                f.write_str(
                    "stuck: nothing is ready and no timer is set, so the run cannot go on",
                )?;
                write!(f, "{}", Tasks { blocked, most: MOST })?;
                if blocked.iter().any(|task| task.waits.is_empty()) {
                    f.write_str(
                        "\n(what dacapo does not know is a future of another crate, whose wake-up \
                         was lost or never came; or it comes from outside the run, from a thread or \
                         real I/O, for which a simulation cannot wait)",
                    )?;
                }
                Ok(())
            }
            Kind::Limit { limit: Limit::Steps, value, task, others } => {
                write!(
                    f,
                    "limit reached: {value} steps, and main has not returned; the last step was one of \
                     {task} (if the test is not meant to end sooner, raise Builder::max_steps)"
                )?;
                write!(f, "{}", Tasks { blocked: others, most: MOST })
            }
            Kind::Limit { limit: Limit::Idle, value, task, others } => {
                write!(
                    f,
                    "no progress: in {value} steps no task was spawned or has ended, and main has not \
                     returned; the last step was one of {task} (if the test is meant to go on like this, \
                     raise Builder::max_idle_steps)"
                )?;
                write!(f, "{}", Tasks { blocked: others, most: MOST })
            }
            Kind::Limit { limit: Limit::Time, value, others, .. } => {
                write!(
                    f,
                    "limit reached: {value} s of virtual time, and main has not returned (if the test is \
                     meant to take so long, raise Builder::max_time)"
                )?;
                write!(f, "{}", Tasks { blocked: others, most: MOST })
            }
            Kind::Limit { limit: Limit::Tasks, value, task, .. } => write!(
                f,
                "limit reached: {value} tasks at once; {task} spawned one more (if the test is meant \
                 to have so many, raise Builder::max_tasks)"
            ),
            Kind::Limit { limit: Limit::Choices { about }, value, task, .. } => write!(
                f,
                "limit reached: {value} choices in one step of {task}, the last one about \"{}\" (if \
                 the step is meant to end, raise Builder::max_choices)",
                printable(about, LABEL)
            ),
            Kind::Limit { limit: Limit::Destructors, value, task, .. } => write!(
                f,
                "limit reached: main has ended, {value} tasks have been dropped since, and their \
                 destructors spawn ever more, the last time in {task} (if that has an end, raise \
                 Builder::max_steps)"
            ),
            Kind::ForeignWake { task } => write!(
                f,
                "{task} was woken by another OS thread: when that happens is up to the operating \
                 system, so the run cannot be repeated (do the work in a task, with dacapo::spawn, or \
                 put a stand-in in the place of what uses threads)"
            ),
            Kind::Diverged { at, then } => write!(
                f,
                "the run does not fit its schedule: {at}\n(the code or the test has changed since \
                 the schedule was recorded, which is then to be recorded anew; or the test is not \
                 deterministic)\nthe run that it made instead: {then}"
            ),
            Kind::Leak { cancelled, left } => {
                let told = &left[..left.len().min(MOST)];
                write!(f, "{cancelled}: {}", told.join("\n"))?;
                match left.len() - told.len() {
                    0 => Ok(()),
                    more => write!(f, "\nand {more} more"),
                }
            }
            Kind::ProcessEnded { status, last } => {
                write!(f, "the run ended its process ({status})")?;
                let Some((task, spawned)) = last else { return Ok(()) };
                write!(f, "; its last step polled {task}")?;
                let Some(place) = spawned else { return Ok(()) };
                write!(f, ", which was spawned at {place}")
            }
            Kind::NotDeterministic { difference } => {
                write!(f, "the test is not deterministic: {difference}")
            }
            Kind::Unmet { marks, runs, extent } => {
                let count = |n: usize| format!("{n} run{}", if n == 1 { "" } else { "s" });
                write!(
                    f,
                    "something that must happen in some run did not happen in {}",
                    count(*runs)
                )?;
                for Unmet { label, evaluations, runs } in marks {
                    let label = printable(label, LABEL);
                    match evaluations {
                        0 => write!(f, "\n  \"{label}\" was never reached, by this name at least")?,
                        1 => write!(f, "\n  \"{label}\" was looked at once, and not true")?,
                        n => write!(
                            f,
                            "\n  \"{label}\" was looked at {n} times, in {}, and never true",
                            count(*runs)
                        )?,
                    }
                }
                match extent.drawn.seeds() {
                    _ if !extent.all_schedules => f.write_str(
                        "\n(try more seeds, as with DACAPO_SEEDS, another scheduler, or other inputs; \
                         if none of them gets there, that code is dead)",
                    ),
                    Some(seeds) => write!(
                        f,
                        "\n(no other schedule is left, but random values were drawn from {seeds} only: \
                         use a scheduler that works from seeds, or draw with `choose`, whose values are \
                         all tried; or try other inputs or faults)"
                    ),
                    None => f.write_str(
                        "\n(no other schedule is left: it takes other inputs or faults, or that code is \
                         dead)",
                    ),
                }
            }
        }
    }
}

impl std::error::Error for Failure {}
