//! What tasks are called.

use std::collections::BTreeMap;
use std::fmt;

use super::printable;

/// The number of a task: 0 for the main one, then in the order of spawning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// How often a given name was used so far; empty if there is none.
    uses: BTreeMap<Box<str>, u32>,
}

#[derive(Clone, Debug)]
struct Name {
    parent: TaskId,
    /// How many levels below main or the last named ancestor.
    depth: u32,
    /// Its ancestor, or itself, at the last level of those that are shown first.
    top: TaskId,
    /// Which child of its parent, counted from 1.
    ordinal: u32,
    /// Seldom there, and so elsewhere.
    given: Option<Box<Given>>,
    signature: u64,
}

#[derive(Clone, Debug)]
struct Given {
    name: Box<str>,
    /// Which task of that name, counted from 1.
    nth: u32,
}

/// The levels of a long spawn path that are shown, at its beginning and at its end. A path may be as
/// long as there are tasks.
const SHOWN_FIRST: u32 = 4;
const SHOWN_LAST: u32 = 4;
/// The longest part of a given name that is shown, in characters.
const SHOWN: usize = 60;

impl TaskNames {
    /// Forgets all tasks, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.tasks.clear();
        self.uses.clear();
    }

    /// Adds a task; the first is main, whose name nobody else gets.
    #[inline]
    pub(crate) fn push(&mut self, parent: TaskId, ordinal: u32, given: Option<&str>) -> TaskId {
        let id = TaskId(u32::try_from(self.tasks.len()).expect("fewer than 2^32 tasks in a run"));
        let (mut depth, mut top, mut signature) = (0, id, 0);
        let given = given.map(|name| self.give(name));
        if let Some(given) = &given {
            let bytes = given.name.bytes();
            let name = bytes.fold(u64::from(given.nth), |hash, byte| mix(hash, byte.into()));
            // Neither a byte nor an ordinal, so that no child is taken for a longer name.
            signature = mix(name, 1 << 40);
        } else if let Some(parent) = self.tasks.get(parent.0 as usize) {
            signature = mix(parent.signature, u64::from(ordinal));
            depth = parent.depth + 1;
            top = if depth > SHOWN_FIRST { parent.top } else { id };
        }
        self.tasks.push(Name { parent, depth, top, ordinal, given, signature });
        id
    }

    #[cold]
    fn give(&mut self, name: &str) -> Box<Given> {
        if self.uses.is_empty() {
            self.uses.insert("main".into(), 1);
        }
        let nth = self.uses.entry(name.into()).or_default();
        *nth += 1;
        Box::new(Given { name: name.into(), nth: *nth })
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

    /// The task that spawned it; itself for the main task.
    pub fn parent(&self, task: TaskId) -> TaskId {
        self.tasks.get(task.0 as usize).map_or(TaskId::MAIN, |name| name.parent)
    }

    /// The ids, in the order of spawning.
    pub fn ids(&self) -> impl Iterator<Item = TaskId> + use<> {
        (0..self.tasks.len() as u32).map(TaskId)
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

impl TaskName<'_> {
    /// The last levels of a path that ends here, down to main or a named task; at most `max`.
    fn levels(&self, mut task: TaskId, max: u32) -> (TaskId, Vec<u32>) {
        let mut ordinals = Vec::new();
        while ordinals.len() < max as usize
            && task != TaskId::MAIN
            && let Some(Name { given: None, parent, ordinal, .. }) =
                self.names.tasks.get(task.0 as usize)
        {
            ordinals.push(*ordinal);
            task = *parent;
        }
        ordinals.reverse();
        (task, ordinals)
    }
}

impl fmt::Display for TaskName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = self.names.tasks.get(self.task.0 as usize) else {
            return match self.task {
                TaskId::MAIN => f.write_str("main"),
                task => write!(f, "task {task}"),
            };
        };
        let hidden = name.depth.saturating_sub(SHOWN_FIRST + SHOWN_LAST);
        let shown_last = if hidden > 0 { SHOWN_LAST } else { name.depth };
        let (rest, last) = self.levels(self.task, shown_last);
        let (base, first) =
            if hidden > 0 { self.levels(name.top, SHOWN_FIRST) } else { (rest, Vec::new()) };
        match self.names.tasks.get(base.0 as usize).and_then(|base| base.given.as_deref()) {
            None => f.write_str("main")?,
            Some(Given { name, nth }) => {
                let quotes = if name.is_empty() { "\"" } else { "" };
                write!(f, "{quotes}{}{quotes}", printable(name, SHOWN))?;
                if *nth > 1 {
                    write!(f, "#{nth}")?;
                }
            }
        }
        first.iter().try_for_each(|ordinal| write!(f, "/{ordinal}"))?;
        if hidden > 0 {
            write!(f, "/…{hidden} more…")?;
        }
        last.iter().try_for_each(|ordinal| write!(f, "/{ordinal}"))
    }
}

/// The names of tasks that were given, the first of them main's, for the tests of a scheduler.
impl<'a> FromIterator<&'a str> for TaskNames {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut tasks = Self::default();
        for name in names {
            tasks.push(TaskId::MAIN, 0, Some(name));
        }
        tasks
    }
}

/// One step of a hash that is the same on every machine and in every version.
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    // The multiplier of FxHash, with a rotation that also lets high bits reach low ones.
    (hash.rotate_left(23) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `worker/49` is not `worker1`, though the letter 1 is byte 49.
    #[test]
    fn a_child_is_not_taken_for_a_longer_name() {
        let mut names = TaskNames::default();
        let main = names.push(TaskId::MAIN, 0, None);
        let worker = names.push(main, 1, Some("worker"));
        let child = names.push(worker, u32::from(b'1'), None);
        let other = names.push(main, 2, Some("worker1"));
        assert_ne!(names.signature(child), names.signature(other));
    }
}
