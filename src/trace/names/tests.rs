use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// `worker/49` is not `worker1`, though the letter 1 is byte 49.
#[test]
fn a_child_is_not_taken_for_a_longer_name() {
    let mut names = TaskNames::default();
    let main = names.push(TaskId::MAIN, 0, None);
    let worker = names.push(main, 1, Some("worker"));
    let child = names.push(worker, u32::from(b'1'), None);
    let other = names.push(main, 2, Some("worker1"));
    assert_ne!(names.signature(child), names.signature(other));
}

/// What is kept is what is needed, though each task is the child of the one before.
#[test]
fn a_chain_of_tasks_keeps_little() {
    let mut names = TaskNames::default();
    let main = names.push(TaskId::MAIN, 0, None);
    let mut last = main;
    for nth in 1..=100_000 {
        let child = names.push(last, 1, (nth % 1000 == 0).then_some("again"));
        names.end(last);
        last = child;
        if nth % 100 == 0 {
            names.forget();
        }
    }
    for _ in 0..3 {
        let short = names.push(main, 1, None);
        names.end(short);
        names.forget();
    }
    assert_eq!(names.len(), 100_004);
    assert_eq!(names.get(last).to_string(), "again#100");
    assert_eq!(names.get(TaskId(50_000)).to_string(), "task 50000");
    assert!(names.ids().count() <= 6 * PAGE, "{}", names.ids().count());
    assert!(names.names.len() <= 10 * PAGE, "{}", names.names.len());
}

/// The tasks whose names others begin with may be over, and in another page.
#[test]
fn a_name_keeps_what_it_begins_with() {
    let mut names = TaskNames::default();
    let fill = |names: &mut TaskNames| {
        for _ in 0..PAGE {
            let task = names.push(TaskId::MAIN, 1, None);
            names.end(task);
        }
    };
    let main = names.push(TaskId::MAIN, 0, None);
    fill(&mut names);
    let mut chain = vec![names.push(main, 1, Some("worker"))];
    for ordinal in 1..12 {
        fill(&mut names);
        chain.push(names.push(chain[chain.len() - 1], ordinal, None));
    }
    let texts = [
        "worker",
        "worker/1",
        "worker/1/2",
        "worker/1/2/3",
        "worker/1/2/3/4",
        "worker/1/2/3/4/5",
        "worker/1/2/3/4/5/6",
        "worker/1/2/3/4/5/6/7",
        "worker/1/2/3/4/5/6/7/8",
        "worker/1/2/3/4/…1 more…/6/7/8/9",
        "worker/1/2/3/4/…2 more…/7/8/9/10",
        "worker/1/2/3/4/…3 more…/8/9/10/11",
    ];
    for (task, text) in chain.into_iter().zip(texts) {
        fill(&mut names);
        names.forget();
        names.forget();
        assert_eq!(names.get(task).to_string(), text);
        names.end(task);
    }
}

/// What follows on the end of a task may come when events have been dropped once more.
#[test]
fn a_task_that_went_last_is_known_for_longer() {
    let mut names = TaskNames::default();
    let mut tasks: Vec<_> = (0..500).map(|_| names.push(TaskId::MAIN, 1, None)).collect();
    let last = tasks.split_off(500 - LATE as usize);
    let is_known = |names: &TaskNames, task| names.get(task).to_string() == "main/1";
    tasks.iter().chain(&last).for_each(|task| names.end(*task));
    names.forget();
    assert!(is_known(&names, tasks[100]));
    names.forget();
    assert!(!is_known(&names, tasks[100]) && last.iter().all(|task| is_known(&names, *task)));
}

/// The same, which forgets nothing.
#[derive(Default)]
struct Model {
    tasks: Vec<Kept>,
    uses: BTreeMap<&'static str, u32>,
    /// How often events were dropped.
    drops: usize,
    over: Vec<usize>,
    /// The last that were over when events were dropped last, and the time before.
    last: Vec<usize>,
    late: Vec<usize>,
}

struct Kept {
    signature: u64,
    parent: usize,
    /// Main or the last ancestor with a name, and the way from there.
    base: String,
    path: Vec<u32>,
    children: u32,
    /// How often events had been dropped when it ended.
    over: Option<usize>,
    pinned: bool,
}

impl Model {
    fn push(&mut self, parent: usize, given: Option<&'static str>) -> (usize, u32) {
        let mut kept = Kept {
            signature: 0,
            parent,
            base: "main".to_owned(),
            path: Vec::new(),
            children: 0,
            over: None,
            pinned: self.tasks.is_empty(),
        };
        let mut ordinal = 0;
        if let Some(above) = self.tasks.get_mut(parent) {
            above.children += 1;
            ordinal = above.children;
            kept.signature = mix(above.signature, ordinal.into());
            kept.base.clone_from(&above.base);
            kept.path.clone_from(&above.path);
            kept.path.push(ordinal);
        }
        if let Some(given) = given {
            let nth = self.uses.entry(given).or_insert(u32::from(given == "main"));
            *nth += 1;
            let bytes = given.bytes().map(u64::from);
            kept.signature = mix(bytes.fold(u64::from(*nth), mix), 1 << 40);
            kept.base = if *nth > 1 { format!("{given}#{nth}") } else { given.to_owned() };
            kept.path.clear();
        }
        self.tasks.push(kept);
        (self.tasks.len() - 1, ordinal)
    }

    fn text(&self, task: usize) -> String {
        let Kept { base, path, .. } = &self.tasks[task];
        let levels: Vec<String> = path.iter().map(|ordinal| format!("/{ordinal}")).collect();
        match levels.len() {
            0..=8 => format!("{base}{}", levels.concat()),
            len => {
                let (first, last) = (levels[..4].concat(), levels[len - 4..].concat());
                format!("{base}{first}/…{} more…{last}", len - 8)
            }
        }
    }

    /// Whether events of it may be kept, at the least.
    fn is_needed(&self, task: usize) -> bool {
        let Kept { over, pinned, .. } = self.tasks[task];
        pinned || over.is_none_or(|over| over + 2 > self.drops)
    }

    /// The pages that may be kept.
    fn pages(&self) -> BTreeSet<usize> {
        let mut pages = BTreeSet::from([0, (self.tasks.len() - 1) / PAGE]);
        let needed = (0..self.tasks.len()).filter(|task| self.is_needed(*task));
        for task in needed.chain(self.late.iter().copied()) {
            pages.insert(task / PAGE);
            let mut at = task;
            while !self.tasks[at].path.is_empty() {
                at = self.tasks[at].parent;
                if [0, SHOWN].contains(&self.tasks[at].path.len()) {
                    pages.insert(at / PAGE);
                }
            }
        }
        pages
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// This many children of a task that goes on, or each the child of the one before.
    Push(Index, usize, bool),
    Named(Index, &'static str),
    End(Index, usize),
    Forget,
    Keep(Index),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    let name = prop_oneof![Just("main"), Just("worker"), Just("w1"), Just("client")];
    prop_oneof![
        10 => (index(), 1..100usize, any::<bool>()).prop_map(|(i, n, c)| Op::Push(i, n, c)),
        4 => (index(), name).prop_map(|(i, name)| Op::Named(i, name)),
        15 => (index(), 1..150usize).prop_map(|(i, n)| Op::End(i, n)),
        8 => Just(Op::Forget),
        1 => index().prop_map(Op::Keep),
        1 => Just(Op::Clear),
    ]
}

proptest! {
    /// As long as a name may be needed it is the same as if nothing were forgotten; after that it is so
    /// or a number.
    #[test]
    fn needed_names_are_kept(ops in prop::collection::vec(op(), 1..60)) {
        let (mut names, mut model) = (TaskNames::default(), Model::default());
        // The tasks that go on.
        let mut alive: Vec<usize> = Vec::new();
        for op in ops {
            if alive.is_empty() {
                model.push(0, None);
                names.push(TaskId::MAIN, 0, None);
                alive.push(0);
            }
            let mut push = |parent: usize, given| {
                let (task, ordinal) = model.push(parent, given);
                let id = names.push(TaskId(parent as u32), ordinal, given);
                assert_eq!(id, TaskId(task as u32));
                task
            };
            let forgets = matches!(op, Op::Forget);
            match op {
                Op::Push(parent, count, chain) => {
                    let mut parent = alive[parent.index(alive.len())];
                    for _ in 0..count {
                        let child = push(parent, None);
                        alive.push(child);
                        parent = if chain { child } else { parent };
                    }
                }
                Op::Named(parent, name) => {
                    alive.push(push(alive[parent.index(alive.len())], Some(name)));
                }
                Op::End(first, count) => {
                    // Main goes on to the end.
                    let first = 1 + first.index(alive.len());
                    let count = count.min(alive.len().saturating_sub(first));
                    for task in alive.drain(first..first + count) {
                        names.end(TaskId(task as u32));
                        model.tasks[task].over = Some(model.drops);
                        model.over.push(task);
                    }
                }
                Op::Forget => {
                    names.forget();
                    model.drops += 1;
                    let last = model.over[model.over.len().saturating_sub(LATE as usize)..].to_vec();
                    model.late = std::mem::replace(&mut model.last, last);
                }
                Op::Keep(task) => {
                    let task = task.index(model.tasks.len());
                    if model.is_needed(task) {
                        names.keep(TaskId(task as u32));
                        model.tasks[task].pinned = true;
                    }
                }
                Op::Clear => {
                    names.clear();
                    model = Model::default();
                    alive.clear();
                }
            }
            // Each time would take long.
            if !forgets {
                continue;
            }
            for task in 0..model.tasks.len() {
                let id = TaskId(task as u32);
                let (text, model_text) = (names.get(id).to_string(), model.text(task));
                if model.is_needed(task) {
                    prop_assert_eq!(&text, &model_text);
                    prop_assert_eq!(names.signature(id), model.tasks[task].signature);
                    prop_assert_eq!(names.parent(id).0 as usize, model.tasks[task].parent);
                } else if text != model_text {
                    prop_assert_eq!(text, format!("task {task}"));
                }
            }
            let held = (0..).zip(&names.pages).filter(|(_, page)| **page != GONE);
            let held: BTreeSet<usize> = held.map(|(at, _)| at).collect();
            prop_assert!(held.is_subset(&model.pages()));
            // There may be more, of a run before.
            prop_assert!(names.names.len() >= PAGE * names.needs.len());
            prop_assert_eq!(names.needs.len(), held.len() + names.free.len());
            prop_assert_eq!(names.get(TaskId(u32::MAX)).to_string(), "task 4294967295");
            prop_assert_eq!(names.len(), model.tasks.len());
        }
    }
}
