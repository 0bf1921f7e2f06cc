//! Values that belong to a run.

use std::any::Any;
use std::rc::Rc;

/// The values of a run, in the order in which they were made.
#[derive(Default)]
pub(crate) struct Locals(Vec<(usize, Rc<dyn Any>)>);

impl Locals {
    /// The value under a key, if it was made.
    pub(crate) fn get(&self, key: usize) -> Option<Rc<dyn Any>> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, value)| Rc::clone(value))
    }

    /// Adds a value, unless there is one under this key.
    pub(crate) fn insert(&mut self, key: usize, value: Rc<dyn Any>) {
        if self.get(key).is_none() {
            self.0.push((key, value));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the value that was made last.
    pub(crate) fn pop(&mut self) -> Option<Rc<dyn Any>> {
        self.0.pop().map(|(_, value)| value)
    }
}
