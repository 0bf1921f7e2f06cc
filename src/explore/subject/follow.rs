//! A run that is given by the order of its steps.

use std::cell::RefCell;
use std::rc::Rc;

use crate::question::Question;
use crate::schedule::{Answer, Lasting};
use crate::scheduler::{Choice, Plan, Progress, Replay, Scheduler};
use crate::trace::TaskId;

/// What a run was like to its scheduler.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The task of each step.
    pub(crate) steps: Vec<TaskId>,
    /// The answers to choices that are not among tasks.
    pub(crate) others: Vec<usize>,
    pub(crate) choices: Vec<Asked>,
    plan: Plan,
}

/// What a choice asked, and how many options it had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) options: u32,
}

/// A replay that gives an account.
pub(crate) struct Recorder {
    replay: Replay,
    account: Rc<RefCell<Account>>,
}

impl Recorder {
    pub(crate) fn new(replay: Replay, account: Rc<RefCell<Account>>) -> Self {
        Self { replay, account }
    }
}

impl Scheduler for Recorder {
    fn name(&self) -> &str {
        self.replay.name()
    }

    fn next_run(&mut self) -> Option<Plan> {
        let plan = self.replay.next_run()?.observing_steps();
        self.account.borrow_mut().plan = plan.clone();
        Some(plan)
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        let answer = self.replay.choose(choice);
        let mut account = self.account.borrow_mut();
        let question = choice.question();
        let options = u32::try_from(choice.options()).unwrap_or(u32::MAX);
        account.choices.push(Asked { question, options });
        if question != Question::Next {
            account.others.push(answer.option() as usize);
        }
        answer
    }

    fn observe(&mut self, progress: &Progress<'_>) {
        if let Progress::Step(step) = progress {
            self.account.borrow_mut().steps.push(step.task());
        }
    }
}

/// Makes the same tasks take the same steps as in another run, with whatever answers that takes. Some of
/// these last.
pub(crate) struct Follow {
    account: Rc<Account>,
    /// How long each answer lasts; once, if there are more.
    lasting: Vec<Lasting>,
    steps: usize,
    others: usize,
    choices: usize,
}

impl Follow {
    pub(crate) fn new(account: Rc<Account>, lasting: Vec<Lasting>) -> Self {
        Self { account, lasting, steps: 0, others: 0, choices: 0 }
    }
}

impl Scheduler for Follow {
    fn name(&self) -> &str {
        "the same steps"
    }

    /// It is made for one run.
    fn next_run(&mut self) -> Option<Plan> {
        Some(self.account.plan.clone())
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        let lasting = self.lasting.get(self.choices).copied().unwrap_or_default();
        self.choices += 1;
        Answer::new(u32::try_from(self.place(choice)).unwrap_or(u32::MAX), lasting)
    }

    fn observe(&mut self, progress: &Progress<'_>) {
        if let Progress::Step(_) = progress {
            self.steps += 1;
        }
    }
}

impl Follow {
    fn place(&mut self, choice: &Choice<'_>) -> usize {
        let largest = choice.options() - 1;
        if choice.question() != Question::Next {
            self.others += 1;
            return self.account.others.get(self.others - 1).map_or(0, |&other| other.min(largest));
        }
        let next = self.account.steps.get(self.steps);
        next.and_then(|&task| choice.place_of(task)).unwrap_or(0)
    }
}
