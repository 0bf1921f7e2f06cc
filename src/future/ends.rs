use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use crate::executor::{self, Executor};
use crate::task::Join;

/// Which of many tasks have ended. A poll takes time for those that have ended since the last one, and not for
/// all of them.
#[derive(Debug)]
pub(super) struct Ends {
    joins: Vec<Join>,
    has_ended: Vec<bool>,
    /// How many have not ended.
    left: usize,
    is_registered: bool,
    /// The first two that have not ended. Reports name them.
    named: [usize; 2],
    news: Arc<News>,
    /// Empty. Its memory is used again.
    spare: Vec<usize>,
}

/// What has happened since the last poll.
#[derive(Debug, Default)]
struct News(Mutex<Unread>);

#[derive(Debug, Default)]
struct Unread {
    /// Numbers of tasks, in the order in which they ended.
    ended: Vec<usize>,
    /// What to wake when the next one ends.
    waker: Option<Waker>,
}

impl News {
    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker that a task gets.
struct Member {
    number: usize,
    news: Arc<News>,
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut unread = self.news.unread();
        unread.ended.push(self.number);
        let waker = unread.waker.take();
        drop(unread);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Ends {
    pub(super) fn new(joins: Vec<Join>) -> Self {
        let (has_ended, left) = (vec![false; joins.len()], joins.len());
        let (news, spare) = (Arc::default(), Vec::new());
        Self { joins, has_ended, left, is_registered: false, named: [0, 1], news, spare }
    }

    /// How many tasks have not ended.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// For each task whether it has ended, as of the last poll.
    pub(super) fn into_ended(self) -> Vec<bool> {
        self.has_ended
    }

    /// Calls `f` with the number of each task that has ended since the last poll, in the order in which they
    /// ended. Those that had ended before the first poll come in the order given. The end of any other task
    /// wakes the polling task, for which all of them are noted as waits.
    pub(super) fn poll(&mut self, cx: &Context<'_>, mut f: impl FnMut(usize)) {
        self.read(cx, &mut f);
        if !mem::replace(&mut self.is_registered, true) {
            self.register(&mut f);
        }
        // The run is over, and all tasks with it.
        if self.left > 0 && executor::try_current(|_| ()).is_none() {
            (0..self.joins.len()).for_each(|number| self.end(number, &mut f));
        }
        self.note_waits();
    }

    /// Gives each task a waker for its end.
    fn register(&mut self, f: &mut impl FnMut(usize)) {
        for number in 0..self.joins.len() {
            let member = || Waker::from(Arc::new(Member { number, news: Arc::clone(&self.news) }));
            if self.joins[number].poll_end_with(member) {
                self.end(number, f);
            }
        }
    }

    /// Reads what is new, and has the next end wake the polling task.
    fn read(&mut self, cx: &Context<'_>, f: &mut impl FnMut(usize)) {
        let waker = cx.waker().clone();
        let mut unread = self.news.unread();
        let mut ended = mem::replace(&mut unread.ended, mem::take(&mut self.spare));
        let previous = unread.waker.replace(waker);
        drop(unread);
        drop(previous);
        ended.drain(..).for_each(|number| self.end(number, f));
        self.spare = ended;
    }

    fn end(&mut self, number: usize, f: &mut impl FnMut(usize)) {
        if !mem::replace(&mut self.has_ended[number], true) {
            self.left -= 1;
            f(number);
        }
    }

    fn note_waits(&mut self) {
        let Self { joins, has_ended, left, named: [first, second], .. } = self;
        let next = |mut number: usize| {
            while has_ended.get(number) == Some(&true) {
                number += 1;
            }
            number
        };
        if has_ended.get(*first) == Some(&true) {
            // All between the two have ended.
            *first = next(*second);
            *second = *first + 1;
        }
        *second = next(*second);
        [*first, *second].iter().filter_map(|number| joins.get(*number)).for_each(Join::note_wait);
        if let Some(more) = left.checked_sub(2) {
            executor::try_current(|executor: &Executor| executor.wait_on_more(more));
        }
    }
}
