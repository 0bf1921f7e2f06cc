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

/// The names of the tasks of a run.
///
/// A task without a name of its own is named by its spawn path: `main/2` is the second task that `main`
/// spawned. So a name does not depend on what other tasks did meanwhile. If a given name occurs more than
/// once, `#2`, `#3` and so on are added in the order of spawning. A given name that looks like one of these is shown in
/// quotes: `"main#2"`.
/// A run may spawn any number of tasks. If a task is over and all its events are too old to be kept (see
/// [`Builder::max_events`](crate::Builder::max_events)), only its number is known.
#[derive(Clone, Debug, Default)]
pub struct TaskNames {
    /// How many tasks there were.
    len: usize,
    /// In pages of equal size, in the order in which the pages were opened. The content of a free page
    /// means nothing.
    names: Vec<Name>,
    /// For each [`PAGE`] tasks the number of their page, or [`GONE`]. This is all that is left of names
    /// that are no longer needed.
    pages: Vec<u32>,
    /// For each page, how many need it: its tasks that are not over, including those that are yet to
    /// come, and tasks whose names begin with one of these.
    needs: Vec<u32>,
    /// The pages that are no longer needed.
    free: Vec<u32>,
    /// Where the next name goes.
    next: usize,
    /// How many tasks are over, and how many had been so for a while when events were dropped last.
    over: u64,
    long_over: u64,
    /// Pages that were no longer needed after this many tasks were over, in this order. Events of their
    /// tasks may still be kept.
    left: Vec<(u64, usize)>,
    /// The given names by their numbers; empty if there is none. They stay, because the next task of the
    /// same name is numbered by them. There are mostly few of them.
    given: Vec<Given>,
    /// By their hashes, the number of the last one of each.
    numbers: BTreeMap<u64, usize>,
    /// A hash of which tasks were given which names.
    hash: u64,
}

/// All that is known of a task without looking at its parents, except for the root.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    signature: u64,
    parent: TaskId,
    /// How many levels below main or the last named ancestor.
    depth: u32,
    /// With whose name this one begins: main or the last named ancestor, or the one [`SHOWN`] levels below
    /// that, if it is further down itself.
    root: TaskId,
    /// For each of the last levels which child of its parent, counted from 1. If it is no level below
    /// anything, the number of its name and which task of that name it is; zeros for main.
    last: [u32; SHOWN],
}

#[derive(Clone, Debug)]
struct Given {
    name: Box<str>,
    /// How many tasks there were of that name.
    uses: u32,
    /// The number of another one with the same hash.
    before: Option<u32>,
}

/// The levels of a long spawn path that are shown, at its beginning and as many at its end. A path may be as
/// long as there are tasks.
const SHOWN: usize = 4;
/// The longest part of a given name that is shown, in characters.
const LONGEST: usize = 60;

/// How many names are kept or forgotten together. The first page is kept, because main is in it.
const PAGE: usize = 64;
/// More pages than there can be, so that nothing is found there.
const GONE: u32 = u32::MAX / PAGE as u32;
/// The most names for which memory is kept for the next run.
const KEPT: usize = 1 << 16;
/// How many of the tasks that ended last are taken to have ended later when events are dropped. A task
/// that is dropped is removed first, then wakes the tasks that await it, and then its end is recorded.
const LATE: u64 = 64;

impl TaskNames {
    /// Forgets all tasks, keeping the memory unless it is much.
    pub(crate) fn clear(&mut self) {
        (self.len, self.next) = (0, 0);
        (self.over, self.long_over, self.hash) = (0, 0, 0);
        // They are written over.
        self.names.truncate(KEPT);
        self.names.shrink_to(KEPT);
        // The first tasks have the first page in every run.
        self.pages.truncate(1);
        self.pages.shrink_to(KEPT);
        self.needs.truncate(1);
        self.free.clear();
        self.left.clear();
        self.given.clear();
        self.numbers.clear();
    }

    /// Adds a task. The first one is main; no other task gets that name.
    #[inline]
    pub(crate) fn push(&mut self, parent: TaskId, ordinal: u32, given: Option<&str>) -> TaskId {
        let id = TaskId(self.len as u32);
        if self.len == self.pages.len() * PAGE {
            self.open_page();
        }
        // Nearly all tasks are children of main, which need no lookup.
        if parent == TaskId::MAIN && given.is_none() && self.len > 0 {
            self.put(Name::default().child(parent, ordinal));
            return id;
        }
        match (self.find(parent), given) {
            (Some(above), None) => {
                let name = above.child(parent, ordinal);
                // The first tasks are kept anyway.
                if name.root.0 as usize >= PAGE {
                    self.hold_roots(name.depth, name.root);
                }
                self.put(name);
            }
            (_, given) => self.put_first(parent, given),
        }
        id
    }

    /// Adds a name that does not begin with another one.
    #[cold]
    #[inline(never)]
    fn put_first(&mut self, parent: TaskId, given: Option<&str>) {
        let name = given.map_or_else(Name::default, |given| self.named(parent, given));
        self.put(name);
    }

    #[inline(always)]
    fn put(&mut self, name: Name) {
        self.names[self.next] = name;
        self.next += 1;
        self.len += 1;
    }

    #[cold]
    #[inline(never)]
    fn open_page(&mut self) {
        u32::try_from(self.len + PAGE).expect("fewer than 2^32 tasks in a run");
        let page = self.free.pop().unwrap_or_else(|| {
            self.needs.push(0);
            (self.needs.len() - 1) as u32
        });
        self.needs[page as usize] = PAGE as u32;
        self.pages.push(page);
        self.next = page as usize * PAGE;
        // A page that was used before is written over.
        let end = self.names.len().max(self.next + PAGE);
        self.names.resize(end, Name::default());
    }

    /// The number of a name; a new one, if it was not given before.
    fn number(&mut self, name: &str) -> u32 {
        let hash = name.bytes().fold(0, |hash, byte| mix(hash, byte.into()));
        let last = self.numbers.get(&hash).map(|&number| number as u32);
        let mut known = last;
        while let Some(number) = known {
            let given = &self.given[number as usize];
            if *given.name == *name {
                return number;
            }
            known = given.before;
        }
        let number = self.given.len();
        self.given.push(Given { name: name.into(), uses: 0, before: last });
        self.numbers.insert(hash, number);
        number as u32
    }

    /// The name of a task that is given one.
    fn named(&mut self, parent: TaskId, name: &str) -> Name {
        if self.given.is_empty() {
            let main = self.number("main");
            self.given[main as usize].uses = 1;
        }
        let number = self.number(name);
        let nth = &mut self.given[number as usize].uses;
        *nth += 1;
        let bytes = name.bytes();
        let signature = bytes.fold(u64::from(*nth), |hash, byte| mix(hash, byte.into()));
        // Neither a byte nor an ordinal, so that no child is taken for a longer name.
        let signature = mix(signature, 1 << 40);
        self.hash = mix(mix(self.hash, self.len as u64), signature);
        Name { signature, parent, last: [0, 0, number, *nth], ..Name::default() }
    }

    /// The ancestors that are needed for the text of a name of this depth and root, and main in place of
    /// the missing ones.
    fn roots(&self, depth: u32, root: TaskId) -> [TaskId; 2] {
        let before = |root: TaskId| self.find(root).map_or(TaskId::MAIN, |root| root.root);
        match depth as usize {
            0 => [TaskId::MAIN; 2],
            1..=SHOWN => [root, TaskId::MAIN],
            _ => [root, before(root)],
        }
    }

    #[inline(never)]
    fn hold_roots(&mut self, depth: u32, root: TaskId) {
        self.roots(depth, root).into_iter().for_each(|root| self.hold(root));
    }

    /// Keeps the page of a task until as many calls of [`let_go`](Self::let_go).
    fn hold(&mut self, task: TaskId) {
        if let Some(needs) = self.needs_of(task) {
            *needs += 1;
        }
    }

    fn let_go(&mut self, task: TaskId) {
        let Some(needs) = self.needs_of(task) else { return };
        *needs -= 1;
        if *needs == 0 {
            self.left.push((self.over, task.0 as usize / PAGE));
        }
    }

    /// How many need the page of a task, unless that stays anyway.
    fn needs_of(&mut self, task: TaskId) -> Option<&mut u32> {
        let page = *self.pages.get(task.0 as usize / PAGE)?;
        self.needs.get_mut(page as usize).filter(|_| task.0 as usize >= PAGE)
    }

    /// A task is over: nothing more happens to it, except for what follows at once.
    #[inline]
    pub(crate) fn end(&mut self, task: TaskId) {
        self.over += 1;
        let Some(&Name { depth, root, .. }) = self.find(task) else { return };
        // As when it was added.
        if root.0 as usize >= PAGE {
            self.let_go_roots(depth, root);
        }
        self.let_go(task);
    }

    #[inline(never)]
    fn let_go_roots(&mut self, depth: u32, root: TaskId) {
        self.roots(depth, root).into_iter().for_each(|root| self.let_go(root));
    }

    /// The events before the last call are dropped. Forgets the names that were no longer needed by then.
    pub(crate) fn forget(&mut self) {
        let long_left = self.left.partition_point(|(over, _)| *over <= self.long_over);
        for (_, at) in self.left.drain(..long_left) {
            // It may be needed again, or be here twice.
            if let Some(0) = self.needs.get(self.pages[at] as usize) {
                self.free.push(std::mem::replace(&mut self.pages[at], GONE));
            }
        }
        self.long_over = self.over.saturating_sub(LATE);
    }

    /// Keeps the name of a task for as long as the run.
    pub(crate) fn keep(&mut self, task: TaskId) {
        if let Some(name) = self.find(task) {
            let [first, second] = self.roots(name.depth, name.root);
            [task, first, second].into_iter().for_each(|task| self.hold(task));
        }
    }

    #[inline]
    fn find(&self, task: TaskId) -> Option<&Name> {
        let at = task.0 as usize;
        let page = *self.pages.get(at / PAGE)? as usize;
        self.names.get(page * PAGE + at % PAGE).filter(|_| at < self.len)
    }

    /// How many tasks there were.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there was no task, as before a run.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A number that identifies the name of this task: the same in every run in which a task has
    /// this name. With some 2^32 different names, two of them may share a number. 0 if the name is not known.
    pub fn signature(&self, task: TaskId) -> u64 {
        self.find(task).map_or(0, |name| name.signature)
    }

    /// A number that stands for all names that tasks were given, and for which tasks; 0 if there are none.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// The task that spawned it; itself for the main task, and that one if it is not known.
    pub fn parent(&self, task: TaskId) -> TaskId {
        self.find(task).map_or(TaskId::MAIN, |name| name.parent)
    }

    /// The ids of those whose names are known, in the order of spawning.
    pub fn ids(&self) -> impl Iterator<Item = TaskId> {
        let tasks = (0..self.len).map(|task| TaskId(task as u32));
        tasks.filter(|task| self.parts(*task).is_some())
    }

    /// The name, to be shown. Of a task whose name is not known it is its number: `task 17`.
    pub fn get(&self, task: TaskId) -> TaskName<'_> {
        TaskName { names: self, task }
    }

    /// The parts of the text of a name, if all are there.
    fn parts(&self, task: TaskId) -> Option<Parts<'_>> {
        let name = self.find(task)?;
        let depth = name.depth as usize;
        let (mut base, mut first) = (name, &[][..]);
        if depth > 0 {
            base = self.find(name.root)?;
        }
        if depth > SHOWN {
            first = &base.last;
            base = self.find(base.root)?;
        }
        let hidden = depth.saturating_sub(2 * SHOWN);
        let last = &name.last[SHOWN - (depth - first.len()).min(SHOWN)..];
        Some(Parts { base, first, hidden, last })
    }
}

impl Name {
    /// The name of a child without one of its own.
    #[inline]
    fn child(&self, id: TaskId, ordinal: u32) -> Self {
        let [_, b, c, d] = self.last;
        let is_root = self.depth == 0 || self.depth as usize == SHOWN;
        Self {
            signature: mix(self.signature, u64::from(ordinal)),
            parent: id,
            depth: self.depth + 1,
            root: if is_root { id } else { self.root },
            last: [b, c, d, ordinal],
        }
    }
}

/// The text of a name.
struct Parts<'a> {
    /// Of main, or the last ancestor with a name that was given.
    base: &'a Name,
    first: &'a [u32],
    /// How many levels are not shown.
    hidden: usize,
    last: &'a [u32],
}

/// The name of one task.
#[derive(Clone, Copy, Debug)]
pub struct TaskName<'a> {
    names: &'a TaskNames,
    task: TaskId,
}

impl fmt::Display for TaskName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Parts { base, first, hidden, last }) = self.names.parts(self.task) else {
            return match self.task {
                TaskId::MAIN => f.write_str("main"),
                task => write!(f, "task {task}"),
            };
        };
        match base.last {
            [.., 0] => f.write_str("main")?,
            [.., number, nth] => {
                let name = &*self.names.given[number as usize].name;
                let shown = printable(name, LONGEST);
                match looks_made(name) {
                    true => write!(f, "\"{}\"", shown.replace('"', "\\\""))?,
                    false => f.write_str(&shown)?,
                }
                if nth > 1 {
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

/// Whether a given name, as it is, could be taken for one that was made from another, such as `main#2` or `main/1`; or
/// for a quoted one; or for nothing.
fn looks_made(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let ends_in_number =
        |separator| name.rsplit_once(separator).is_some_and(|(_, end)| is_number(end));
    name.is_empty() || name.starts_with('"') || ends_in_number('#') || ends_in_number('/')
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
#[inline(always)]
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    // The multiplier of FxHash, with a rotation that also lets high bits reach low ones.
    (hash.rotate_left(23) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

#[cfg(test)]
mod tests;
