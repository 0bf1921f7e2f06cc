//! What tasks are called.

use std::collections::BTreeMap;
use std::fmt;

/// The number of a task: 0 for the main one, then in the order of spawning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u32);

impl TaskId {
    /// The task that the run was started with.
    pub const MAIN: Self = Self(0);

    /// The number itself.
    pub fn as_u32(self) -> u32 {
        self.0
    }
}

/// The number.
impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The names of all tasks of a run.
///
/// A task is called by the name that it was given, or else by its spawn path: `main/2` is the second
/// task that `main` spawned. So a name does not depend on what other tasks did meanwhile. Given
/// names that occur more than once are told apart by `#2`, `#3` and so on, in the order of spawning.
#[derive(Clone, Debug, Default)]
pub struct TaskNames {
    tasks: Vec<Name>,
    /// How often a given name was used so far.
    uses: BTreeMap<Box<str>, u32>,
}

#[derive(Clone, Debug)]
struct Name {
    parent: TaskId,
    /// Which child of its parent, counted from 1.
    ordinal: u32,
    given: Option<Given>,
    signature: u64,
}

#[derive(Clone, Debug)]
struct Given {
    name: Box<str>,
    /// Which task of that name, counted from 1.
    nth: u32,
}

/// The most levels of a spawn path that are shown.
const LEVELS: usize = 8;
/// The longest part of a given name that is shown, in characters.
const SHOWN: usize = 60;

impl TaskNames {
    /// Forgets all tasks, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.tasks.clear();
        self.uses.clear();
    }

    pub(crate) fn push(&mut self, parent: TaskId, ordinal: u32, given: Option<&str>) -> TaskId {
        let id = TaskId(u32::try_from(self.tasks.len()).expect("fewer than 2^32 tasks in a run"));
        let given = given.map(|name| {
            let nth = self.uses.entry(name.into()).or_default();
            *nth += 1;
            Given { name: name.into(), nth: *nth }
        });
        let parent_signature = self.tasks.get(parent.0 as usize).map_or(0, |name| name.signature);
        let signature = match &given {
            Some(Given { name, nth }) => {
                name.bytes().fold(u64::from(*nth), |hash, byte| mix(hash, u64::from(byte)))
            }
            None => mix(parent_signature, u64::from(ordinal)),
        };
        self.tasks.push(Name { parent, ordinal, given, signature });
        id
    }

    /// How many tasks there were.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there was no task, as before a run.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// A number that stands for the name of this task: the same in every run in which a task has
    /// this name. With some 2^32 different names, two of them may share a number.
    pub fn signature(&self, task: TaskId) -> u64 {
        self.tasks.get(task.0 as usize).map_or(0, |name| name.signature)
    }

    /// The name, to be shown.
    pub fn get(&self, task: TaskId) -> TaskName<'_> {
        TaskName { names: self, task }
    }
}

/// The name of one task.
#[derive(Clone, Copy, Debug)]
pub struct TaskName<'a> {
    names: &'a TaskNames,
    task: TaskId,
}

impl fmt::Display for TaskName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // From the last named ancestor downwards: a path may be as long as there are tasks.
        let mut ordinals = Vec::new();
        let mut task = self.task;
        loop {
            match self.names.tasks.get(task.0 as usize) {
                _ if task == TaskId::MAIN => f.write_str("main")?,
                None => write!(f, "task {task}")?,
                Some(Name { given: Some(given), .. }) => {
                    f.write_str(&printable(&given.name, SHOWN))?;
                    if given.nth > 1 {
                        write!(f, "#{}", given.nth)?;
                    }
                }
                Some(name) => {
                    ordinals.push(name.ordinal);
                    task = name.parent;
                    continue;
                }
            }
            break;
        }
        ordinals.reverse();
        let hidden = ordinals.len().saturating_sub(LEVELS);
        let (first, last) = ordinals.split_at(if hidden > 0 { LEVELS / 2 } else { 0 });
        first.iter().try_for_each(|ordinal| write!(f, "/{ordinal}"))?;
        if hidden > 0 {
            write!(f, "/…{hidden} more…")?;
        }
        last[hidden..].iter().try_for_each(|ordinal| write!(f, "/{ordinal}"))
    }
}

/// The beginning of a text, in one line and without what a terminal would obey.
pub(crate) fn printable(text: &str, max: usize) -> String {
    let mut shown = String::new();
    for c in text.chars().take(max) {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    if text.chars().nth(max).is_some() {
        shown.push('…');
    }
    shown
}

/// One step of a hash that is the same on every machine and in every version.
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    // The multiplier of FxHash, with a rotation that also lets high bits reach low ones.
    (hash.rotate_left(23) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}
