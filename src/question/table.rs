//! The table of questions. To add a question, add a row, and ask it.

/// Gives the rows to a macro that makes something of them: the enum, the texts, the methods of
/// [`Faults`](crate::Faults).
///
/// A row has the question as a doc comment, in which option 0 is what an ordinary event loop does. A fault
/// names its method of `Faults`, with a number if a run has only so many of them, the letter that stands for
/// it in the text of a schedule, and what happens; letters appear in a schedule in the order of the rows.
/// The placeholders of the texts are listed at [`Row`](super::Row).
macro_rules! questions {
    ($generate:ident) => {
        $generate! {
            /// Which ready task runs next? Option 0 is the one that became ready first.
            Next {
                row: Row {
                    name: "next",
                    about: "{other} is first in the ready queue",
                    // By how long the answer lasts.
                    options: &[
                        Words { sentence: "{task} runs before {other}", aside: "before {other}", ..NONE },
                        Words {
                            sentence: "{other} is held back{more} until no other task is ready",
                            aside: "{other} is held back",
                            ..NONE
                        },
                        Words {
                            sentence: "{task} runs before all others until it waits",
                            aside: "stays ahead",
                            ..NONE
                        },
                    ],
                    ..ORDINARY
                }
            }
            /// At the deadline of a `timeout` whose inner future was woken too: is the future polled once more
            /// (0), or does the timeout give up (1)?
            Timeout {
                row: Row {
                    name: "timeout",
                    about: "timeout of {task}",
                    options: &[
                        Words {
                            text: "completion",
                            sentence: "the timeout in {task} lets what it guards go on first, which was woken at that instant",
                            ..NONE
                        },
                        Words {
                            text: "deadline",
                            sentence: "the timeout in {task} gives up, though what it guards was woken at that instant",
                            aside: "deadline first",
                            // What comes of it is an event.
                            ..NONE
                        },
                    ],
                    otherwise: "the other way round it passes",
                    ..ORDINARY
                }
            }
            /// At the deadline of a `timeout_scope` or `wait_for` whose body was woken too: does the deadline
            /// strike (0), or does the body go on first (1)?
            Deadline {
                row: Row {
                    name: "deadline",
                    about: "deadline of {task}",
                    options: &[
                        Words {
                            text: "deadline",
                            sentence: "the deadline in {task} strikes, though what it guards was woken at that instant",
                            ..NONE
                        },
                        Words {
                            text: "completion",
                            sentence: "what the deadline in {task} guards goes on first, because it was woken at that instant",
                            aside: "before the deadline",
                            act: "goes on",
                        },
                    ],
                    otherwise: "the other way round it passes",
                    ..ORDINARY
                }
            }
            /// Which branch of a `select!` is polled first, of those that were woken?
            Select {
                row: Row {
                    name: "select",
                    about: "select of {task}",
                    options: &[
                        Words {
                            text: "branch {answer}",
                            sentence: "select in {task} looks first at branch {answer} of those that were woken, counted from 0",
                            ..NONE
                        },
                        Words {
                            text: "branch {answer}",
                            sentence: "select in {task} looks first at branch {answer} of those that were woken, counted from 0",
                            aside: "branch {answer} first",
                            act: "selects",
                        },
                    ],
                    otherwise: "with branch {instead} first it passes",
                    ..ORDINARY
                }
            }
            /// A number that the code under test asks for with [`choose`](crate::choose), under a label.
            Value {
                row: Row {
                    name: "value",
                    about: "{label}",
                    options: &[Words {
                        text: "{label} = {answer}",
                        sentence: "{label} = {answer}",
                        aside: "",
                        act: "{label} = {answer}",
                    }],
                    otherwise: "with {instead} it passes",
                    ..ORDINARY
                }
            }
            /// Does a newcomer at a lock or a semaphore wait (0), or does it take what was granted to a waiter
            /// (1)?
            Barge {
                /// Also: a newcomer at a [`Lock`](crate::sync::Lock) or a
                /// [`Semaphore`](crate::sync::Semaphore) takes what was granted to a waiter that has not been
                /// polled since. The waiter waits on.
                fault: barging() 'b', "a newcomer takes what was granted to a waiter: most locks that are not fair";
                row: Row {
                    name: "barge",
                    about: "barging of {task}",
                    options: &[
                        Words { text: "waits", ..NONE },
                        Words {
                            text: "barging in",
                            sentence: "the {thing} goes to {task}, though it was granted to {other}",
                            aside: "before {other}",
                            act: "barges in",
                        },
                    ],
                    ..HARMLESS
                }
            }
            /// Does a task that goes to sleep stay asleep (0), or is it polled once more for no reason (1)?
            Spurious {
                /// Also: a task that goes to sleep is polled once more although nothing has woken it.
                fault: spurious() 's', "a sleeping task is polled for no reason: `join!`, `select!`, any executor";
                row: Row {
                    name: "spurious",
                    about: "spurious wake-up of {task}",
                    options: &[
                        Words { text: "asleep", ..NONE },
                        Words {
                            text: "woken for no reason",
                            sentence: "{task} is woken for no reason",
                            aside: "nothing happened",
                            act: "is woken",
                        },
                    ],
                    ..HARMLESS
                }
            }
            /// Does a notification wake as many waiters as it asks for (0), or all waiters (1)?
            WakeAll {
                /// Also: [`Condition::notify`](crate::sync::Condition::notify) wakes all waiters instead of
                /// the given number.
                fault: wake_all() 'w', "a notification wakes all waiters: condition variables may";
                row: Row {
                    name: "wake all",
                    about: "notification by {task}, of all",
                    options: &[
                        Words { text: "as many as asked for", ..NONE },
                        Words {
                            text: "all",
                            sentence: "the notification by {task} wakes all waiters",
                            aside: "all waiters",
                            act: "notifies",
                        },
                    ],
                    ..HARMLESS
                }
            }
            /// Does the clock jump to the next deadline (0), or past it (1)?
            LateTimer {
                /// Also: when the clock jumps, it jumps past the next deadline, to the one after that, or by
                /// 1 ms if there is none. All timers up to then fire together, in the order of their
                /// deadlines.
                fault: late_timers() 'l', "the clock jumps past a deadline: any loaded machine";
                row: Row {
                    name: "late",
                    about: "lateness of the clock at {deadline}",
                    options: &[
                        Words { text: "in time", ..NONE },
                        Words {
                            text: "late",
                            sentence: "the clock is late: it jumps{jump} past the deadline at {deadline}",
                            aside: "past the deadline at {deadline}",
                            ..NONE
                        },
                    ],
                    ..HARMLESS
                }
            }
            /// Does a task go on at an await that is ready (0), or does it yield first (1)?
            Yield {
                /// Also: an await on a primitive of [`sync`](crate::sync), or on the end of a task, yields
                /// first although it is ready.
                fault: yielding() 'y', "an await that is ready yields first: tokio's budget, several threads";
                row: Row {
                    name: "yield",
                    about: "yield of {task}",
                    options: &[
                        Words { text: "at once", ..NONE },
                        Words {
                            text: "a turn later",
                            sentence: "{task} yields at an await that was ready",
                            aside: "though it was ready",
                            ..NONE
                        },
                    ],
                    ..HARMLESS
                }
            }
            /// Does a task go on (0), is it dropped at this await (1), or is it asked to cancel (2)? Option 2 is
            /// there only if it differs from a drop.
            Cancel {
                /// Also: at most `n` times in a run, a task other than main is cancelled at one of its
                /// awaits, while it waits, or after it was woken and before it is polled. Its future is
                /// dropped there, as by [`abort`](crate::task::JoinHandle::abort); or the task is asked to
                /// [`cancel`](crate::cancel), where that makes a difference.
                ///
                /// A task that awaits it gets a [`JoinError`](crate::task::JoinError) that is cancelled,
                /// and has to cope with that. 0 turns it off.
                fault: cancellations(n) 'c', "at most two tasks are cancelled at an await: a timeout, a client that leaves";
                row: Row {
                    name: "cancel",
                    about: "cancellation of {task} at await {nth}",
                    options: &[
                        Words { text: "goes on", ..NONE },
                        Words {
                            text: "dropped",
                            sentence: "{task} is dropped at await {nth}, {when}{waits}",
                            aside: "{moment}",
                            ..NONE
                        },
                        Words {
                            text: "asked to cancel",
                            sentence: "{task} is asked to cancel at await {nth}, {when}{waits}",
                            aside: "",
                            act: "is asked to cancel",
                        },
                    ],
                    ..FAULT
                }
            }
            /// Does a [marked](crate::cancel::point) future go on (0), or is it dropped at this await (1)?
            Point {
                /// Also: at most `n` times in a run, a future that is marked with
                /// [`point`](crate::cancel::point) is dropped at one of its awaits. 0 turns it off.
                fault: marked_cancellations(n) 'm', "at most two futures that are marked are dropped at an await";
                row: Row {
                    name: "point",
                    about: "cancellation of \"{label}\"",
                    options: &[
                        Words { text: "goes on", ..NONE },
                        Words {
                            text: "dropped",
                            sentence: "\"{label}\" in {task} is dropped {when}",
                            aside: "",
                            act: "drops \"{label}\"",
                        },
                    ],
                    ..FAULT
                }
            }
        }
    };
}
pub(crate) use questions;
