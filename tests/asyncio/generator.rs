//! Generators: functions that are resumed by the loop over them, in the task of that loop.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use futures::future::LocalBoxFuture;

use crate::frame::Frame;
use crate::program::{Block, Expression, Name};
use crate::statements::{Exit, Flow};
use crate::value::{Exception, Kind, Value};

/// What passes between a generator and its loop.
#[derive(Default)]
pub(crate) struct Yielded {
    item: RefCell<Option<Value>>,
    closing: Cell<bool>,
}

struct Generator {
    body: LocalBoxFuture<'static, Flow>,
    yielded: Rc<Yielded>,
}

impl Generator {
    fn new(caller: &Frame, function: &str, arguments: Vec<Value>) -> Self {
        let yielded = Rc::<Yielded>::default();
        let function = caller.machine.function(function);
        let (machine, unit) = (&caller.machine, &caller.unit);
        let frame = Frame::new(machine, unit, &function, arguments, Some(Rc::clone(&yielded)));
        Self { body: Box::pin(async move { frame.block(&function.body).await }), yielded }
    }

    /// Runs it until it yields, or ends.
    async fn next(&mut self) -> Result<Option<Value>, Exception> {
        let Self { body, yielded } = self;
        poll_fn(|cx| match body.as_mut().poll(cx) {
            Poll::Ready(Ok(()) | Err(Exit::Return(_))) => Poll::Ready(Ok(None)),
            Poll::Ready(Err(Exit::Raise(exception))) => Poll::Ready(Err(exception)),
            Poll::Ready(Err(_)) => panic!("the program is invalid: a generator leaves a loop"),
            // It waits for its loop, or for something that wakes the task.
            Poll::Pending => match yielded.item.take() {
                Some(item) => Poll::Ready(Ok(Some(item))),
                None => Poll::Pending,
            },
        })
        .await
    }

    /// Ends it where it has yielded, and runs its clean-up.
    async fn close(mut self) -> Result<(), Exception> {
        self.yielded.closing.set(true);
        match self.next().await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => {
                panic!("the program is invalid: it yields from a generator being closed")
            }
            Err(exception) if exception.kind == Kind::GeneratorExit => Ok(()),
            Err(exception) => Err(exception),
        }
    }
}

impl Frame {
    /// The statement `yield`.
    pub(crate) async fn yield_value(&self, value: Value) -> Flow {
        let yielded = self.yielded.as_ref().expect("only generators yield");
        yielded.item.replace(Some(value));
        let mut resumed = false;
        poll_fn(|_| match std::mem::replace(&mut resumed, true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        })
        .await;
        if yielded.closing.get() {
            return Err(Exception::new(Kind::GeneratorExit).into());
        }
        Ok(())
    }

    pub(crate) async fn async_for(
        self: &Rc<Self>,
        variable: &Name,
        generator: &str,
        arguments: &[Expression],
        body: &Block,
    ) -> Flow {
        let mut generator = Generator::new(self, generator, self.evaluate_all(arguments)?);
        while let Some(item) = generator.next().await? {
            self.set(variable, item);
            match self.block(body).await {
                Ok(()) | Err(Exit::Continue) => {}
                Err(exit) => {
                    generator.close().await?;
                    return if let Exit::Break = exit { Ok(()) } else { Err(exit) };
                }
            }
        }
        Ok(())
    }
}
