//! The arguments of a test, each drawn by a strategy of its own.

use std::cell::RefCell;
use std::rc::Rc;

use ::proptest::strategy::{Strategy, ValueTree};
use ::proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::explore::{self, Shown};

/// One argument, and what was drawn for it.
pub struct Argument<S: Strategy> {
    name: &'static str,
    strategy: S,
    tree: RefCell<Option<S::Tree>>,
}

impl<S: Strategy> Argument<S> {
    /// The pattern is its name.
    pub fn new(name: &'static str, strategy: S) -> Self {
        Self { name, strategy, tree: RefCell::new(None) }
    }

    fn current(&self) -> S::Value {
        self.tree.borrow().as_ref().expect("dacapo bug: no value was drawn").current()
    }
}

/// What [`Argument`] does whatever its type is.
pub trait AnyArgument {
    #[doc(hidden)]
    fn draw(&self, runner: &mut TestRunner) -> Result<(), String>;
    #[doc(hidden)]
    fn simplify(&self) -> bool;
    #[doc(hidden)]
    fn complicate(&self) -> bool;
    #[doc(hidden)]
    fn shown(&self) -> (&'static str, String);
}

impl<S: Strategy> AnyArgument for Argument<S> {
    fn draw(&self, runner: &mut TestRunner) -> Result<(), String> {
        let tree =
            self.strategy.new_tree(runner).map_err(|reason| format!("{}: {reason}", self.name))?;
        self.tree.replace(Some(tree));
        Ok(())
    }

    fn simplify(&self) -> bool {
        self.tree.borrow_mut().as_mut().is_some_and(ValueTree::simplify)
    }

    fn complicate(&self) -> bool {
        self.tree.borrow_mut().as_mut().is_some_and(ValueTree::complicate)
    }

    fn shown(&self) -> (&'static str, String) {
        (self.name, format!("{:?}", self.current()))
    }
}

/// The arguments of a test, as pairs: all before the last one, and that one.
pub trait List: 'static {
    /// Of patterns of the same shape.
    type Values;
    #[doc(hidden)]
    fn values(&self) -> Self::Values;
    #[doc(hidden)]
    fn push_to<'a>(&'a self, all: &mut Vec<&'a dyn AnyArgument>);
}

impl List for () {
    type Values = ();

    fn values(&self) {}

    fn push_to<'a>(&'a self, _: &mut Vec<&'a dyn AnyArgument>) {}
}

impl<L: List, S: Strategy + 'static> List for (L, Argument<S>) {
    type Values = (L::Values, S::Value);

    fn values(&self) -> Self::Values {
        (self.0.values(), self.1.current())
    }

    fn push_to<'a>(&'a self, all: &mut Vec<&'a dyn AnyArgument>) {
        self.0.push_to(all);
        all.push(&self.1);
    }
}

/// The same for a search.
pub(super) struct Drawn<L> {
    pub(super) list: Rc<L>,
    pub(super) config: Config,
}

impl<L: List> Drawn<L> {
    fn with<R>(&self, argument: usize, f: impl FnOnce(&dyn AnyArgument) -> R) -> R {
        let mut all = Vec::new();
        self.list.push_to(&mut all);
        f(all[argument])
    }
}

impl<L: List> explore::Arguments for Drawn<L> {
    fn len(&self) -> usize {
        let mut all = Vec::new();
        self.list.push_to(&mut all);
        all.len()
    }

    fn draw(&self, argument: usize, seed: u64) -> Result<(), String> {
        // A stream of its own for each, so that one can be drawn anew without the others.
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(argument as u64).to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &key);
        let mut runner = TestRunner::new_with_rng(self.config.clone(), rng);
        self.with(argument, |argument| argument.draw(&mut runner))
    }

    fn simplify(&self, argument: usize) -> bool {
        self.with(argument, |argument| argument.simplify())
    }

    fn complicate(&self, argument: usize) -> bool {
        self.with(argument, |argument| argument.complicate())
    }

    fn shown(&self) -> Shown {
        let mut all = Vec::new();
        self.list.push_to(&mut all);
        Shown(all.into_iter().map(|argument| argument.shown()).collect())
    }
}
