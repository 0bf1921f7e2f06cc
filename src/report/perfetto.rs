//! A run as JSON in the trace-event format of Chrome, for the Perfetto UI.
//!
//! Google, "Trace Event Format", 2016; what Perfetto takes of it is in its documentation, under
//! "Importing Chrome JSON traces".

use std::fmt;

use super::json::Quoted;
use crate::numbering::Numbering;
use crate::question::Question;
use crate::trace::{Event, Position, TaskId, Trace, Wait, printable};

/// How long a step is drawn, in nanoseconds.
const STEP: u64 = 1000;
/// The longest text at one place, in characters.
const LONGEST: usize = 300;
/// The track of the clock; those of the tasks come after it.
const CLOCK: u64 = 1;

impl Trace {
    /// The run as JSON for the [Perfetto UI](https://ui.perfetto.dev), or anything else that reads
    /// Chrome's trace-event format.
    /// Each task is a track on which it runs, waits, or is ready. The track of the clock has the jumps.
    /// Arrows (flows) lead from the task that woke or spawned another one to the next step of that.
    /// Everything else is a mark.
    ///
    /// No virtual time passes within a step. To be seen, each step is drawn as one microsecond, and
    /// what comes later is drawn so much later: an event of step 7 at 20 ms is at 20.006 ms. The
    /// virtual time itself is in the arguments (`time`), as are the numbers of step and choice.
    ///
    /// ```
    /// let run = dacapo::run(async || dacapo::task::yield_now().await);
    /// let json: serde_json::Value = serde_json::from_str(&run.trace().perfetto().to_string())?;
    /// assert!(json["traceEvents"].is_array());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn perfetto(&self) -> impl fmt::Display + '_ {
        self.perfetto_within(usize::MAX)
    }

    /// The same for the last events, at most so many.
    pub(crate) fn perfetto_within(&self, most: usize) -> impl fmt::Display + '_ {
        Perfetto { trace: self, most }
    }
}

struct Perfetto<'a> {
    trace: &'a Trace,
    most: usize,
}

impl fmt::Display for Perfetto<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tracks = Tracks::new(self.trace);
        let left_out = self.trace.events().count().saturating_sub(self.most);
        let shown = self.trace.events().skip(left_out);
        shown.for_each(|(position, event)| tracks.add(position, event));
        let entries = tracks.finish();
        f.write_str("{\"displayTimeUnit\":\"ms\",\"otherData\":{")?;
        write!(f, "\"earlier events not kept\":\"{}\",", self.trace.dropped())?;
        if left_out > 0 {
            write!(f, "\"earlier events left out, see Trace::perfetto\":\"{left_out}\",")?;
        }
        write!(f, "\"a step, which takes no virtual time, is drawn as\":\"1 µs\"}},")?;
        f.write_str("\"traceEvents\":[\n")?;
        for (number, entry) in entries.iter().enumerate() {
            let comma = if number + 1 < entries.len() { "," } else { "" };
            writeln!(f, "{entry}{comma}")?;
        }
        f.write_str("]}\n")
    }
}

/// What a task is about between its steps.
enum Phase {
    Ready,
    Waiting(Vec<Wait>),
    Ended,
}

struct Track {
    state: Phase,
    /// Since when, as drawn and in the run.
    since: u64,
    from: Position,
    /// Where its next step comes from: the task that spawned it or woke it last.
    flow: Option<(&'static str, u64, u64)>,
}

/// The step that goes on.
struct Step {
    task: TaskId,
    start: u64,
    position: Position,
    /// How many marks it has.
    marks: u64,
    waits: Vec<Wait>,
    /// Whether it was woken by itself.
    woken: bool,
}

struct Tracks<'a> {
    trace: &'a Trace,
    tracks: Vec<Option<Track>>,
    step: Option<Step>,
    /// From where the clock has jumped, if that was last.
    jumped: Option<u64>,
    now: Position,
    flows: u64,
    entries: Vec<(u64, String)>,
}

impl<'a> Tracks<'a> {
    fn new(trace: &'a Trace) -> Self {
        let now = trace.events().next().map_or_else(Position::default, |(position, _)| position);
        Self {
            trace,
            tracks: Vec::new(),
            step: None,
            jumped: None,
            now,
            flows: 0,
            entries: Vec::new(),
        }
    }

    fn add(&mut self, position: Position, event: Event) {
        let is_next =
            matches!(event, Event::Choice { asked, .. } if asked.question == Question::Next);
        if is_next || matches!(event, Event::Poll { .. } | Event::Advance { .. }) {
            self.end_step();
        }
        let before = drawn(self.now, self.now.step);
        self.now = position;
        let place = match &mut self.step {
            Some(step) => {
                step.marks = (step.marks + 1).min(STEP - 1);
                step.start.saturating_add(step.marks)
            }
            None => drawn(position, position.step),
        };
        match event {
            Event::Poll { task } => self.begin_step(task, position),
            Event::Advance { .. } => {
                // From where is not known if that was not kept.
                self.jumped = (place > before).then_some(place);
                if self.jumped.is_some() {
                    self.slice(CLOCK, "jumps", before, place, position);
                }
            }
            Event::Spawn { task, by } => {
                if task != by {
                    self.mark(by, "spawn", place, position, event);
                    self.flow(task, "spawn", place, tid(by));
                }
                self.track(task, place).state = Phase::Ready;
            }
            Event::Wait { task, on } => match &mut self.step {
                Some(step) if step.task == task => step.waits.push(on),
                _ => self.change(task, place, Phase::Waiting(vec![on])),
            },
            Event::Wake { task, by } => {
                match (by, self.jumped) {
                    (Some(by), _) => self.flow(task, "wake", place, tid(by)),
                    // It belongs to the jump, which ends here.
                    (None, Some(end)) => self.flow(task, "wake", end - 1, CLOCK),
                    (None, None) => {}
                }
                match &mut self.step {
                    Some(step) if step.task == task => step.woken = true,
                    _ => self.change(task, place, Phase::Ready),
                }
            }
            Event::End { task, .. } => {
                self.mark(task, "end", place, position, event);
                match &self.step {
                    Some(step) if step.task == task => self.track(task, place).state = Phase::Ended,
                    _ => self.change(task, place, Phase::Ended),
                }
            }
            Event::Choice { asked, .. } if is_next => {
                let chosen = asked.task().unwrap_or(position.task);
                self.mark(chosen, choice(event), place, position, event);
            }
            Event::Choice { .. } => {
                let task = self.step.as_ref().map(|step| step.task);
                self.mark_on(task.map_or(CLOCK, tid), choice(event), place, position, event);
            }
            Event::Timeout { task, .. } => self.mark(task, "timeout", place, position, event),
            Event::Note { task, .. } => self.mark(task, "note", place, position, event),
            Event::Abort { task, by } | Event::Cancel { task, by } => {
                self.mark(by.unwrap_or(task), "cancel", place, position, event);
            }
        }
        if !matches!(event, Event::Advance { .. } | Event::Wake { .. }) {
            self.jumped = None;
        }
    }

    fn begin_step(&mut self, task: TaskId, position: Position) {
        let start = drawn(position, position.step - 1);
        let track = self.track(task, start);
        let flow = track.flow.take();
        self.change(task, start, Phase::Ready);
        if let Some((name, from, tid_from)) = flow {
            self.flows += 1;
            let id = self.flows;
            let ends = [("s", from, tid_from, ""), ("f", start, tid(task), ",\"bp\":\"e\"")];
            for (phase, at, tid, more) in ends {
                let text = format!(
                    "{{\"ph\":\"{phase}\",\"id\":{id},\"cat\":\"{name}\",\"name\":\"{name}\",\"pid\":1,\
                     \"tid\":{tid},\"ts\":{}{more}}}",
                    Micros(at)
                );
                self.entries.push((at, text));
            }
        }
        let (marks, waits, woken) = (0, Vec::new(), false);
        self.step = Some(Step { task, start, position, marks, waits, woken });
    }

    fn end_step(&mut self) {
        let Some(step) = self.step.take() else { return };
        let end = step.start.saturating_add(STEP);
        self.slice(tid(step.task), "runs", step.start, end, step.position);
        let track = self.track(step.task, end);
        (track.since, track.from) = (end, step.position);
        if !matches!(track.state, Phase::Ended) {
            track.state = if step.woken { Phase::Ready } else { Phase::Waiting(step.waits) };
        }
    }

    fn track(&mut self, task: TaskId, since: u64) -> &mut Track {
        let (place, from) = (task.as_u32() as usize, self.now);
        if self.tracks.len() <= place {
            self.tracks.resize_with(place + 1, || None);
        }
        self.tracks[place].get_or_insert(Track { state: Phase::Ready, since, from, flow: None })
    }

    /// Draws what a task was about until now.
    fn change(&mut self, task: TaskId, at: u64, state: Phase) {
        let now = self.now;
        let track = self.track(task, at);
        let (since, from) = (track.since, track.from);
        (track.since, track.from) = (at, now);
        let before = std::mem::replace(&mut track.state, state);
        let name = match before {
            Phase::Ready => "ready".to_owned(),
            Phase::Ended => return,
            Phase::Waiting(waits) if waits.is_empty() => "waits".to_owned(),
            Phase::Waiting(waits) => {
                let waits: Vec<_> =
                    waits.into_iter().map(|on| self.trace.describe_wait(on)).collect();
                format!("waits {}", waits.join(", and "))
            }
        };
        if at > since {
            self.slice(tid(task), &name, since, at, from);
        }
    }

    /// Remembers where an arrow to the next step of a task begins. The last one counts. A step whose
    /// beginning was not kept has none.
    fn flow(&mut self, task: TaskId, name: &'static str, at: u64, from: u64) {
        let is_drawn =
            from == CLOCK || self.step.as_ref().is_some_and(|step| tid(step.task) == from);
        self.track(task, at).flow = is_drawn.then_some((name, at, from));
    }

    fn slice(&mut self, tid: u64, name: &str, from: u64, to: u64, at: Position) {
        let text = format!(
            "{{\"ph\":\"X\",\"cat\":\"state\",\"name\":{},\"pid\":1,\"tid\":{tid},\"ts\":{},\"dur\":{},\
             \"args\":{{\"time\":{},\"step\":{}}}}}",
            Quoted(&printable(name, LONGEST)),
            Micros(from),
            Micros(to - from),
            Quoted(&at.time.to_string()),
            at.step
        );
        self.entries.push((from, text));
    }

    fn mark(&mut self, task: TaskId, kind: &str, at: u64, position: Position, event: Event) {
        self.track(task, at);
        self.mark_on(tid(task), kind, at, position, event);
    }

    fn mark_on(&mut self, tid: u64, kind: &str, at: u64, position: Position, event: Event) {
        let what = self.trace.describe(position, event);
        let choice = match event {
            Event::Choice { .. } => format!(",\"choice\":{}", position.choices - 1),
            _ => String::new(),
        };
        let text = format!(
            "{{\"ph\":\"i\",\"s\":\"t\",\"cat\":\"{kind}\",\"name\":{},\"pid\":1,\"tid\":{tid},\"ts\":{},\
             \"args\":{{\"time\":{},\"step\":{}{choice}}}}}",
            Quoted(&printable(&what, LONGEST)),
            Micros(at),
            Quoted(&position.time.to_string()),
            position.step
        );
        self.entries.push((at, text));
    }

    /// Everything in its order, after the names of the tracks.
    fn finish(mut self) -> Vec<String> {
        self.end_step();
        let end = drawn(self.now, self.now.step);
        let tasks: Vec<TaskId> =
            self.trace.names().ids().filter(|&task| self.known(task)).collect();
        tasks.iter().for_each(|&task| self.change(task, end, Phase::Ended));
        // An arrow is tied to the slice that has begun before it in the list.
        let mut numbers = Numbering::default();
        let mut moments: Vec<[Vec<String>; 2]> = Vec::new();
        for (at, text) in std::mem::take(&mut self.entries) {
            let moment = numbers.number(at);
            if moment == moments.len() {
                moments.push(Default::default());
            }
            let is_slice = text.starts_with("{\"ph\":\"X\"");
            moments[moment][usize::from(!is_slice)].push(text);
        }

        let mut all = vec![metadata(0, "process_name", "\"name\":\"dacapo\"")];
        let clock = (CLOCK, "the clock".to_owned());
        let named = tasks.iter().map(|&task| (tid(task), self.trace.names().get(task).to_string()));
        for (tid, name) in [clock].into_iter().chain(named) {
            all.push(metadata(tid, "thread_name", &format!("\"name\":{}", Quoted(&name))));
            all.push(metadata(tid, "thread_sort_index", &format!("\"sort_index\":{tid}")));
        }
        for moment in numbers.by_key() {
            moments[moment].iter_mut().for_each(|texts| all.append(texts));
        }
        all
    }

    fn known(&self, task: TaskId) -> bool {
        self.tracks.get(task.as_u32() as usize).is_some_and(Option::is_some)
    }
}

/// What a choice is listed under.
fn choice(event: Event) -> &'static str {
    if event.is_deviation() { "deviation" } else { "choice" }
}

fn tid(task: TaskId) -> u64 {
    CLOCK + 1 + u64::from(task.as_u32())
}

/// Where something is drawn, in nanoseconds, after this many steps.
fn drawn(at: Position, steps: u64) -> u64 {
    at.time.as_nanos().saturating_add(steps * STEP)
}

fn metadata(tid: u64, name: &str, args: &str) -> String {
    format!("{{\"ph\":\"M\",\"pid\":1,\"tid\":{tid},\"name\":\"{name}\",\"args\":{{{args}}}}}")
}

/// Nanoseconds as the microseconds of the format.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
