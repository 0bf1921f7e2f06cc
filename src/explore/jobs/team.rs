//! The processes that share a search: the one that has started the others, and the others.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::answer::{Heartbeat, Letters};
use super::progress::Progress;
use super::share::{Part, Rest, Share};
use crate::explore::clock::{Pulse, Vigil};
use crate::explore::confirm::process::{Process, leave, pause};
use crate::explore::confirm::recheck::Recheck;
use crate::explore::last_words::Known;
use crate::explore::outside::env;
use crate::explore::outside::journal::{self, Journal};
use crate::explore::outside::store::{Store, own_number};
use crate::explore::outside::test_id::TestId;
use crate::explore::say::say;
use crate::explore::subject::Subject;
use crate::report::Findings;
use crate::scheduler::Plan;

/// How long a process may be silent before the others do without it. It gives no sign during a run, nor
/// before it has come to the search in question.
const PATIENCE: Duration = Duration::from_secs(60);

/// What has become of a process whose first run is another one here.
const OTHER_RUNS: &str = "made other runs than the first process; perhaps the test draws its inputs itself (see Builder::fresh_process)";

/// One of the processes, as it knows itself.
struct Member {
    share: Share,
    letters: Letters,
    pulse: Pulse,
    state: Heartbeat,
    /// The earliest end of the search that any process knows of.
    end: Option<usize>,
}

impl Member {
    fn new(member: usize, members: usize, letters: Letters) -> Self {
        let share = Share { member, members };
        Self { share, letters, pulse: Pulse::new(), state: Heartbeat::default(), end: None }
    }

    /// Tells the others how far this has come, and hears how far they have.
    fn exchange(&mut self) -> io::Result<()> {
        self.state.beats += 1;
        self.letters.write_state(self.share.member, self.state)?;
        let others = (0..self.share.members).filter(|&member| member != self.share.member);
        let ends = others.filter_map(|other| self.letters.state(other)?.0.end);
        self.end = ends.chain(self.state.end).min();
        Ok(())
    }

    /// Takes note of where the search ends.
    fn set_end(&mut self, end: Option<usize>) {
        self.state.end = self.state.end.into_iter().chain(end).min();
        self.end = self.end.into_iter().chain(end).min();
    }
}

/// One of the started processes: makes its share, leaves its answer, and ends the process.
pub(crate) fn work(
    share: &env::Share,
    rest: Rest,
    subject: &mut Subject<'_>,
    recheck: Recheck,
) -> ! {
    let letters = Letters::new(share.directory.clone());
    let mut member = Member::new(share.member, share.members, letters);
    let mut leader = Vigil::new();
    let mut exchange = |member: &mut Member| {
        let text = member.letters.state(0).map(|(_, text)| text);
        // If a letter cannot be written, that is one sign of life less. But if no process is left that
        // could want an answer, this one ends.
        let _ = member.exchange();
        if !member.letters.are_wanted() || leader.is_over(text.as_deref(), PATIENCE) {
            leave(false);
        }
    };
    exchange(&mut member);
    let part = rest.make(member.share, subject, recheck, &|_, _| {}, |part| {
        if member.pulse.beats() {
            member.state.runs = part.tally.runs;
            exchange(&mut member);
        }
        member.end
    });
    member.state.runs = part.tally.runs;
    member.set_end(part.end.as_ref().map(|end| end.number));
    exchange(&mut member);
    leave(member.letters.write_part(share.member, part).is_ok())
}

/// The process that has started the others.
pub(crate) struct Team<'a> {
    test: String,
    known: Option<&'a Known>,
    member: Member,
    /// The runs of the shares that this process has made, without the current one.
    made: usize,
    workers: Vec<Worker>,
    _directory: Directory,
}

struct Worker {
    member: usize,
    process: Result<Process, String>,
    vigil: Vigil,
}

/// What has become of a process.
enum News {
    None,
    Part(Box<Part>),
    /// It will not answer, for this reason.
    Lost(String),
}

/// It is removed when the search is over.
struct Directory {
    path: PathBuf,
    /// Tells others that the process lives.
    lock: Option<Journal>,
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            lock.remove();
        }
        // What cannot be removed is below `target`, and the next search has a name of its own.
        let _ = fs::remove_dir_all(&self.path);
        // The directory of the test, only if nothing else is in it.
        let _ = self.path.parent().map(fs::remove_dir);
    }
}

impl<'a> Team<'a> {
    /// Starts the others.
    ///
    /// # Errors
    ///
    /// If there is no place for their letters.
    pub(crate) fn start(
        test: &TestId,
        members: usize,
        known: Option<&'a Known>,
    ) -> io::Result<Self> {
        let store = Store::open(test)?;
        if known.is_none() {
            // Otherwise that was done before the search.
            journal::clean(&store);
        }
        let directory = store.path(&format!("jobs-{}", own_number()));
        // What a process of that number has left, if it was killed.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory)?;
        let guard = Directory { lock: journal::lock(&directory), path: directory.clone() };
        let mut member = Member::new(0, members, Letters::new(directory.clone()));
        member.exchange()?;
        let workers = (1..members).map(|member| {
            let share = format!("{member}/{members}");
            let variables =
                [("DACAPO_SHARE", share.as_ref()), ("DACAPO_SHARE_IN", directory.as_os_str())];
            Worker { member, process: Process::start_tied(test, &variables), vigil: Vigil::new() }
        });
        let (test, workers) = (test.name().to_owned(), workers.collect());
        Ok(Self { test, known, member, made: 0, workers, _directory: guard })
    }

    /// Makes the whole search. Returns also what was said of processes that were lost.
    pub(crate) fn make(
        mut self,
        rest: &Rest,
        subject: &mut Subject<'_>,
        recheck: Recheck,
        progress: &mut Progress,
    ) -> (Part, Vec<String>) {
        let mut remarks = Vec::new();
        let mut all = self.make_share(0, rest, subject, recheck, progress);
        while !self.workers.is_empty() {
            let mut news = Vec::new();
            let letters = &self.member.letters;
            self.workers.retain_mut(|worker| match worker.ask(letters) {
                News::None => true,
                other => {
                    news.push((worker.member, other));
                    false
                }
            });
            for (member, what) in news {
                let lost = match what {
                    News::None => continue,
                    News::Lost(why) => why,
                    News::Part(part) if is_of_this_search(subject, &part) => {
                        self.merge(&mut all, *part);
                        continue;
                    }
                    News::Part(_) => OTHER_RUNS.to_owned(),
                };
                let of = self.member.share.members;
                let remark = format!(
                    "process {} of {of} {lost}; its share of the runs was made by the first",
                    member + 1
                );
                // At once: that run may be the end of this process too.
                say(&format!("dacapo: {}: {remark}", self.test));
                remarks.push(remark);
                let part = self.make_share(member, rest, subject, recheck, progress);
                self.merge(&mut all, part);
            }
            if !self.workers.is_empty() {
                pause();
                self.exchange(0, all.tally.rows.len(), rest, progress);
            }
        }
        (all, remarks)
    }

    fn make_share(
        &mut self,
        member: usize,
        rest: &Rest,
        subject: &mut Subject<'_>,
        recheck: Recheck,
        progress: &mut Progress,
    ) -> Part {
        let share = Share { member, ..self.member.share };
        let known = self.known;
        let begin = |run: usize, plan: &Plan| known.iter().for_each(|known| known.begin(run, plan));
        let part = rest.again().make(share, subject, recheck, &begin, |part| {
            self.exchange(part.tally.runs, part.tally.rows.len(), rest, progress);
            self.member.end
        });
        self.made += part.tally.runs;
        self.member.set_end(part.end.as_ref().map(|end| end.number));
        // Without word of the end, the others go on in vain, which does no other harm.
        let _ = self.member.exchange();
        part
    }

    /// Exchanges letters now and then, with this many runs of the share that is being made.
    fn exchange(&mut self, runs: usize, outcomes: usize, rest: &Rest, progress: &mut Progress) {
        if !self.member.pulse.beats() {
            return;
        }
        self.member.state.runs = self.made + runs;
        // If it cannot be written, the others may give up, and are lost.
        let _ = self.member.exchange();
        let others = (1..self.member.share.members)
            .filter_map(|other| Some(self.member.letters.state(other)?.0.runs));
        let all = rest.number + self.member.state.runs + others.sum::<usize>();
        let left = || {
            let planned = rest.plan.runs_left()? + rest.number as u64 + 1;
            Some(planned.saturating_sub(all as u64))
        };
        let ends = rest.ends_at_failure;
        let found = if ends { Findings::NoFailure } else { Findings::Outcomes(outcomes) };
        progress.tell(all, left, found);
    }

    fn merge(&mut self, all: &mut Part, part: Part) {
        all.tally.merge(part.tally);
        let ends = [all.end.take(), part.end].into_iter().flatten();
        all.end = ends.min_by_key(|end| end.number);
        self.member.set_end(all.end.as_ref().map(|end| end.number));
    }
}

/// Whether a run that another process has made is the same here.
fn is_of_this_search(subject: &mut Subject<'_>, part: &Part) -> bool {
    part.first.as_ref().is_none_or(|(schedule, hash)| subject.replay(schedule).hash == *hash)
}

impl Worker {
    fn ask(&mut self, letters: &Letters) -> News {
        let process = match &mut self.process {
            Ok(process) => process,
            Err(why) => return News::Lost(format!("was not there: {why}")),
        };
        // In this order: it leaves its answer before it ends.
        let ended = process.ended();
        match letters.part(self.member) {
            Ok(Some(part)) => return News::Part(Box::new(part)),
            Ok(None) => {}
            Err(why) => return News::Lost(why),
        }
        match ended {
            Ok(Some(status)) => News::Lost(format!("ended without an answer ({status})")),
            Err(why) => News::Lost(format!("is not known to be there: {why}")),
            Ok(None) => {
                let text = letters.state(self.member).map(|(_, text)| text);
                let over = self.vigil.is_over(text.as_deref(), PATIENCE);
                let seconds = PATIENCE.as_secs();
                if over { News::Lost(format!("gave no sign for {seconds} s")) } else { News::None }
            }
        }
    }
}
