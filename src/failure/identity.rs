//! What tells two bugs apart, and what may differ between two sightings of one bug.

use super::{Blocked, Failure, Kind, Limit, Panicked};
use crate::linear::NOT_LINEARIZABLE;

impl Failure {
    /// Whether two failures are, as far as can be told, one bug.
    ///
    /// They must be of the same [kind](Failure::kind). In addition:
    ///
    /// - Panics must have the same place and the same first line, apart from numbers. If other tasks
    ///   panicked earlier and the message repeats one of these panics, as that of `handle.await.unwrap()`
    ///   does, the first panic of the run counts.
    /// - Errors must have the same text, apart from numbers. A number that follows a capital letter is part
    ///   of a code, such as `E42`, and counts.
    /// - Limits must be about the same thing: steps, virtual time, tasks, or choices about one question.
    /// - Deadlocks must have tasks that were spawned and wait at the same places, whatever their names and
    ///   however many.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.identity() == other.identity()
    }

    /// Whether two failures that are one bug also have the same message, numbers included.
    pub(crate) fn is_equal_in_words(&self, other: &Self) -> bool {
        match (&*self.0, &*other.0) {
            (Kind::Panic { .. }, Kind::Panic { .. }) => {
                first_line(self.cause().message) == first_line(other.cause().message)
            }
            (Kind::Error { message: a }, Kind::Error { message: b }) => {
                without_history(a) == without_history(b)
            }
            _ => true,
        }
    }

    /// Whether a run took too many steps.
    pub(crate) fn is_endless(&self) -> bool {
        matches!(&*self.0, Kind::Limit { limit: Limit::Steps | Limit::Idle, .. })
    }

    /// Whether failures under two inputs may be one bug: the same kind, and for a panic the same place.
    /// The rest may be about the input.
    #[cfg(feature = "proptest")]
    pub(crate) fn is_akin(&self, other: &Self) -> bool {
        match (&*self.0, &*other.0) {
            (Kind::Panic { .. }, Kind::Panic { .. }) => {
                self.cause().location == other.cause().location
            }
            (Kind::Limit { .. }, Kind::Limit { .. }) => self.identity() == other.identity(),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }

    /// What two failures of one kind have in common if they are one bug. In the order of these texts, places
    /// in one file are in the order of their lines.
    pub(crate) fn identity(&self) -> String {
        match &*self.0 {
            Kind::Panic { .. } => {
                let Cause { message, location } = self.cause();
                format!("{} {}", padded(location), masked(first_line(message)))
            }
            Kind::Error { message } => masked(without_history(message)),
            Kind::Stuck { blocked } => {
                let mut tasks: Vec<String> = blocked.iter().map(stands).collect();
                tasks.sort_unstable();
                tasks.dedup();
                tasks.join("\n")
            }
            Kind::Limit { limit, .. } => match limit {
                Limit::Steps | Limit::Idle => "steps".to_owned(),
                Limit::Time => "time".to_owned(),
                Limit::Tasks => "tasks".to_owned(),
                Limit::Choices { about } => format!("choices {}", masked(about)),
                Limit::Destructors => "destructors".to_owned(),
            },
            // Where it was cancelled is up to the schedule.
            Kind::Leak { left, .. } => left.join("\n"),
            _ => String::new(),
        }
    }

    /// The panic that began it all: the last one, or the first one if the last one only repeats an earlier
    /// panic.
    fn cause(&self) -> Cause<'_> {
        let Kind::Panic { message, location, earlier, .. } = &*self.0 else {
            return Cause { message: "", location: None };
        };
        let repeats = |panic: &Panicked| {
            let line = first_line(&panic.message);
            !line.is_empty() && message.contains(line)
        };
        match earlier.first() {
            Some(first) if earlier.iter().any(repeats) => {
                Cause { message: &first.message, location: first.location.as_deref() }
            }
            _ => Cause { message, location: location.as_deref() },
        }
    }
}

/// What a panic said, and where.
#[derive(PartialEq)]
struct Cause<'a> {
    message: &'a str,
    location: Option<&'a str>,
}

/// The text of an error up to a history that is not linearizable: which one that is depends on the schedule.
fn without_history(message: &str) -> &str {
    let history = message.find(NOT_LINEARIZABLE);
    history.map_or(message, |start| &message[..start + NOT_LINEARIZABLE.len()])
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

/// Where a blocked task was spawned and where it waits; what it waits for, if the place is not known.
fn stands(task: &Blocked) -> String {
    let mut text = padded(task.spawned.as_deref());
    for (number, place) in task.places.iter().enumerate() {
        text.push(' ');
        match (place, task.waits.get(number)) {
            (None, Some(wait)) => text.push_str(&masked(wait)),
            (place, _) => text.push_str(&padded(place.as_deref())),
        }
    }
    text
}

/// A place, `file:line:column`, with numbers of equal width.
fn padded(place: Option<&str>) -> String {
    let Some(place) = place else { return "?".to_owned() };
    let mut parts = place.rsplitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(column), Some(line), Some(file)) => format!("{file}:{line:0>6}:{column:0>4}"),
        _ => place.to_owned(),
    }
}

/// A text with `#` for each number that is not part of a code such as `E42`.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        let is_digit = c.is_ascii_digit();
        match (is_digit, before) {
            (true, '#') => {}
            (true, letter) if letter.is_ascii_uppercase() => out.push(c),
            (true, _) => out.push('#'),
            (false, _) => out.push(c),
        }
        before = match (is_digit, before) {
            // The rest of the number is treated as its first digit was.
            (true, letter) if letter.is_ascii_uppercase() => letter,
            (true, _) => '#',
            (false, _) => c,
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panic(location: &str, message: &str) -> Panicked {
        Panicked {
            task: "t".to_owned(),
            message: message.to_owned(),
            location: Some(location.to_owned()),
        }
    }

    fn failure(panics: &[Panicked]) -> Failure {
        let [earlier @ .., Panicked { task, message, location }] = panics else {
            panic!("no panics")
        };
        let (task, message, location) = (task.clone(), message.clone(), location.clone());
        Failure::new(Kind::Panic { task, message, location, earlier: earlier.to_vec() })
    }

    #[track_caller]
    fn check(a: &Failure, b: &Failure, same: bool) {
        assert_eq!(a.is_same(b), same, "{a}\n{b}");
        assert_eq!(b.is_same(a), same, "{b}\n{a}");
    }

    #[test]
    fn numbers_are_masked_but_codes_are_not() {
        for (text, expected) in [
            ("left: 12, right: 7", "left: #, right: #"),
            ("E42: debited twice", "E42: debited twice"),
            ("worker12 of 3.5", "worker# of #.#"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn errors_are_told_apart_by_their_texts() {
        let error = |message: &str| Failure::new(Kind::Error { message: message.to_owned() });
        check(&error("E42: debited twice"), &error("E7: no such user"), false);
        check(&error("E42"), &error("E7"), false);
        check(&error("3 left"), &error("17 left"), true);
        assert!(!error("3 left").is_equal_in_words(&error("17 left")));
    }

    #[test]
    fn panics_are_told_apart_by_the_first_one() {
        let worker = panic("w.rs:9:1", "lost 1 of 2");
        let other = panic("w.rs:12:1", "lost 1 of 2");
        let unwrapped =
            |message: &str| panic("main.rs:3:1", &format!("Err: t panicked: {message}"));
        let by_first = failure(&[worker.clone(), other.clone(), unwrapped("lost 1 of 2")]);
        check(&by_first, &failure(&[worker.clone(), unwrapped("lost 1 of 2")]), true);
        check(&by_first, &failure(&[other, worker.clone(), unwrapped("lost 1 of 2")]), false);
        // A panic that was handled is no part of the bug.
        let own = panic("main.rs:20:1", "sum");
        check(&failure(&[worker.clone(), own.clone()]), &failure(&[own]), true);
        check(&failure(&[worker]), &failure(&[panic("w.rs:9:1", "lost 2 of 5")]), true);
    }

    #[test]
    fn limits_are_told_apart_by_what_they_are_about() {
        let limit = |limit: Limit, value: usize| {
            let task = "main".to_owned();
            Failure::new(Kind::Limit { limit, value, task, others: Vec::new() })
        };
        let choices = |about: &str| limit(Limit::Choices { about: about.to_owned() }, 9);
        check(&choices("retry"), &choices("retry"), true);
        check(&choices("retry"), &choices("delay"), false);
        check(&limit(Limit::Steps, 1000), &limit(Limit::Idle, 250_000), true);
        check(&limit(Limit::Steps, 1000), &limit(Limit::Tasks, 1000), false);
    }

    #[test]
    fn deadlocks_are_told_apart_by_places() {
        let task = |name: &str, spawned: &str, place: &str| Blocked {
            task: name.to_owned(),
            waits: vec![format!("for a permit of semaphore {}", name.len())],
            places: vec![Some(place.to_owned())],
            spawned: Some(spawned.to_owned()),
            is_ready: false,
        };
        let stuck = |blocked: Vec<Blocked>| Failure::new(Kind::Stuck { blocked });
        let two =
            stuck(vec![task("a", "s.rs:1:1", "p.rs:1:1"), task("bb", "s.rs:1:1", "p.rs:1:1")]);
        check(&two, &stuck(vec![task("ccc", "s.rs:1:1", "p.rs:1:1")]), true);
        check(&two, &stuck(vec![task("a", "s.rs:1:1", "p.rs:2:1")]), false);
        check(&two, &stuck(vec![task("a", "s.rs:2:1", "p.rs:1:1")]), false);
    }
}
