//! Makes the runs that a report speaks of.

use std::cell::RefCell;
use std::rc::Rc;

use dacapo::scheduler::{Choice, Plan, Progress, Replay, Scheduler};
use dacapo::{Builder, CheckError, Schedule, Termination};

/// Asserts everything that a report claims of other runs; returns how many claims that were.
#[track_caller]
pub fn verify<T: Termination>(error: &CheckError, body: impl AsyncFn() -> T) -> usize {
    let builder = Builder::new().fresh_process(false).max_shrink_runs(0).max_explain_runs(0);
    let again =
        builder.try_check(Replay::strict(error.schedule().clone()), &body).expect_err("it fails");
    assert!(again.failure().is_same(error.failure()), "{error}\nnow: {again}");
    let Some(explanation) = error.explanation() else { return 1 };
    let Some(passing) = explanation.passing() else { return 1 };
    let passes = builder.try_check(Replay::new(passing.clone()), &body);
    assert!(passes.is_ok(), "`{passing}` does not pass\n{error}");
    let sentence = explanation.sentence();
    if sentence.ends_with(": the other way round it passes") && explanation.tasks().is_some() {
        let [fails, passes] = [error.schedule(), passing].map(|schedule| steps(schedule, &body));
        assert!(is_one_swap(&fails, &passes), "{fails:?}\n{passes:?}\n{error}");
        return 3;
    }
    if sentence.ends_with("otherwise it passes") || sentence.ends_with("turn: it passes") {
        assert!(is_one_answer(error.schedule(), passing), "{passing}: {error}");
        return 3;
    }
    assert!(sentence.contains(&format!("`{passing}`")) || !sentence.contains('`'), "{error}");
    2
}

/// Whether the first difference is that one turn came before another one, past which nothing of its own task came.
fn is_one_swap(fails: &[String], passes: &[String]) -> bool {
    let Some(at) = fails.iter().zip(passes).position(|(a, b)| a != b) else { return false };
    // What came in its place: one turn that was taken forward, or those past which it was put off.
    let others = fails[at..].iter().filter(|task| **task != fails[at]);
    let before = others.zip(&passes[at..]).take_while(|(a, b)| a == b).count();
    [1, before].iter().any(|n| passes.get(at + n) == Some(&fails[at]))
}

/// Whether two schedules differ in one answer; what follows it may be missing.
fn is_one_answer(a: &Schedule, b: &Schedule) -> bool {
    let usual = dacapo::schedule::Answer::USUAL;
    let longest = a.answers().len().max(b.answers().len());
    let answer =
        |schedule: &Schedule, place: usize| schedule.answers().get(place).copied().unwrap_or(usual);
    (0..longest).filter(|&place| answer(a, place) != answer(b, place)).count() == 1
}

/// The names of the tasks that a replay gives turns to, in their order.
fn steps<T: Termination>(schedule: &Schedule, body: impl AsyncFn() -> T) -> Vec<String> {
    let steps = Rc::default();
    let scheduler = Steps { replay: Replay::new(schedule.clone()), steps: Rc::clone(&steps) };
    let builder = Builder::new().fresh_process(false).max_shrink_runs(0).max_explain_runs(0);
    let _ = builder.recheck_every(0).try_check(scheduler, body);
    steps.take()
}

/// A replay that notes the steps of the first run.
struct Steps {
    replay: Replay,
    steps: Rc<RefCell<Vec<String>>>,
}

impl Scheduler for Steps {
    fn name(&self) -> &str {
        "steps"
    }

    fn next_run(&mut self) -> Option<Plan> {
        Some(self.replay.next_run()?.observing_steps())
    }

    fn choose(&mut self, choice: &Choice<'_>) -> dacapo::schedule::Answer {
        self.replay.choose(choice)
    }

    fn observe(&mut self, progress: &Progress<'_>) {
        if let Progress::Step(step) = progress {
            self.steps.borrow_mut().push(step.names().get(step.task()).to_string());
        }
    }
}

#[allow(dead_code, reason = "a check of the checks, which one package runs")]
pub fn check_itself() {
    let order = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
    let check = |fails: &str, passes: &str, is_one: bool| {
        assert_eq!(is_one_swap(&order(fails), &order(passes)), is_one, "{fails} {passes}");
    };
    check("mab", "mba", true);
    check("macb", "mbac", true);
    check("macb", "mcba", true);
    check("mab", "mab", false);
    check("mmmw", "mwwwm", false);
}
