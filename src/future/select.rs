use std::panic::Location;
use std::task::{Context, Poll};

use crate::executor;
use crate::question::Question;
use crate::session::Place;
use crate::time::Woken;

/// Waits on several futures at once, and runs the branch of the first that completes with a value that
/// its pattern matches.
///
/// It takes what tokio's `select!` takes:
///
/// - A branch is `PATTERN = FUTURE => EXPRESSION`. Branches are separated by commas, which may be left
///   out after a block.
/// - `PATTERN = FUTURE, if CONDITION => EXPRESSION` disables the branch if the condition is false. All
///   conditions are evaluated first, then all future expressions, also those of disabled branches.
/// - A branch whose future completes with a value that the pattern does not match is disabled, and
///   `select!` waits for the other branches.
/// - `else => EXPRESSION`, as the last branch, runs when all branches are disabled.
/// - `biased;`, before the first branch, polls the branches from top to bottom.
///
/// Before the chosen expression runs, all futures are dropped. The expression may use `.await`, `?`,
/// `break`, `continue` and `return`. What is not a future is converted by
/// [`IntoFuture`](std::future::IntoFuture).
///
/// Without `biased;`, the scheduler chooses which branch is polled first, out of the branches that were
/// woken since they were last polled. The answer 0 is the uppermost of them. The others follow from top to
/// bottom. (tokio's macro draws from a random generator of the process instead, so that a run cannot be
/// repeated.)
///
/// It works on any executor.
///
/// # Panics
///
/// Panics if all branches are disabled and there is no `else`.
///
/// # Cancel safety
///
/// The futures of the other branches are dropped in the middle of their work. To keep a future for a
/// later `select!`, pass it by reference: `&mut future`.
///
/// # Examples
///
/// Collect messages until the channel is closed, or nothing arrives for a second:
///
/// ```
/// use std::time::Duration;
/// use dacapo::{select, time::sleep};
///
/// let run = dacapo::run(async || {
///     let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
///     dacapo::spawn(async move {
///         for message in ["one", "two"] {
///             sender.send(message).await.unwrap();
///         }
///         sleep(Duration::from_secs(60)).await;
///     });
///     let mut received = Vec::new();
///     loop {
///         select! {
///             Some(message) = receiver.recv(), if received.len() < 10 => received.push(message),
///             () = sleep(Duration::from_secs(1)) => break,
///             else => break,
///         }
///     }
///     received
/// });
/// assert_eq!(run.unwrap(), ["one", "two"]);
/// ```
#[macro_export]
macro_rules! select {
    () => {
        $crate::__select!(@ { true; () })
    };
    (biased; $($branches:tt)*) => {
        $crate::__select!(@ { true; () } $($branches)*)
    };
    ($($branches:tt)+) => {
        $crate::__select!(@ { false; () } $($branches)+)
    };
}

/// Parses the branches one by one and then expands all of them.
///
/// Parsed branches stand in braces: whether `biased;` was given, a `_` for each branch, and the branches.
/// Each begins with the `_`s of the branches before it, and with an identifier that macro hygiene
/// tells apart from those of the other branches.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    (@ { $biased:expr; () }) => {
        ::core::compile_error!(
            "`select!` needs at least one branch: `PATTERN = FUTURE => EXPRESSION`"
        )
    };
    (@ { $biased:expr; () } else => $else:expr $(,)?) => {
        $else
    };
    (@ { $($parsed:tt)* }) => {
        $crate::__select!(@ { $($parsed)* } else => ::core::panic!(
            "all branches are disabled and there is no else branch; add `else => …` to this `select!`"
        ))
    };
    (@ { $biased:expr; ($($all:tt)*) $((
        ($($nth:tt)*) $future:ident $pattern:pat = $value:expr, $condition:expr => $body:expr
    ))+ } else => $else:expr $(,)?) => {{
        let enabled = [$($condition),+];
        #[allow(unused_mut)]
        let mut chosen = {
            $(
                // Bound before it is converted, so that its temporaries live as long as it does.
                let $future = $value;
                let mut $future = ::core::pin::pin!(
                    ::core::future::IntoFuture::into_future($future)
                );
            )+
            let mut select = $crate::__private::Select::new(enabled, $biased);
            let chosen = ::core::future::poll_fn(|cx| {
                select.poll(cx, |branch, cx| {
                    $(if branch == $crate::__select_count!($($nth)*) {
                        #[allow(unused_mut)]
                        let ::core::task::Poll::Ready(mut output) =
                            ::core::future::Future::poll($future.as_mut(), cx)
                        else {
                            return ::core::task::Poll::Pending;
                        };
                        // A guard sees the bindings by reference, so that nothing is moved yet.
                        let mut matches = false;
                        #[allow(unused_variables, unused_mut)]
                        let output = match output {
                            $pattern if { matches = true; false } => ::core::unreachable!(),
                            output => output,
                        };
                        return ::core::task::Poll::Ready(if matches {
                            ::core::option::Option::Some(
                                $crate::__select_nth!(($($nth)*) output)
                            )
                        } else {
                            ::core::option::Option::None
                        });
                    })+
                    ::core::unreachable!()
                })
            })
            .await;
            match chosen {
                ::core::option::Option::Some(chosen) => chosen,
                ::core::option::Option::None => $crate::__select_end!(($($all)*)),
            }
        };
        match chosen {
            $($crate::__select_nth!(($($nth)*) $pattern) => $body,)+
            $crate::__select_end!(($($all)*)) => $else,
            // Reached by no value, since the patterns were matched above.
            #[allow(unreachable_patterns)]
            _ => ::core::unreachable!("dacapo bug: a chosen branch does not match"),
        }
    }};

    // One branch: a block, with a comma or without, or the last expression, or one with a comma.
    (@ { $biased:expr; ($($all:tt)*) $($parsed:tt)* }
        $pattern:pat = $value:expr, if $condition:expr => $body:block, $($rest:tt)*
    ) => {
        $crate::__select!(@ { $biased; ($($all)* _) $($parsed)* (
            ($($all)*) future $pattern = $value, $condition => $body
        ) } $($rest)*)
    };
    (@ { $biased:expr; ($($all:tt)*) $($parsed:tt)* }
        $pattern:pat = $value:expr => $body:block, $($rest:tt)*
    ) => {
        $crate::__select!(@ { $biased; ($($all)* _) $($parsed)* (
            ($($all)*) future $pattern = $value, true => $body
        ) } $($rest)*)
    };
    (@ { $biased:expr; ($($all:tt)*) $($parsed:tt)* }
        $pattern:pat = $value:expr, if $condition:expr => $body:block $($rest:tt)*
    ) => {
        $crate::__select!(@ { $biased; ($($all)* _) $($parsed)* (
            ($($all)*) future $pattern = $value, $condition => $body
        ) } $($rest)*)
    };
    (@ { $biased:expr; ($($all:tt)*) $($parsed:tt)* }
        $pattern:pat = $value:expr => $body:block $($rest:tt)*
    ) => {
        $crate::__select!(@ { $biased; ($($all)* _) $($parsed)* (
            ($($all)*) future $pattern = $value, true => $body
        ) } $($rest)*)
    };
    (@ { $biased:expr; ($($all:tt)*) $($parsed:tt)* }
        $pattern:pat = $value:expr, if $condition:expr => $body:expr $(, $($rest:tt)*)?
    ) => {
        $crate::__select!(@ { $biased; ($($all)* _) $($parsed)* (
            ($($all)*) future $pattern = $value, $condition => $body
        ) } $($($rest)*)?)
    };
    (@ { $biased:expr; ($($all:tt)*) $($parsed:tt)* }
        $pattern:pat = $value:expr => $body:expr $(, $($rest:tt)*)?
    ) => {
        $crate::__select!(@ { $biased; ($($all)* _) $($parsed)* (
            ($($all)*) future $pattern = $value, true => $body
        ) } $($($rest)*)?)
    };
}

/// The number of `_`s.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_count {
    () => { 0_usize };
    (_ _ _ _ _ _ _ _ $($rest:tt)*) => { 8 + $crate::__select_count!($($rest)*) };
    (_ $($rest:tt)*) => { 1 + $crate::__select_count!($($rest)*) };
}

/// The value or the pattern of a branch, as a [`Branch`](crate::__private::Branch).
#[doc(hidden)]
#[macro_export]
macro_rules! __select_nth {
    (() $($inner:tt)*) => { $crate::__private::Branch::This($($inner)*) };
    ((_ $($rest:tt)*) $($inner:tt)*) => {
        $crate::__private::Branch::Later($crate::__select_nth!(($($rest)*) $($inner)*))
    };
}

/// The same for "no branch".
#[doc(hidden)]
#[macro_export]
macro_rules! __select_end {
    (()) => { () };
    ((_ $($rest:tt)*)) => {
        $crate::__private::Branch::Later($crate::__select_end!(($($rest)*)))
    };
}

/// The output of one branch: this one, or one further down.
///
/// One value for all branches, so that the expression of a branch runs while no output of another
/// branch exists.
#[doc(hidden)]
#[derive(Debug)]
pub enum Branch<T, Rest> {
    This(T),
    Later(Rest),
}

/// What [`select!`](crate::select) knows about its branches.
#[doc(hidden)]
#[derive(Debug)]
pub struct Select<const N: usize> {
    biased: bool,
    first: bool,
    branches: [BranchState; N],
    place: Place,
}

#[derive(Debug)]
struct BranchState {
    enabled: bool,
    /// Whether the branch may be chosen: it was woken, or was not polled yet.
    candidate: bool,
    woken: Option<Woken>,
}

impl<const N: usize> Select<N> {
    #[doc(hidden)]
    #[track_caller]
    pub fn new(enabled: [bool; N], biased: bool) -> Self {
        let state = |enabled| BranchState { enabled, candidate: false, woken: None };
        Self { biased, first: true, branches: enabled.map(state), place: Location::caller() }
    }

    /// Polls the enabled branches, the chosen one first.
    ///
    /// `branch` returns `None` if the output does not match, which disables the branch. When all branches
    /// are disabled, the result is `None`.
    #[doc(hidden)]
    pub fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut branch: impl FnMut(usize, &mut Context<'_>) -> Poll<Option<T>>,
    ) -> Poll<Option<T>> {
        let notes = executor::try_current(executor::Executor::notes).unwrap_or_default();
        let chosen = self.choose();
        let mut pending = false;
        let others = (0..N).filter(|place| Some(*place) != chosen);
        for place in chosen.into_iter().chain(others) {
            let state = &mut self.branches[place];
            if !state.enabled {
                continue;
            }
            let waker = Woken::update(&mut state.woken, cx.waker());
            match branch(place, &mut Context::from_waker(waker)) {
                Poll::Pending => pending = true,
                Poll::Ready(None) => state.enabled = false,
                Poll::Ready(output) => {
                    executor::try_current(|executor| executor.forget_notes(notes));
                    return Poll::Ready(output);
                }
            }
        }
        if !pending {
            return Poll::Ready(None);
        }
        executor::try_current(|executor| executor.locate(notes, self.place));
        Poll::Pending
    }

    /// The branch to poll first.
    fn choose(&mut self) -> Option<usize> {
        let first = std::mem::replace(&mut self.first, false);
        for state in &mut self.branches {
            state.candidate = (Woken::take(&state.woken) || first) && state.enabled;
        }
        let candidates = || (0..N).filter(|place| self.branches[*place].candidate);
        let choice = |executor: &executor::Executor| {
            executor.ask_current(Question::Select, candidates().count())
        };
        let answer = if self.biased { None } else { executor::try_current(choice) };
        candidates().nth(answer.unwrap_or(0))
    }
}
