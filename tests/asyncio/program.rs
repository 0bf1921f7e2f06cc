//! The language: the syntax of a program, in JSON.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;

use crate::value::Kind;

pub(crate) type Name = Rc<str>;
pub(crate) type Block = Vec<Statement>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    #[serde(default)]
    pub(crate) objects: BTreeMap<Name, Declaration>,
    pub(crate) functions: BTreeMap<Name, Rc<Function>>,
    #[serde(default)]
    pub(crate) shutdown: Shutdown,
    #[serde(default)]
    pub(crate) cancel_msg: bool,
}

/// What happens to tasks that are left when main returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shutdown {
    #[default]
    None,
    Cancel,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Declaration {
    Lock {},
    Event {},
    Semaphore {
        #[serde(default = "one")]
        value: usize,
    },
    BoundedSemaphore {
        #[serde(default = "one")]
        value: usize,
    },
    Condition {
        lock: Option<Name>,
    },
    Barrier {
        parties: usize,
    },
    Queue {
        #[serde(default)]
        maxsize: usize,
    },
    PriorityQueue {
        #[serde(default)]
        maxsize: usize,
    },
    LifoQueue {
        #[serde(default)]
        maxsize: usize,
    },
}

fn one() -> usize {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Function {
    #[serde(default)]
    pub(crate) params: Vec<Name>,
    /// Whether it is a generator; calls say so too.
    #[serde(default, rename = "gen")]
    _generator: bool,
    pub(crate) body: Block,
}

/// A node of a block. `as` means the same in all of them: the variable for what it gives.
#[derive(Debug, Deserialize)]
pub(crate) struct Statement {
    #[serde(rename = "as")]
    pub(crate) bind: Option<Name>,
    #[serde(flatten)]
    pub(crate) operation: Operation,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Operation {
    Log {
        label: Name,
        #[serde(default)]
        value: Expression,
    },
    Set {
        var: Name,
        #[serde(default)]
        value: Expression,
    },
    Spawn(Call),
    TgSpawn {
        tg: Name,
        #[serde(rename = "fn")]
        function: Name,
        #[serde(default)]
        args: Vec<Expression>,
        name: Option<Name>,
    },
    Cancel {
        task: Expression,
        #[serde(default)]
        msg: Expression,
    },
    Uncancel {
        task: Option<Expression>,
    },
    Reschedule {
        scope: Name,
        #[serde(default)]
        ms: Expression,
    },
    Release {
        obj: Name,
    },
    EventSet {
        obj: Name,
    },
    EventClear {
        obj: Name,
    },
    Notify {
        obj: Name,
        n: Option<Expression>,
    },
    NotifyAll {
        obj: Name,
    },
    QueuePutNowait {
        obj: Name,
        value: Expression,
    },
    QueueGetNowait {
        obj: Name,
    },
    TaskDone {
        obj: Name,
    },
    Raise {
        kind: Kind,
        #[serde(default)]
        msg: Expression,
    },
    Reraise {},
    RaiseValue {
        value: Expression,
    },
    Return {
        #[serde(default)]
        value: Expression,
    },
    Yield {
        value: Expression,
    },
    StopIteration {},
    Break {},
    Continue {},
    If {
        cond: Expression,
        #[serde(default)]
        then: Block,
        #[serde(default, rename = "else")]
        otherwise: Block,
    },
    Repeat {
        n: Expression,
        var: Option<Name>,
        #[serde(default)]
        body: Block,
    },
    For {
        var: Name,
        #[serde(rename = "in")]
        list: Expression,
        #[serde(default)]
        body: Block,
    },
    Try {
        #[serde(default)]
        body: Block,
        #[serde(default, rename = "except")]
        handlers: Vec<Handler>,
        #[serde(default, rename = "else")]
        otherwise: Block,
        #[serde(default)]
        finally: Block,
    },
    With {
        obj: Name,
        #[serde(default)]
        body: Block,
    },
    Timeout {
        #[serde(default)]
        ms: Expression,
        at: Option<Expression>,
        #[serde(default)]
        body: Block,
    },
    TaskGroup {
        #[serde(default)]
        body: Block,
    },
    AsyncWith {
        enter: Name,
        exit: Name,
        #[serde(default)]
        args: Vec<Expression>,
        #[serde(default)]
        body: Block,
    },
    AsyncFor {
        var: Name,
        #[serde(rename = "gen")]
        generator: Name,
        #[serde(default)]
        args: Vec<Expression>,
        #[serde(default)]
        body: Block,
    },
    AsyncIter {
        var: Name,
        next: Name,
        #[serde(default)]
        args: Vec<Expression>,
        #[serde(default)]
        body: Block,
    },
    AsCompleted {
        tasks: Expression,
        #[serde(default)]
        ms: Expression,
        #[serde(default)]
        body: Block,
    },
    NextCompleted {},
    #[serde(untagged)]
    Await(Await),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handler {
    pub(crate) kinds: Vec<Kind>,
    #[serde(rename = "as")]
    pub(crate) bind: Option<Name>,
    #[serde(default)]
    pub(crate) body: Block,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    #[serde(rename = "fn")]
    pub(crate) function: Name,
    #[serde(default)]
    pub(crate) args: Vec<Expression>,
    pub(crate) name: Option<Name>,
}

/// A node that is awaited, as a statement or as an operand of another one.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Await {
    Sleep {
        ms: Expression,
        #[serde(default)]
        value: Expression,
    },
    YieldNow {},
    Call(Call),
    Join {
        task: Expression,
    },
    Gather {
        aws: Vec<Await>,
        #[serde(default)]
        return_exceptions: u8,
    },
    /// Only within a gather: an operand for each task of a list.
    Spread {
        tasks: Expression,
    },
    Shield {
        aw: Box<Await>,
    },
    WaitFor {
        aw: Box<Await>,
        #[serde(default)]
        ms: Expression,
    },
    Wait {
        tasks: Expression,
        #[serde(default)]
        return_when: ReturnWhen,
        #[serde(default)]
        ms: Expression,
    },
    Acquire {
        obj: Name,
    },
    EventWait {
        obj: Name,
    },
    CondWait {
        obj: Name,
    },
    CondWaitFor {
        obj: Name,
        pred: Rc<Expression>,
    },
    BarrierWait {
        obj: Name,
    },
    BarrierReset {
        obj: Name,
    },
    BarrierAbort {
        obj: Name,
    },
    QueueGet {
        obj: Name,
    },
    QueuePut {
        obj: Name,
        value: Expression,
    },
    QueueJoin {
        obj: Name,
    },
}

impl Await {
    /// The name of the operation, which names the unit of an operand that is no call.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Sleep { .. } => "sleep",
            Self::YieldNow {} => "yield_now",
            Self::Call(_) => "call",
            Self::Join { .. } => "join",
            Self::Gather { .. } => "gather",
            Self::Spread { .. } => "spread",
            Self::Shield { .. } => "shield",
            Self::WaitFor { .. } => "wait_for",
            Self::Wait { .. } => "wait",
            Self::Acquire { .. } => "acquire",
            Self::EventWait { .. } => "event_wait",
            Self::CondWait { .. } => "cond_wait",
            Self::CondWaitFor { .. } => "cond_wait_for",
            Self::BarrierWait { .. } => "barrier_wait",
            Self::BarrierReset { .. } => "barrier_reset",
            Self::BarrierAbort { .. } => "barrier_abort",
            Self::QueueGet { .. } => "queue_get",
            Self::QueuePut { .. } => "queue_put",
            Self::QueueJoin { .. } => "queue_join",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ReturnWhen {
    FirstCompleted,
    FirstException,
    #[default]
    AllCompleted,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expression {
    #[default]
    Null,
    Integer(i64),
    Text(Name),
    List(Vec<Expression>),
    Node(Box<Node>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "e", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Node {
    Var {
        name: Name,
    },
    Add(Pair),
    Sub(Pair),
    Mul(Pair),
    Eq(Pair),
    Ne(Pair),
    Lt(Pair),
    Le(Pair),
    And(Pair),
    Or(Pair),
    Not {
        a: Expression,
    },
    Len {
        a: Expression,
    },
    Index {
        a: Expression,
        i: Expression,
    },
    Push {
        a: Expression,
        item: Expression,
    },
    Cat {
        parts: Expression,
    },
    IsExc {
        a: Expression,
        #[serde(default = "any_exception")]
        kinds: Vec<Kind>,
    },
    ExcKind {
        a: Expression,
    },
    ExcMsg {
        a: Expression,
    },
    Now {},
    #[serde(rename = "self")]
    Current {},
    TaskName {
        task: Expression,
    },
    TaskDone {
        task: Expression,
    },
    TaskCancelled {
        task: Expression,
    },
    TaskResult {
        task: Expression,
    },
    TaskException {
        task: Expression,
    },
    Cancelling {
        task: Option<Expression>,
    },
    Expired {
        scope: Name,
    },
    When {
        scope: Name,
    },
    Locked {
        obj: Name,
    },
    IsSet {
        obj: Name,
    },
    Qsize {
        obj: Name,
    },
    Empty {
        obj: Name,
    },
    Full {
        obj: Name,
    },
    NWaiting {
        obj: Name,
    },
    Broken {
        obj: Name,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    pub(crate) a: Expression,
    pub(crate) b: Expression,
}

fn any_exception() -> Vec<Kind> {
    vec![Kind::BaseException]
}
