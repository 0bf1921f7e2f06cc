//! The scheduler of runs that are made to explain another one: it is made for one run, and goes first
//! along a list of answers and then its own way.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::numbering::Numbering;
use crate::question::Question;
use crate::rng::{Purpose, Stream};
use crate::schedule::{Answer, Schedule};
use crate::scheduler::{Choice, Plan, Progress, Replay, Scheduler};
use crate::trace::{TaskId, TaskNames};

/// How many options of a choice cost as much as a step.
const OPTIONS: usize = 128;

/// What a run did, as far as it can be held against another one. Tasks are known by the signatures of
/// their names, which are the same in every run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Whose turn it was, step by step.
    pub(crate) steps: Vec<u64>,
    pub(crate) choices: Vec<Answered>,
}

/// A choice of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    pub(crate) question: Question,
    pub(crate) answer: Answer,
    pub(crate) options: u32,
    /// How many steps were over.
    pub(crate) step: usize,
    /// Whose turn it was made, or in whose turn it came up.
    task: u64,
}

/// An order in which tasks get their turns, as far as they are ready.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    /// Of the tasks that have a plan.
    numbers: Numbering,
    plans: Vec<TaskPlan>,
}

/// What a task does in an order.
#[derive(Clone, Debug, Default)]
struct TaskPlan {
    /// The places of its next steps.
    turns: VecDeque<usize>,
    /// The answers to the other choices that come up in its turns.
    others: VecDeque<usize>,
}

impl Order {
    /// This order of turns, with the other choices answered as in a run.
    pub(crate) fn new(steps: impl IntoIterator<Item = u64>, like: &Record) -> Self {
        let mut order = Self::default();
        for (place, task) in steps.into_iter().enumerate() {
            order.of(task).turns.push_back(place);
        }
        for choice in like.choices.iter().filter(|choice| choice.question != Question::Next) {
            order.of(choice.task).others.push_back(choice.answer.option() as usize);
        }
        order
    }

    /// The plan of a task; an empty one, if it has none.
    fn of(&mut self, task: u64) -> &mut TaskPlan {
        let number = self.numbers.number(task);
        if number == self.plans.len() {
            self.plans.push(TaskPlan::default());
        }
        &mut self.plans[number]
    }
}

/// How a run goes on where it does not follow a schedule any more.
#[derive(Clone, Debug)]
enum Then {
    Random(Box<Stream>),
    Order(Order),
}

/// A task of the run.
#[derive(Clone, Debug, Default)]
struct Known {
    signature: u64,
    /// The places of its next steps in the order that is wanted.
    turns: VecDeque<usize>,
    /// Its place in the ready queue, if it is ready.
    standing: Option<ReadyPlace>,
}

/// Under what a task that is ready is found.
#[derive(Clone, Copy, Debug)]
struct ReadyPlace {
    came: u64,
    next: u64,
}

/// Tasks that get no turn come after all places of turns in this order.
const NO_TURN: u64 = 1 << 63;

/// One run along a schedule, and then on its own way.
#[derive(Clone, Debug)]
pub(crate) struct Steer {
    replay: Replay,
    plan: Plan,
    /// Takes over after this many answers of the schedule; never, if it is absent.
    then: Option<(usize, Then)>,
    record: Option<Rc<RefCell<Record>>>,
    /// By the ids of tasks.
    known: Vec<Known>,
    /// The ids of ready tasks, by when they became ready.
    line: BTreeMap<u64, usize>,
    /// The same by the places of their next turns. Tasks that get no turn come last, by when they became
    /// ready.
    next: BTreeMap<u64, usize>,
    /// How often a task became ready.
    came: u64,
    /// What the options of all choices have cost, in steps.
    work: Rc<Cell<usize>>,
    /// Options that are not in the work yet.
    options: usize,
    /// The task whose turn is not over.
    current: Option<TaskId>,
    asked: usize,
}

impl Steer {
    fn new(schedule: &Schedule, then: Option<(usize, Then)>) -> Self {
        Self {
            replay: Replay::new(schedule.clone()),
            plan: Plan::of_schedule(schedule),
            then,
            record: None,
            known: Vec::new(),
            line: BTreeMap::new(),
            next: BTreeMap::new(),
            came: 0,
            work: Rc::default(),
            options: 0,
            current: None,
            asked: 0,
        }
    }

    /// A replay.
    pub(crate) fn along(schedule: &Schedule) -> Self {
        Self::new(schedule, None)
    }

    /// A random walk after this many answers of a schedule.
    pub(crate) fn randomly(schedule: &Schedule, after: usize, walk: u64) -> Self {
        let stream = Box::new(Stream::new(walk, Purpose::Schedule));
        Self::new(schedule, Some((after, Then::Random(stream))))
    }

    /// A run in this order, with the random values of a schedule.
    pub(crate) fn in_order(order: Order, schedule: &Schedule) -> Self {
        Self::new(schedule, Some((0, Then::Order(order))))
    }

    /// The same, and what it did is written down.
    pub(crate) fn recorded(mut self) -> (Self, Rc<RefCell<Record>>) {
        let record = Rc::clone(self.record.get_or_insert_default());
        (self, record)
    }

    /// What the options of all choices have cost, in steps: where many tasks are ready, that is most.
    pub(crate) fn work(&self) -> Rc<Cell<usize>> {
        Rc::clone(&self.work)
    }

    fn signature(&self, task: TaskId) -> u64 {
        self.known.get(task.as_u32() as usize).map_or(0, |known| known.signature)
    }

    /// In whose turn a choice comes up that is not one of tasks.
    fn current(&self) -> u64 {
        // A task that is alone in the ready queue gets its turn without a choice.
        let task = self.current.or_else(|| self.line.values().next().map(|&id| TaskId(id as u32)));
        task.map_or(0, |task| self.signature(task))
    }

    fn steered(&mut self, choice: &Choice<'_>) -> Answer {
        let current = self.current();
        let options = u32::try_from(choice.options()).unwrap_or(u32::MAX);
        let option = match &mut self.then {
            Some((after, then)) if self.asked >= *after => match (then, choice.question()) {
                (Then::Random(stream), _) => return choice.draw(|bound| stream.below(bound)),
                (Then::Order(_), Question::Next) => {
                    let mut next = self.next.values().map(|&id| TaskId(id as u32));
                    next.find_map(|task| choice.place_of(task)).unwrap_or(0) as u32
                }
                (Then::Order(order), _) => {
                    let answer = order.of(current).others.pop_front();
                    answer.map_or(0, |answer| answer as u32).min(options - 1)
                }
            },
            _ => return self.replay.choose(choice),
        };
        Answer::from(option)
    }
}

impl Scheduler for Steer {
    fn name(&self) -> &str {
        "steered"
    }

    fn next_run(&mut self) -> Option<Plan> {
        let follows_order = matches!(self.then, Some((_, Then::Order(_))));
        Some(match self.record.is_some() || follows_order {
            true => self.plan.clone().observing_steps(),
            false => self.plan.clone(),
        })
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        let answer = self.steered(choice);
        let chosen = choice.label(answer.option() as usize);
        self.asked += 1;
        self.options += choice.options();
        self.work.set(self.work.get() + self.options / OPTIONS);
        self.options %= OPTIONS;
        let mut task = self.current();
        if choice.question() == Question::Next {
            self.current = chosen.task();
            task = chosen.signature();
        }
        if let Some(record) = &self.record {
            let mut record = record.borrow_mut();
            let step = record.steps.len();
            let (question, options) = (choice.question(), choice.options() as u32);
            record.choices.push(Answered { question, answer, options, step, task });
        }
        answer
    }

    fn observe(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Ready { task, names } => self.ready(*task, names),
            Progress::Step(step) => {
                self.step(step.task());
                if step.is_ready() {
                    self.ready(step.task(), step.names());
                }
            }
        }
    }
}

impl Steer {
    fn ready(&mut self, task: TaskId, names: &TaskNames) {
        let place = task.as_u32() as usize;
        for id in self.known.len()..=place {
            let signature = names.signature(TaskId(id as u32));
            let turns = match &mut self.then {
                Some((_, Then::Order(order))) => std::mem::take(&mut order.of(signature).turns),
                _ => VecDeque::new(),
            };
            self.known.push(Known { signature, turns, standing: None });
        }
        let known = &mut self.known[place];
        self.came += 1;
        let came = self.came;
        // No two turns have one place.
        let next = known.turns.front().map_or(NO_TURN + came, |&place| place as u64);
        known.standing = Some(ReadyPlace { came, next });
        self.line.insert(came, task.as_u32() as usize);
        self.next.insert(next, task.as_u32() as usize);
    }

    fn step(&mut self, task: TaskId) {
        let signature = self.signature(task);
        self.current = None;
        if let Some(known) = self.known.get_mut(task.as_u32() as usize) {
            known.turns.pop_front();
            if let Some(ReadyPlace { came, next }) = known.standing.take() {
                self.line.remove(&came);
                self.next.remove(&next);
            }
        }
        if let Some(record) = &self.record {
            record.borrow_mut().steps.push(signature);
        }
    }
}
