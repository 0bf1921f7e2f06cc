//! Values that belong to a run: made on demand, dropped at its end.

use std::any::Any;
use std::rc::Rc;

use super::Executor;
use crate::trace::TaskId;

impl Executor {
    /// The value under a key, if it was made.
    ///
    /// # Panics
    ///
    /// If there is none, and destructors at the end of the run have made more values than it may take steps.
    #[track_caller]
    pub(crate) fn local(&self, key: usize) -> Option<Rc<dyn Any>> {
        let core = self.core();
        let known = core.session.locals.get(key);
        if known.is_none() && core.drops > core.session.limits.max_steps {
            let limit = core.limit();
            drop(core);
            panic!("dacapo: {limit}");
        }
        known
    }

    /// Keeps a value for the rest of the run. If making it has made another one under this key, that one stays.
    pub(crate) fn keep_local(&self, key: usize, value: Rc<dyn Any>) -> Rc<dyn Any> {
        let mut session = self.session();
        session.locals.insert(key, Rc::clone(&value));
        session.locals.get(key).expect("dacapo bug: a value was not kept")
    }

    /// Drops the value that was made last. Returns `false` if there is none.
    pub(super) fn drop_local(&self) -> bool {
        let Some(value) = self.session().locals.pop() else { return false };
        self.core().drops += 1;
        if let Err(caught) = self.catch(|| drop(value)) {
            let failure = self.panic_of(TaskId::MAIN, &caught);
            self.session().fail(failure);
        }
        true
    }
}
