//! A run as a sequence diagram in Mermaid, which forges draw in pull requests and issues.

use std::fmt::{self, Write};

use super::acts::{Act, ActKind, acts};
use super::{count, in_order};
use crate::trace::{Ending, TaskId, Trace, printable};

/// The most lines and bytes of a diagram; what comes before is left out. (Mermaid draws nothing of 50,000
/// bytes or more.)
const LINES: usize = 200;
const BYTES: usize = 40_000;
/// The most tasks that have a column of their own.
const TASKS: usize = 16;
/// The longest name of a task, and text at one place, in characters.
const NAME: usize = 30;
const TEXT: usize = 60;

impl Trace {
    /// The run as a sequence diagram in [Mermaid](https://mermaid.js.org), which GitHub and GitLab draw
    /// where a block of code is marked `mermaid`.
    ///
    /// Tasks are participants; spawning, waking and cancelling are arrows; waits and the jumps of the
    /// clock are notes; and what an ordinary event loop would not have done has a tinted background. Of a
    /// long run it shows the end, and says what is left out.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let run = dacapo::run(async || dacapo::time::sleep(Duration::from_secs(1)).await);
    /// let diagram = "
    /// sequenceDiagram
    ///     participant t0 as main
    ///     Note over t0: waits until 1000 ms
    ///     Note over t0: … 1000 ms …
    ///     Note over t0: returns
    /// ";
    /// assert_eq!(format!("\n{}", run.trace().mermaid()), diagram);
    /// ```
    pub fn mermaid(&self) -> impl fmt::Display + '_ {
        Mermaid(self)
    }
}

struct Mermaid<'a>(&'a Trace);

impl fmt::Display for Mermaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let acts = acts(self.0);
        let all: Vec<&Act> = acts.iter().filter(|act| is_drawn(act)).collect();
        let mut shown = all.len();
        let (mut lines, mut bytes) = (0, 0);
        let columns = Columns::of(&all);
        while shown > 0 {
            let text = columns.act(all[shown - 1]);
            lines += text.lines().count();
            bytes += text.len();
            if lines > LINES || bytes > BYTES {
                break;
            }
            shown -= 1;
        }
        let left_out = shown;
        let columns = Columns::of(&all[left_out..]);
        f.write_str("sequenceDiagram\n")?;
        columns.write(self.0, f)?;
        if left_out > 0 || self.0.dropped() > 0 {
            let earlier = match self.0.dropped() {
                0 => format!("{} left out", count(left_out, "earlier act")),
                _ => "what came before is left out".to_owned(),
            };
            writeln!(f, "    Note over {}: … {earlier} …", columns.across())?;
        }
        all[left_out..].iter().try_for_each(|act| f.write_str(&columns.act(act)))
    }
}

/// What follows from the other lines has no line of its own.
fn is_drawn(act: &Act) -> bool {
    let is_start = act.kind == ActKind::Spawn && act.to.is_empty();
    !is_start && act.kind != ActKind::End(Ending::Dropped)
}

/// The tasks that are drawn.
struct Columns(Vec<TaskId>);

impl Columns {
    fn of(acts: &[&Act]) -> Self {
        let mut tasks = Vec::new();
        for act in acts {
            tasks.extend(act.task);
            tasks.extend_from_slice(&act.to);
        }
        Self(in_order(&tasks))
    }

    /// The tasks with columns of their own, and whether there are more.
    fn own(&self) -> (&[TaskId], usize) {
        match self.0.len() {
            all @ ..=TASKS => (&self.0[..all], 0),
            all => (&self.0[..TASKS - 1], all - (TASKS - 1)),
        }
    }

    fn write(&self, trace: &Trace, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (own, more) = self.own();
        for &task in own {
            let name = trace.names().get(task).to_string();
            writeln!(f, "    participant t{task} as {}", escape(&name, NAME))?;
        }
        if more > 0 {
            writeln!(f, "    participant more as {more} more tasks")?;
        }
        // A diagram without participants is an error in Mermaid.
        if own.is_empty() { writeln!(f, "    participant t0 as main") } else { Ok(()) }
    }

    fn id(&self, task: TaskId) -> String {
        let (own, _) = self.own();
        if own.contains(&task) { format!("t{task}") } else { "more".to_owned() }
    }

    /// From the first column to the last.
    fn across(&self) -> String {
        let first = self.0.first().map_or_else(|| "t0".to_owned(), |&task| self.id(task));
        let last = self.0.last().map_or_else(|| first.clone(), |&task| self.id(task));
        if first == last { first } else { format!("{first},{last}") }
    }

    /// The lines of an act.
    fn act(&self, act: &Act) -> String {
        let mut text = String::new();
        let deviates = !act.deviations.is_empty();
        if deviates {
            text.push_str("    rect rgba(240, 160, 32, 0.25)\n");
        }
        let place = act.task.map_or_else(|| self.across(), |task| self.id(task));
        for (choice, what) in &act.deviations {
            let comma = if what.is_empty() { "" } else { ", " };
            let note = escape(&format!("◀ choice {choice}{comma}{what}"), TEXT);
            writeln!(text, "    Note over {place}: {note}").expect("a string takes all text");
        }
        self.arrows(act, &place, &mut text).expect("a string takes all text");
        if deviates {
            text.push_str("    end\n");
        }
        text
    }

    /// What was done: an arrow to the task that it reaches, or a note.
    fn arrows(&self, act: &Act, place: &str, out: &mut String) -> fmt::Result {
        let text = escape(&act.text, TEXT);
        let arrow = match act.kind {
            ActKind::Spawn => "->>",
            ActKind::Cancel => "-x",
            _ => "-->>",
        };
        if act.kind == ActKind::Jump {
            return writeln!(out, "    Note over {place}: … {text} …");
        }
        let mut to: Vec<String> = in_order(&act.to).into_iter().map(|task| self.id(task)).collect();
        to.dedup();
        let from = match act.task {
            Some(_) if !to.is_empty() => place,
            _ => return writeln!(out, "    Note over {place}: {text}"),
        };
        for (number, to) in to.iter().enumerate() {
            let text = if number == 0 { &text } else { "wakes" };
            writeln!(out, "    {from}{arrow}{to}: {text}")?;
        }
        Ok(())
    }
}

/// A text that Mermaid draws as it is: what may mean something to it stands as a number.
fn escape(text: &str, max: usize) -> String {
    let mut escaped = String::new();
    for c in printable(text.trim(), max).chars() {
        match c {
            c if c.is_alphanumeric() || " ./_,'()=+◀…-".contains(c) => escaped.push(c),
            c => write!(escaped, "#{};", u32::from(c)).expect("a string takes all text"),
        }
    }
    if escaped.is_empty() { "#34; #34;".to_owned() } else { escaped }
}
