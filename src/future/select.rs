use std::panic::Location;
use std::task::{Context, Poll};

use crate::executor;
use crate::question::Question;
use crate::session::Place;
use crate::time::Woken;

/// Awaits several futures at once and goes on with the first one that is done. The others are dropped.
///
/// Each branch is `PATTERN = FUTURE => EXPRESSION`, with commas between. When several futures have been
/// woken since they were last looked at, it is a choice which is looked at first; 0 is the order in
/// which they stand. After `biased;` it is always that order. (The macros of `futures` and tokio draw
/// from generators of the process instead, so that runs differ.)
///
/// The patterns must match anything. It works on any executor.
///
/// # Cancel safety
/// The futures that are not chosen are dropped where they wait. To keep one, pass a reference: `&mut
/// future`.
///
/// ```
/// use std::time::Duration;
/// use dacapo::{select, time::sleep};
///
/// let run = dacapo::run(async || {
///     let (sender, receiver) = futures::channel::oneshot::channel::<&str>();
///     dacapo::spawn(async move {
///         sleep(Duration::from_secs(1)).await;
///         sender.send("a reply").unwrap();
///     });
///     select! {
///         reply = receiver => reply.unwrap(),
///         () = sleep(Duration::from_secs(5)) => "silence",
///     }
/// });
/// assert_eq!(run.unwrap(), "a reply");
/// ```
#[macro_export]
macro_rules! select {
    ($(biased;)?) => {
        ::core::compile_error!("select! needs at least one branch: PATTERN = FUTURE => EXPRESSION")
    };
    (biased; $($branches:tt)+) => {
        $crate::__select!(true, [], 0; $($branches)+)
    };
    ($($branches:tt)+) => {
        $crate::__select!(false, [], 0; $($branches)+)
    };
}

/// Takes the branches one by one, each with names of its own for what it needs (they are told apart by
/// macro hygiene), and then writes all down.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    ($biased:expr, [$($done:tt)*], $n:expr; $pattern:pat = $future:expr => $body:expr, $($rest:tt)+) => {
        $crate::__select!(
            $biased, [$($done)* (future output $n; $pattern = $future => $body)], $n + 1; $($rest)+
        )
    };
    ($biased:expr, [$($done:tt)*], $n:expr; $pattern:pat = $future:expr => $body:expr $(,)?) => {
        $crate::__select!(
            @ $biased, [$($done)* (future output $n; $pattern = $future => $body)], $n + 1
        )
    };
    (@ $biased:expr, [$((
        $name:ident $output:ident $n:expr; $pattern:pat = $future:expr => $body:expr
    ))+], $count:expr) => {{
        let (chosen, ($($output,)+)) = {
            $(
                let mut $name = ::core::pin::pin!($future);
                let mut $output = ::core::option::Option::None;
            )+
            let mut select = $crate::__private::Select::new($count, $biased);
            let chosen = ::core::future::poll_fn(|cx| {
                select.poll(cx, |branch, cx| {
                    $(if branch == $n {
                        return ::core::future::Future::poll($name.as_mut(), cx).map(|value| {
                            $output = ::core::option::Option::Some(value);
                        });
                    })+
                    ::core::unreachable!()
                })
            })
            .await;
            (chosen, ($($output,)+))
        };
        $(if chosen == $n {
            match $output.expect("dacapo bug: a chosen branch has no output") {
                $pattern => $body
            }
        } else)+ {
            ::core::unreachable!()
        }
    }};
}

/// What [`select!`](crate::select) knows of its branches.
#[doc(hidden)]
#[derive(Debug)]
pub struct Select {
    biased: bool,
    first: bool,
    branches: Vec<Option<Woken>>,
    place: Place,
}

impl Select {
    #[doc(hidden)]
    #[track_caller]
    pub fn new(branches: usize, biased: bool) -> Self {
        let (branches, place) = ((0..branches).map(|_| None).collect(), Location::caller());
        Self { biased, first: true, branches, place }
    }

    /// Polls the branches, the chosen one first; returns which is done.
    #[doc(hidden)]
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut branch: impl FnMut(usize, &mut Context<'_>) -> Poll<()>,
    ) -> Poll<usize> {
        let first = std::mem::replace(&mut self.first, false);
        let woken = self.branches.iter().enumerate();
        let candidates: Vec<usize> = woken
            .filter(|(_, woken)| Woken::take(woken) || first)
            .map(|(place, _)| place)
            .collect();
        let choice = |executor: &executor::Executor| {
            executor.ask_current(Question::Select, candidates.len())
        };
        let answer = if self.biased { None } else { executor::try_current(choice) };
        let chosen = candidates.get(answer.unwrap_or(0)).copied();
        let others = (0..self.branches.len()).filter(|place| Some(*place) != chosen);
        let notes = executor::try_current(executor::Executor::notes).unwrap_or_default();
        for place in chosen.into_iter().chain(others) {
            let waker = Woken::update(&mut self.branches[place], cx.waker());
            if branch(place, &mut Context::from_waker(waker)).is_ready() {
                executor::try_current(|executor| executor.forget_notes(notes));
                return Poll::Ready(place);
            }
        }
        executor::try_current(|executor| executor.locate(notes, self.place));
        Poll::Pending
    }
}
