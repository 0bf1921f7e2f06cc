//! What a scheduler is asked.

use std::fmt;

use super::ReadyQueue;
use crate::question::{Bias, Question, fill};
use crate::schedule::Answer;
use crate::trace::{Asked, Moment, Next, Subject, TaskId, TaskName, TaskNames, Trace, mix};

/// A question of a run, with its options.
///
/// Option 0 is always what an ordinary event loop would do.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    question: Question,
    options: usize,
    about: About<'a>,
}

#[derive(Clone, Copy, Debug)]
enum About<'a> {
    Tasks {
        ready: &'a ReadyQueue,
        names: &'a TaskNames,
    },
    /// A question of a run, and the trace that knows its names.
    Asked(Asked, &'a Trace),
    /// A question outside of a run, and the label of its value.
    Label(&'a str),
}

impl<'a> Choice<'a> {
    /// A choice among tasks, in the order in which they became ready.
    ///
    /// dacapo makes the choices of a run itself. This is for the tests of a scheduler.
    ///
    /// # Panics
    ///
    /// If fewer than two tasks are ready: that is no choice.
    #[track_caller]
    pub fn among_tasks(ready: &'a ReadyQueue, names: &'a TaskNames) -> Self {
        assert!(ready.len() >= 2, "a choice needs two options or more");
        Self::among(ready, names)
    }

    /// The same where it is known that there are two tasks or more.
    #[inline(always)]
    pub(crate) fn among(ready: &'a ReadyQueue, names: &'a TaskNames) -> Self {
        // More have no place in a trace.
        let options = ready.len().min(Next::MAX_OPTIONS);
        Self { question: Question::Next, options, about: About::Tasks { ready, names } }
    }

    /// The choice of a value with this label; see [`among_tasks`](Choice::among_tasks).
    ///
    /// # Panics
    ///
    /// If there are fewer than two options: that is no choice.
    #[track_caller]
    pub fn of_value(label: &'a str, options: usize) -> Self {
        assert!(options >= 2, "a choice needs two options or more");
        Self { question: Question::Value, options, about: About::Label(label) }
    }

    /// Another question than [`Question::Next`]; see [`among_tasks`](Choice::among_tasks).
    ///
    /// # Panics
    ///
    /// If there are fewer than two options: that is no choice.
    #[track_caller]
    pub fn of(question: Question, options: usize) -> Self {
        Self { question, ..Self::of_value("value", options) }
    }

    /// A question that is asked in a run.
    pub(crate) fn about(asked: Asked, options: usize, trace: &'a Trace) -> Self {
        Self { question: asked.question, options, about: About::Asked(asked, trace) }
    }

    /// What is asked.
    #[inline]
    pub fn question(&self) -> Question {
        self.question
    }

    #[inline]
    pub(super) fn is_among_tasks(&self) -> bool {
        matches!(self.question, Question::Next)
    }

    /// How many options there are: two or more. Answers are below this number.
    #[inline]
    pub fn options(&self) -> usize {
        self.options
    }

    /// The task that a choice is about which is not among tasks.
    pub fn task_name(&self) -> Option<TaskName<'a>> {
        match self.about {
            About::Asked(asked, trace) => asked.task().map(|task| trace.names().get(task)),
            About::Tasks { .. } | About::Label(_) => None,
        }
    }

    /// The label of the value or of the marked future that it is about.
    pub fn subject_label(&self) -> Option<&'a str> {
        match self.about {
            About::Asked(asked, trace) => asked.label().map(|label| trace.label(label)),
            About::Label(label) => Some(label),
            About::Tasks { .. } => None,
        }
    }

    /// Whether what may be cancelled has just begun to wait, or was woken.
    pub fn moment(&self) -> Option<Moment> {
        match self.about {
            About::Asked(asked, _) => asked.moment(),
            About::Tasks { .. } | About::Label(_) => None,
        }
    }

    /// The answer that takes this option, for this choice only.
    ///
    /// # Panics
    ///
    /// If `option` is not below [`options`](Choice::options).
    #[track_caller]
    pub fn option(&self, option: usize) -> Answer {
        let options = self.options;
        assert!(option < options, "option {option} of a choice with {options} options");
        Answer::from_place(option)
    }

    /// A random answer, with the [bias](Question::bias) of the question. `below` draws a number below its
    /// argument.
    #[inline]
    pub fn draw(&self, mut below: impl FnMut(u32) -> u32) -> Answer {
        let options = self.options as u32;
        if self.is_among_tasks() {
            return Answer::from(below(options));
        }
        Answer::from(match self.question.bias() {
            Bias::OnceIn(times) if below(times) > 0 => 0,
            Bias::OnceIn(_) => 1 + below(options - 1),
            Bias::Even => below(options),
        })
    }

    /// Which option a task is, if it is one.
    pub fn place_of(&self, task: TaskId) -> Option<usize> {
        let About::Tasks { ready, .. } = self.about else { return None };
        ready.place_of(task)
    }

    /// What an option means. It is the same in every run in which the option exists.
    ///
    /// # Panics
    ///
    /// If `option` is not below [`options`](Choice::options).
    #[track_caller]
    pub fn label(&self, option: usize) -> Label<'a> {
        let options = self.options;
        assert!(option < options, "option {option} of a choice with {options} options");
        Label(match self.about {
            About::Tasks { ready, names } => {
                let task = ready.get(option).expect("dacapo bug: a queue is shorter than it says");
                LabelKind::Task { task, names }
            }
            About::Asked(..) | About::Label(_) => LabelKind::Option(*self, option as u32),
        })
    }
}

/// What one option of a [`Choice`] means. Its `Display` text is for people.
#[derive(Clone, Copy, Debug)]
pub struct Label<'a>(LabelKind<'a>);

#[derive(Clone, Copy, Debug)]
enum LabelKind<'a> {
    Task { task: TaskId, names: &'a TaskNames },
    Option(Choice<'a>, u32),
}

impl<'a> Label<'a> {
    /// The task that would run, if the choice is among tasks.
    pub fn task(&self) -> Option<TaskId> {
        match self.0 {
            LabelKind::Task { task, .. } => Some(task),
            LabelKind::Option(..) => None,
        }
    }

    /// The name of that task.
    pub fn task_name(&self) -> Option<TaskName<'a>> {
        match self.0 {
            LabelKind::Task { task, names } => Some(names.get(task)),
            LabelKind::Option(..) => None,
        }
    }

    /// A number that identifies this label in all runs, so that a scheduler can remember what it learnt
    /// about it. For a task it depends on its name only; for an option of another question, on the
    /// question, its subject and the option. (Two labels may share a number, which is as unlikely as two
    /// equal draws of 64 bits.)
    pub fn signature(&self) -> u64 {
        match self.0 {
            LabelKind::Task { task, names } => names.signature(task),
            LabelKind::Option(choice, option) => {
                let label = choice.subject_label().unwrap_or_default();
                let label = label.bytes().fold(label.len() as u64, |sum, b| mix(sum, b.into()));
                let subject = match choice.about {
                    About::Asked(asked, trace) => match asked.subject {
                        Subject::Task(task) => trace.names().signature(task),
                        Subject::Host(host) => host.into(),
                        Subject::Link { from, to } => u64::from(from) << 16 | u64::from(to),
                        Subject::Label(_) | Subject::Clock => 0,
                    },
                    About::Tasks { .. } | About::Label(_) => 0,
                };
                let words = [choice.question as u64, subject, label, option.into()];
                words.into_iter().fold(!0, mix)
            }
        }
    }
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            LabelKind::Task { task, names } => names.get(task).fmt(f),
            LabelKind::Option(choice, option) => {
                let text = choice.question.words(option).text;
                f.write_str(&fill(text, |placeholder| match placeholder {
                    "label" => choice.subject_label().unwrap_or_default().to_owned(),
                    _ => option.to_string(),
                }))
            }
        }
    }
}
