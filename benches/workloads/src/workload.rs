//! What is measured. Each task returns how much it did, so that a world which loses some is found out.

use std::sync::Arc;
use std::time::Duration;

use crate::World;

/// A workload. Its `size` is the number of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// 100 tasks yield again and again.
    Yield,
    /// 100 tasks are spawned and joined, again and again. They do nothing.
    Spawn,
    /// 100,000 tasks are spawned, and then joined. They do nothing.
    Crowd,
    /// 100,000 tasks are spawned, and then aborted and joined. They have not been polled before.
    Abort,
    /// Tasks sleep ten times each; 100,000 tasks at the size that is measured.
    Sleep,
    /// 1,000 tasks acquire one of three permits, and yield while they have it.
    Semaphore,
    /// 4 tasks put items into a queue of 16 places, and one takes them out.
    Queue,
    /// Whole simulations with a fresh seed each: 5 tasks, of 4 yields and a sleep.
    Simulation,
    /// Whole runs that do nothing.
    Empty,
}

impl Workload {
    pub const ALL: [Self; 9] = [
        Self::Yield,
        Self::Spawn,
        Self::Crowd,
        Self::Abort,
        Self::Sleep,
        Self::Semaphore,
        Self::Queue,
        Self::Simulation,
        Self::Empty,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Yield => "yield",
            Self::Spawn => "spawn",
            Self::Crowd => "crowd",
            Self::Abort => "abort",
            Self::Sleep => "sleep",
            Self::Semaphore => "semaphore",
            Self::Queue => "queue",
            Self::Simulation => "simulation",
            Self::Empty => "empty",
        }
    }

    /// The size that is measured, where nothing speaks for less: some tenths of a second.
    pub fn size(self) -> u64 {
        match self {
            Self::Yield => 5_000_000,
            Self::Crowd | Self::Abort => 100_000,
            Self::Spawn | Self::Sleep | Self::Semaphore => 1_000_000,
            Self::Queue => 2_000_000,
            Self::Simulation => 100_000,
            Self::Empty => 1_000_000,
        }
    }

    /// Does `size` operations, in runs of the world, and gives their number: it may have done them more
    /// than once, to see that they can be repeated.
    ///
    /// # Panics
    ///
    /// If the world has not done its work.
    pub fn run<W: World>(self, size: u64) -> u64 {
        // The least number of operations that a run can do.
        let least = match self {
            Self::Yield | Self::Spawn => 100,
            Self::Sleep => 10,
            Self::Semaphore => 1000,
            Self::Queue => 4,
            Self::Simulation => 5,
            Self::Crowd | Self::Abort | Self::Empty => 1,
        };
        let is_whole = matches!(self, Self::Simulation | Self::Empty);
        let runs = if is_whole { size } else { W::RUNS };
        let each = (size / runs / least).max(1);
        let done = match self {
            Self::Yield => W::runs(runs, move || yields::<W>(each)),
            Self::Spawn => W::runs(runs, move || spawns::<W>(each)),
            Self::Sleep => W::runs(runs, move || sleeps::<W>(each)),
            Self::Semaphore => W::runs(runs, move || acquires::<W>(each)),
            Self::Queue => W::runs(runs, move || items::<W>(each)),
            Self::Simulation => W::runs(runs, simulation::<W>),
            Self::Crowd => W::runs(runs, move || crowd::<W>(each)),
            Self::Abort => W::runs(runs, move || aborts::<W>(each)),
            Self::Empty => W::runs(runs, || async { 1 }),
        };
        // A world may make runs again, to see that they can be repeated, or to learn how long they are.
        let whole = least * each;
        let (made, rest) = (done / whole, done % whole);
        assert!(rest == 0 && made >= runs, "{done} were done, of {whole} a run");
        if is_whole { runs } else { done }
    }
}

async fn join_all<W: World>(tasks: Vec<W::Task>) -> u64 {
    let mut done = 0;
    for task in tasks {
        done += W::join(task).await;
    }
    done
}

async fn yields<W: World>(yields: u64) -> u64 {
    let task = move || async move {
        for _ in 0..yields {
            W::yield_now().await;
        }
        yields
    };
    join_all::<W>((0..100).map(|_| W::spawn(task())).collect()).await
}

async fn spawns<W: World>(rounds: u64) -> u64 {
    let mut done = 0;
    for _ in 0..rounds {
        done += join_all::<W>((0..100).map(|_| W::spawn(async { 1 })).collect()).await;
    }
    done
}

async fn crowd<W: World>(tasks: u64) -> u64 {
    join_all::<W>((0..tasks).map(|_| W::spawn(async { 1 })).collect()).await
}

async fn aborts<W: World>(tasks: u64) -> u64 {
    let tasks: Vec<_> = (0..tasks).map(|_| W::spawn(std::future::pending())).collect();
    let mut done = 0;
    for task in tasks {
        W::abort(task).await;
        done += 1;
    }
    done
}

async fn sleeps<W: World>(tasks: u64) -> u64 {
    let task = |task: u64| async move {
        for nth in 0..10 {
            // As good as any other mixture of close and far.
            let millis = 1 + (task * 7919 + nth * 104_729) % 1000;
            W::sleep(Duration::from_millis(millis)).await;
        }
        10
    };
    join_all::<W>((0..tasks).map(|nth| W::spawn(task(nth))).collect()).await
}

async fn acquires<W: World>(times: u64) -> u64 {
    let semaphore = Arc::new(W::semaphore(3));
    let task = move |semaphore: Arc<W::Semaphore>| async move {
        for _ in 0..times {
            let permit = W::acquire(&semaphore).await;
            W::yield_now().await;
            drop(permit);
        }
        times
    };
    join_all::<W>((0..1000).map(|_| W::spawn(task(Arc::clone(&semaphore)))).collect()).await
}

async fn items<W: World>(each: u64) -> u64 {
    let (sender, mut receiver) = W::queue(16);
    let producer = move |sender: W::Sender| async move {
        for _ in 0..each {
            W::send(&sender, 1).await;
        }
        0
    };
    let producers: Vec<_> = (0..4).map(|_| W::spawn(producer(sender.clone()))).collect();
    let mut taken = 0;
    for _ in 0..4 * each {
        taken += W::receive(&mut receiver).await;
    }
    taken + join_all::<W>(producers).await
}

/// One of the whole simulations; gives 5.
pub async fn simulation<W: World>() -> u64 {
    let task = || async {
        for _ in 0..4 {
            W::yield_now().await;
        }
        W::sleep(Duration::from_millis(1)).await;
        1
    };
    join_all::<W>((0..5).map(|_| W::spawn(task())).collect()).await
}
