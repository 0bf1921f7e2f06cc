//! The tasks of a run that is stuck, in words. There may be very many.

use std::fmt;

/// A task that waits for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    pub(crate) task: String,
    pub(crate) waits: Vec<String>,
    /// Where it waits for each of these, or for what dacapo does not know, as far as that is known.
    pub(crate) places: Vec<Option<String>>,
    /// Where it was spawned; not for main.
    pub(crate) spawned: Option<String>,
    /// Whether it would run next, as a task does that yields in a loop.
    pub(crate) is_ready: bool,
}

/// How many tasks are told one by one, and how many kinds of others.
pub(super) const MOST: usize = 50;

/// A line for each task. From the 51st on, tasks that wait in the same places are told together.
pub(super) struct Tasks<'a> {
    pub(super) blocked: &'a [Blocked],
    /// How many are told one by one.
    pub(super) most: usize,
}

impl fmt::Display for Tasks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (told, more) = self.blocked.split_at(self.blocked.len().min(self.most));
        for task in told {
            write!(f, "\n  {task}")?;
        }
        if more.is_empty() {
            return Ok(());
        }
        let kinds = kinds(more);
        write!(f, "\nand {} more, of these kinds (Failure::blocked has all of them):", more.len())?;
        for (task, count) in kinds.iter().take(MOST) {
            write!(f, "\n  {count} × as this one: {task}")?;
        }
        if let more @ 1.. = kinds.len().saturating_sub(MOST) {
            write!(f, "\n  … and {more} more kinds")?;
        }
        Ok(())
    }
}

impl Blocked {
    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// What it waits for, in words; empty if dacapo does not know.
    pub fn waits(&self) -> &[String] {
        &self.waits
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ready && self.waits.is_empty() {
            write!(f, "{} is ready to run", self.task)?;
            if let Some(Some(place)) = self.places.first() {
                write!(f, ", and stood at {place}")?;
            }
            return Ok(());
        }
        write!(f, "{} waits ", self.task)?;
        let unknown = ["for something outside of dacapo".to_owned()];
        let waits = if self.waits.is_empty() { &unknown[..] } else { &self.waits };
        for (number, what) in waits.iter().enumerate() {
            let and = if number == 0 { "" } else { ", and " };
            write!(f, "{and}{what}")?;
            if let Some(Some(place)) = self.places.get(number) {
                write!(f, ", at {place}")?;
            }
        }
        match &self.spawned {
            Some(place) if self.places.iter().all(Option::is_none) => {
                write!(f, " (it was spawned at {place})")
            }
            _ => Ok(()),
        }
    }
}

/// The first task of each kind, and how many there are of that kind.
fn kinds(blocked: &[Blocked]) -> Vec<(&Blocked, usize)> {
    // Sorted, since nothing may depend on the order of a hash map.
    let key = |task: &&Blocked| (task.places.clone(), task.spawned.clone(), words(task));
    let mut numbered: Vec<_> = blocked.iter().enumerate().collect();
    numbered.sort_by_cached_key(|(_, task)| key(task));
    let mut kinds: Vec<(usize, &Blocked, usize)> = Vec::new();
    for (number, task) in numbered {
        match kinds.last_mut() {
            Some((_, first, count)) if key(first) == key(&task) => *count += 1,
            _ => kinds.push((number, task, 1)),
        }
    }
    kinds.sort_by_key(|(number, ..)| *number);
    kinds.into_iter().map(|(_, task, count)| (task, count)).collect()
}

/// What a task waits for, without the numbers that tell one thing of a kind from another.
fn words(task: &Blocked) -> Vec<String> {
    let masked = |text: &String| text.chars().filter(|c| !c.is_ascii_digit()).collect();
    task.waits.iter().map(masked).collect()
}
