//! One activation of a function: its variables, and the values of expressions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use dacapo::future::TaskGroup;
use dacapo::time::TimeoutScope;

use crate::generator::Yielded;
use crate::machine::{Coroutine, Ending, Machine, Unit, millis, now};
use crate::operations::Completions;
use crate::program::{Expression, Function, Name, Node, Pair};
use crate::statements::Exit;
use crate::value::{Exception, Value};

pub(crate) struct Frame {
    pub(crate) machine: Rc<Machine>,
    pub(crate) unit: Rc<Unit>,
    variables: RefCell<BTreeMap<Name, Value>>,
    /// The exceptions that are being handled, the innermost last.
    pub(crate) handled: RefCell<Vec<Exception>>,
    /// Of the loops over `as_completed`, the innermost last.
    pub(crate) completions: RefCell<Vec<Rc<Completions>>>,
    /// Where a generator leaves what it yields.
    pub(crate) yielded: Option<Rc<Yielded>>,
}

impl Frame {
    pub(crate) fn new(
        machine: &Rc<Machine>,
        unit: &Rc<Unit>,
        function: &Function,
        arguments: Vec<Value>,
        yielded: Option<Rc<Yielded>>,
    ) -> Rc<Self> {
        let variables = function.params.iter().cloned().zip(arguments).collect();
        Rc::new(Self {
            machine: Rc::clone(machine),
            unit: Rc::clone(unit),
            variables: RefCell::new(variables),
            handled: RefCell::default(),
            completions: RefCell::default(),
            yielded,
        })
    }

    pub(crate) fn get(&self, name: &str) -> Value {
        let variables = if name.starts_with('@') { &self.machine.globals } else { &self.variables };
        variables.borrow().get(name).cloned().unwrap_or(Value::Null)
    }

    pub(crate) fn set(&self, name: &Name, value: Value) {
        let variables = if name.starts_with('@') { &self.machine.globals } else { &self.variables };
        variables.borrow_mut().insert(Name::clone(name), value);
    }

    /// Assigns if there is a name to assign to.
    pub(crate) fn bind(&self, name: Option<&Name>, value: Value) {
        if let Some(name) = name {
            self.set(name, value);
        }
    }

    pub(crate) fn scope(&self, name: &str) -> TimeoutScope {
        match self.get(name) {
            Value::Scope(scope) => scope,
            _ => panic!("the program is invalid: {name} is no timeout scope"),
        }
    }

    pub(crate) fn group(&self, name: &str) -> TaskGroup<Exception> {
        match self.get(name) {
            Value::Group(group) => group,
            _ => panic!("the program is invalid: {name} is no task group"),
        }
    }

    pub(crate) fn evaluate_all(&self, expressions: &[Expression]) -> Result<Vec<Value>, Exception> {
        expressions.iter().map(|expression| self.evaluate(expression)).collect()
    }

    pub(crate) fn evaluate(&self, expression: &Expression) -> Ending {
        match expression {
            Expression::Null => Ok(Value::Null),
            Expression::Integer(n) => Ok(Value::Integer(*n)),
            Expression::Text(text) => Ok(Value::text(Name::clone(text))),
            Expression::List(items) => items.iter().map(|item| self.evaluate(item)).collect(),
            Expression::Node(node) => self.evaluate_node(node),
        }
    }

    fn evaluate_node(&self, node: &Node) -> Ending {
        let eval = |expression| self.evaluate(expression);
        let integer = |expression| Ok::<_, Exception>(self.evaluate(expression)?.integer());
        let is_true = |expression| Ok::<_, Exception>(self.evaluate(expression)?.is_true());
        let job = |expression| Ok::<_, Exception>(self.evaluate(expression)?.task());
        let object = |name: &str| self.machine.object(name);
        let truth = |value| Ok(Value::truth(value));
        match node {
            Node::Var { name } => Ok(self.get(name)),
            Node::Add(Pair { a, b }) => Ok(Value::Integer(integer(a)? + integer(b)?)),
            Node::Sub(Pair { a, b }) => Ok(Value::Integer(integer(a)? - integer(b)?)),
            Node::Mul(Pair { a, b }) => Ok(Value::Integer(integer(a)? * integer(b)?)),
            Node::Eq(Pair { a, b }) => truth(eval(a)? == eval(b)?),
            Node::Ne(Pair { a, b }) => truth(eval(a)? != eval(b)?),
            Node::Lt(Pair { a, b }) => truth(integer(a)? < integer(b)?),
            Node::Le(Pair { a, b }) => truth(integer(a)? <= integer(b)?),
            Node::And(Pair { a, b }) => truth(is_true(a)? && is_true(b)?),
            Node::Or(Pair { a, b }) => truth(is_true(a)? || is_true(b)?),
            Node::Not { a } => truth(!is_true(a)?),
            Node::Len { a } => Ok(Value::length(match eval(a)? {
                Value::Text(text) => text.chars().count(),
                list => list.list().len(),
            })),
            Node::Index { a, i } => Ok(eval(a)?.list()[eval(i)?.count()].clone()),
            Node::Push { a, item } => {
                let list = eval(a)?;
                let item = eval(item)?;
                Ok(list.list().iter().cloned().chain([item]).collect())
            }
            Node::Cat { parts } => Ok(concatenated(eval(parts)?.list())),
            Node::IsExc { a, kinds } => truth(match eval(a)? {
                Value::Exception(exception) => exception.matches_any(kinds),
                _ => false,
            }),
            Node::ExcKind { a } => Ok(Value::text(format!("{:?}", eval(a)?.exception().kind))),
            Node::ExcMsg { a } => {
                Ok(Value::text(eval(a)?.exception().message(self.machine.program.cancel_msg)))
            }
            Node::Now {} => Ok(clock(now())),
            Node::Current {} => Ok(Value::Task(self.machine.current_job())),
            Node::TaskName { task } => Ok(Value::text(Name::clone(&job(task)?.unit.name))),
            Node::TaskDone { task } => truth(job(task)?.task().is_finished()),
            Node::TaskCancelled { task } => truth(job(task)?.task().is_cancelled()),
            Node::TaskResult { task } => job(task)?.look(),
            Node::TaskException { task } => match job(task)?.look() {
                Err(error) if !job(task)?.has_failed() => Err(error),
                ending => Ok(ending.err().map_or(Value::Null, Value::Exception)),
            },
            Node::Cancelling { task } => Ok(Value::length(match task {
                Some(task) => job(task)?.task().cancelling(),
                None => dacapo::cancel::cancelling(),
            })),
            Node::Expired { scope } => truth(self.scope(scope).expired()),
            Node::When { scope } => Ok(match self.scope(scope).when() {
                Some(deadline) => clock(millis(deadline)),
                None => Value::Null,
            }),
            Node::Locked { obj } => truth(object(obj).is_locked()),
            Node::IsSet { obj } => truth(object(obj).event().is_set()),
            Node::Qsize { obj } => Ok(Value::length(object(obj).queue_len())),
            Node::Empty { obj } => truth(object(obj).queue_len() == 0),
            Node::Full { obj } => truth(object(obj).queue_is_full()),
            Node::NWaiting { obj } => Ok(Value::length(object(obj).barrier().n_waiting())),
            Node::Broken { obj } => truth(object(obj).barrier().is_broken()),
        }
    }
}

impl Machine {
    /// A coroutine that runs a function in a unit, from its first poll on.
    pub(crate) fn call(
        self: &Rc<Self>,
        unit: &Rc<Unit>,
        function: &str,
        arguments: Vec<Value>,
    ) -> Coroutine {
        let exit = self.activate(unit, function, arguments);
        Box::pin(async move {
            match exit.await {
                Exit::Return(value) => Ok(value),
                Exit::Raise(exception) => Err(exception),
                _ => panic!("the program is invalid: it leaves a loop where there is none"),
            }
        })
    }

    /// As [`Machine::call`], and returns how the function was left.
    pub(crate) fn activate(
        self: &Rc<Self>,
        unit: &Rc<Unit>,
        function: &str,
        arguments: Vec<Value>,
    ) -> impl Future<Output = Exit> + use<> {
        let function = self.function(function);
        let frame = Frame::new(self, unit, &function, arguments, None);
        async move {
            match frame.block(&function.body).await {
                Ok(()) => Exit::Return(Value::Null),
                Err(exit) => exit,
            }
        }
    }
}

fn clock(ms: u64) -> Value {
    Value::Integer(i64::try_from(ms).expect("no program runs that long"))
}

fn concatenated(parts: &[Value]) -> Value {
    let text = |part: &Value| match part {
        Value::Null => "null".to_owned(),
        Value::Text(text) => text.to_string(),
        other => other.integer().to_string(),
    };
    Value::text(parts.iter().map(text).collect::<String>())
}
