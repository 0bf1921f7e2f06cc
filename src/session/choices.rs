//! What a scheduler is asked, and what becomes of its answers.

use super::Session;
use crate::failure::{Failure, Kind, Limit};
use crate::question::Question;
use crate::schedule::Answer;
use crate::scheduler::{Choice, ReadyQueue, TaskKey};
use crate::trace::{Asked, Detail, Next, Position, Record, Subject};

impl Session {
    fn answered(&mut self, asked: Asked, answer: u32, options: usize) -> u32 {
        let answer = self.checked(answer, options);
        self.answers.push(Answer::from(answer));
        self.faults.note(asked.question);
        let options = u32::try_from(options).unwrap_or(u32::MAX);
        self.record(Record::choice(asked, answer, options));
        answer
    }

    /// The answer, or the last option if the answer is too large.
    #[inline]
    fn checked(&mut self, answer: u32, options: usize) -> u32 {
        if (answer as usize) < options { answer } else { self.correct(answer, options) }
    }

    #[cold]
    fn correct(&mut self, answer: u32, options: usize) -> u32 {
        let name = self.scheduler.as_ref().map_or("?", |scheduler| scheduler.name());
        let mistake = format!(
            "dacapo: the scheduler `{name}` answered {answer} to a choice with {options} options; \
             its answers must be below Choice::options"
        );
        self.mistake.get_or_insert(mistake);
        u32::try_from(options - 1).unwrap_or(u32::MAX)
    }

    /// Asks a question that is not among tasks. Returns 0 without asking if there is only one
    /// option, or if it is about a fault that is off.
    pub(crate) fn ask(&mut self, asked: Asked, options: usize) -> usize {
        let question = asked.question;
        let is_fault = question.is_fault();
        if options < 2 || is_fault && !self.has_fault(question) {
            return 0;
        }
        if !self.may_ask() {
            return self.refuse(asked, options);
        }
        let choice = Choice::about(asked, options, &self.trace);
        let scheduler = self.scheduler.as_mut().expect("dacapo bug: a run without a scheduler");
        let answer = scheduler.choose(&choice).option();
        let answer = self.answered(asked, answer, options) as usize;
        if is_fault && answer > 0 {
            self.faults.happened(question);
        }
        answer
    }

    /// Whether the current step may ask one more question.
    fn may_ask(&mut self) -> bool {
        let answers = self.answers.len();
        if self.asked.0 != self.steps {
            self.asked = (self.steps, answers);
        }
        answers - self.asked.1 < self.limits.max_choices
    }

    /// Fails the run because a step asks without end. The options come up in turn, so that a loop
    /// in a destructor ends too.
    #[cold]
    fn refuse(&mut self, asked: Asked, options: usize) -> usize {
        let task = self.name(self.current_id());
        let position = Position { task: self.current_id(), ..Position::default() };
        let about = self.trace.fill(asked.question.row().about, position, asked, 0);
        let limit = Limit::Choices { about };
        self.fail(Failure::new(Kind::Limit {
            limit,
            value: self.limits.max_choices,
            task,
            others: Vec::new(),
        }));
        self.refused += 1;
        self.refused % options
    }

    /// Asks a question about the current task.
    pub(crate) fn ask_current(&mut self, question: Question, options: usize) -> usize {
        self.ask(Asked::of_task(question, self.current_id()), options)
    }

    /// A number that the code under test asks for, under a label.
    pub(crate) fn choose(&mut self, label: &str, options: usize) -> usize {
        if options < 2 {
            return 0;
        }
        let label = Subject::Label(self.trace.intern(label));
        self.ask(Asked::new(Question::Value, label, Detail::None), options)
    }

    /// Takes the next task out of the ready queue, and records its poll.
    #[inline(always)]
    pub(crate) fn next_task(&mut self, ready: &mut ReadyQueue) -> Option<TaskKey> {
        let (key, next) = self.take_next(ready)?;
        self.record(next.map_or_else(|| Record::poll(key.id()), Record::turn));
        Some(key)
    }

    /// Takes the next task out of the ready queue in a run with faults. They may come between the choice and the
    /// poll, so that these are two records.
    pub(crate) fn next_task_with_faults(&mut self, ready: &mut ReadyQueue) -> Option<TaskKey> {
        let (key, next) = self.take_next(ready)?;
        if let Some(next) = next {
            self.faults.note(Question::Next);
            self.record(Record::next(next));
        }
        Some(key)
    }

    /// Takes the next task out of the ready queue. If there was a choice, its answer was recorded.
    #[inline(always)]
    fn take_next(&mut self, ready: &mut ReadyQueue) -> Option<(TaskKey, Option<Next>)> {
        if ready.len() < 2 {
            let (_, key) = ready.take(Answer::USUAL)?;
            return Some((key, None));
        }
        let choice = Choice::among(ready, self.trace.names());
        let options = choice.options();
        let scheduler = self.scheduler.as_mut().expect("dacapo bug: a run without a scheduler");
        let mut answer = scheduler.choose(&choice);
        if answer.option() as usize >= options {
            answer = Answer::new(self.correct(answer.option(), options), answer.lasting());
        }
        self.answers.push(answer);
        let (first, key) = ready.take(answer)?;
        let next = Next {
            first,
            chosen: key.id(),
            lasting: answer.lasting(),
            answer: answer.option(),
            options: options as u32,
        };
        Some((key, Some(next)))
    }
}
