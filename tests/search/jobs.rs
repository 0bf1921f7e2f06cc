//! A search in several processes finds what it finds in one.

use std::cell::Cell;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{assert_parts, is_victim, run_victim, victim_command};
use dacapo::scheduler::{Exhaustive, Pct, Portfolio, Random, Scheduler};
use dacapo::task::{spawn_named, yield_now};
use dacapo::{Builder, Report, check, choose, explore, replay, try_check};

/// The name of the search for which this process was started to share it.
#[expect(clippy::disallowed_methods, reason = "a victim is to die where the others are")]
fn helps() -> Option<String> {
    std::env::var_os("DACAPO_SHARE")?;
    std::env::var_os("DACAPO_TEST").and_then(|name| name.into_string().ok())
}

fn is_helper() -> bool {
    helps().is_some()
}

/// How many runs this process has made.
static RUNS: AtomicUsize = AtomicUsize::new(0);

fn count_run() -> usize {
    RUNS.fetch_add(1, Ordering::Relaxed)
}

/// What a victim shows lies between two such lines.
const MARK: &str = "-- 8< --";

#[expect(clippy::print_stdout, reason = "it is how a victim tells")]
fn show(text: &impl ToString) {
    println!("{MARK}\n{}\n{MARK}", text.to_string());
}

/// With what the table does not tell.
fn show_report(report: &Report) {
    let outcomes = report.outcomes().iter().map(|outcome| {
        format!("first seen {}, failure {:?}\n", outcome.first_seen(), outcome.failure())
    });
    show(&format!("{report}\n{}", outcomes.collect::<String>()));
}

/// Whether a victim passes in this many processes, what it shows, and all that it prints.
fn victim(test: &str, jobs: usize) -> (bool, String, String) {
    let (passed, text) = run_victim(test, &[("DACAPO_JOBS", &jobs.to_string())]);
    let shown = text.split(MARK).nth(1).unwrap_or_default().to_owned();
    (passed, shown, text)
}

/// A victim shows the same in one, two, three processes; returns that.
#[track_caller]
fn same_in_all(test: &str) -> String {
    let [one, two, three] = [1, 2, 3].map(|jobs| victim(test, jobs));
    assert!(!one.1.is_empty(), "{}", one.2);
    assert_eq!((two.0, &two.1), (one.0, &one.1), "two processes:\n{}", two.2);
    assert_eq!((three.0, &three.1), (one.0, &one.1), "three processes:\n{}", three.2);
    for (_, _, text) in [&two, &three] {
        assert!(!text.contains("process 2 of"), "none is lost:\n{text}");
        assert!(!text.contains("made by one process"), "they share:\n{text}");
    }
    one.1
}

/// Three clerks that read, wait and write, one of them with a value that is drawn.
async fn clerks() -> u32 {
    use dacapo::rand::Rng as _;
    count_run();
    let balance = Rc::new(Cell::new(0));
    let clerk = |name: &str, amount| {
        let balance = balance.clone();
        spawn_named(name, async move {
            let read = balance.get();
            yield_now().await;
            balance.set(read + amount);
        })
    };
    let bonus = dacapo::rand::rng().next_u32() % 2;
    let tasks = [clerk("alice", 10), clerk("bob", 20), clerk("carol", 30 + bonus)];
    for task in tasks {
        task.await.unwrap();
    }
    assert_ne!(balance.get(), 50, "just what was not to be");
    balance.get()
}

/// Fails in about one run in this many.
async fn seldom(n: u32) {
    use dacapo::rand::Rng as _;
    count_run();
    let clerks = [(); 3].map(|()| dacapo::spawn(yield_now()));
    for clerk in clerks {
        clerk.await.unwrap();
    }
    assert_ne!(dacapo::rand::rng().next_u32() % n, 1, "bad luck");
}

#[test]
fn victim_table() {
    if is_victim() {
        show_report(&explore(Random::seeds(0..2000), clerks));
    }
}

#[test]
fn victim_portfolio_table() {
    if is_victim() {
        show_report(&explore(Portfolio::seeds(5..999), clerks));
    }
}

async fn marked() {
    let dice = choose("dice", 100);
    dacapo::sometimes!("a six", dice == 6);
    dacapo::sometimes!("never", dice == 100);
    if dice < 50 {
        dacapo::reachable!("one\nhalf");
    }
}

#[test]
fn victim_marks() {
    if is_victim() {
        show_report(&Builder::new().expect(["other"]).explore(Random::seeds(0..500), marked));
    }
}

/// None of its runs fails, but it does, for what it has not seen.
#[test]
fn victim_unmet() {
    if is_victim() {
        show_failure(Random::seeds(0..500), marked);
    }
}

#[test]
fn victim_short_table() {
    if is_victim() {
        show_report(&explore(Pct::seeds(0..3), clerks));
    }
}

#[test]
fn victim_table_of_different_outcomes() {
    if is_victim() {
        show_report(&explore(Random::seeds(0..200), async || {
            let digits = [(); 3].map(|()| choose("digit", 8));
            assert!(digits[0] > 0, "{digits:?}\nand so on");
            format!("{digits:?}\n'\\")
        }));
    }
}

#[test]
fn victim_complete_table() {
    if is_victim() {
        show_report(&explore(Exhaustive::new(), async || choose("digit", 8)));
    }
}

/// Outcomes, their counts, first and least schedules, failures, steps, distinct traces.
#[test]
fn tables_are_the_same() {
    let table = same_in_all("victim_table");
    assert_parts(&table, &["just what was not to be", "2,000 schedules", "distinct traces"]);
    assert_parts(&same_in_all("victim_portfolio_table"), &["995 schedules"]);
    assert_parts(&same_in_all("victim_marks"), &["500 schedules", "a six", "other"]);
    assert_parts(&same_in_all("victim_short_table"), &["3 schedules"]);
    assert_parts(&same_in_all("victim_table_of_different_outcomes"), &["200 schedules"]);
    assert_parts(&same_in_all("victim_complete_table"), &["8 schedules", "complete"]);
}

#[track_caller]
fn show_failure(scheduler: impl Scheduler + 'static, body: impl AsyncFn()) {
    let found = try_check(scheduler, async || body().await);
    show(&found.map_or_else(|error| error.to_string(), |()| "passed".to_owned()));
}

#[test]
fn victim_seldom() {
    if is_victim() {
        show_failure(Random::seeds(0..100_000), async || seldom(1000).await);
    }
}

#[test]
fn victim_portfolio() {
    if is_victim() {
        show_failure(Portfolio::seeds(0..100_000), async || seldom(300).await);
    }
}

#[test]
fn victim_at_once() {
    if is_victim() {
        show_failure(Pct::seeds(0..1000), async || panic!("at once"));
    }
}

/// The second check of its test: those before it pass, and are not made again by the others.
#[test]
fn victim_never() {
    if is_victim() {
        check(Random::seeds(0..100), async || {
            assert!(helps().is_none_or(|name| name == "search::jobs::victim_never"));
        });
        show_failure(Random::seeds(0..1000), async || seldom(1).await);
    }
}

#[test]
fn the_earliest_failure_is_found() {
    assert_parts(&same_in_all("victim_seldom"), &["found by", "random walk, seed", "confirmed"]);
    assert_parts(&same_in_all("victim_portfolio"), &["found by", "seed", "confirmed"]);
    assert_parts(&same_in_all("victim_at_once"), &["at once", "found by", "run 1\n"]);
    assert_parts(&same_in_all("victim_never"), &["passed"]);
    assert_parts(&same_in_all("victim_unmet"), &["never", "500"]);
}

#[test]
fn victim_that_counts() {
    if is_victim() {
        check(Random::seeds(0..3000), async || seldom(1).await);
        show(&RUNS.load(Ordering::Relaxed));
    }
}

/// The others take their part of the work away.
#[test]
fn runs_are_shared() {
    let runs = |jobs| victim("victim_that_counts", jobs).1.trim().parse::<usize>().unwrap();
    assert!(runs(1) > 3000, "some are made twice");
    assert!((1400..1700).contains(&runs(2)), "{}", runs(2));
    assert!((900..1200).contains(&runs(3)), "{}", runs(3));
}

#[test]
fn victim_whose_helper_dies() {
    if is_victim() {
        show_report(&explore(Random::seeds(0..2000), async || {
            if is_helper() && count_run() == 300 {
                std::process::abort();
            }
            clerks().await
        }));
    }
}

#[test]
fn victim_whose_helper_dies_before_a_failure() {
    if is_victim() {
        check(Random::seeds(0..100_000), async || {
            if is_helper() && count_run() == 100 {
                std::process::exit(0);
            }
            seldom(1000).await;
        });
    }
}

#[test]
fn what_a_process_has_left_undone_is_done() {
    let (_, expectation, _) = victim("victim_whose_helper_dies", 1);
    let (passed, table, text) = victim("victim_whose_helper_dies", 3);
    assert!(passed);
    assert_eq!(table, expectation);
    assert_parts(
        &text,
        &["process 2 of 3 ended without an answer (signal: 6", "was made by the first"],
    );
    let (_, _, expectation) = victim("victim_whose_helper_dies_before_a_failure", 1);
    let (passed, _, report) = victim("victim_whose_helper_dies_before_a_failure", 2);
    assert!(!passed);
    let found = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("found by")).unwrap();
        line.split(';').next().unwrap().to_owned()
    };
    assert_eq!(found(&report), found(&expectation));
    assert_parts(&report, &["found by", "; process 2 of 2 ended without an answer (signal: 6"]);
}

#[test]
fn victim_that_aborts() {
    if is_victim() {
        check(Random::seeds(0..1000), async || {
            use dacapo::rand::Rng as _;
            if dacapo::rand::rng().next_u32() % 100 == 1 {
                std::process::abort();
            }
        });
        show(&"not reached");
    }
}

/// It ends this process too, as it would without the others.
#[test]
fn a_body_that_aborts_is_no_secret() {
    for jobs in [1, 2] {
        let (passed, shown, _) = victim("victim_that_aborts", jobs);
        assert!(!passed && shown.is_empty());
    }
}

#[test]
fn victim_that_fails_elsewhere() {
    if is_victim() {
        check(Random::seeds(0..1000), async || {
            assert!(!is_helper() || count_run() < 400, "only in a helper");
        });
    }
}

/// Cannot be repeated where the first draw is this one.
#[test]
fn victim_that_is_not_steady() {
    if is_victim() {
        use dacapo::rand::Rng as _;
        let draw = async || dacapo::rand::rng().next_u32();
        let unsteady = replay("d1:@47", draw).unwrap();
        let body = async || if draw().await == unsteady { count_run() } else { 0 };
        show(&explore(Random::seeds(0..100), body).nondeterminism().unwrap());
    }
}

/// Some runs are made twice: the first ones, and each sixteenth. The run of seed 47 is one of them.
#[test]
fn each_process_makes_its_own_runs_again() {
    assert_parts(&same_in_all("victim_that_is_not_steady"), &["differ: `0` against `1`"]);
}

#[test]
fn victim_that_draws_its_inputs() {
    if is_victim() {
        let input = std::process::id();
        let report = explore(Random::seeds(0..1000), async || choose("digit", 8) as u32 + input);
        let texts = report.outcomes().iter().map(|outcome| outcome.text().parse::<u32>().unwrap());
        show(&texts.map(|number| (number - input).to_string()).collect::<String>());
    }
}

/// What is seen elsewhere counts only if it can be seen here.
#[test]
fn other_processes_are_not_believed_blindly() {
    let (passed, _, report) = victim("victim_that_fails_elsewhere", 2);
    assert!(!passed);
    assert_parts(
        &report,
        &["the test is not deterministic", "failed in another process, and passes here"],
    );
    let (passed, shown, text) = victim("victim_that_draws_its_inputs", 2);
    assert!(passed);
    assert_eq!(shown.trim(), "01234567");
    assert_parts(&text, &["process 2 of 2 made other runs than the first", "fresh_process"]);
}

#[test]
fn victim_alone() {
    if is_victim() {
        for _ in 0..3 {
            Builder::new()
                .fresh_process(false)
                .check(Random::seeds(0..50), async || seldom(1).await);
        }
    }
}

#[test]
fn victim_of_two_tables() {
    if is_victim() {
        for _ in 0..3 {
            show_report(&explore(Random::seeds(0..50), clerks));
        }
    }
}

/// One process does it, says why, once, and only if others were asked for.
#[test]
fn what_cannot_be_shared_is_said() {
    for (test, why) in [
        ("victim_alone", "made by one process: Builder::fresh_process(false)"),
        ("victim_of_two_tables", "made by one process: each process would first have to make"),
    ] {
        let (passed, _, text) = victim(test, 2);
        assert!(passed);
        assert_eq!(text.matches("made by one process").count(), 1, "{text}");
        assert_parts(&text, &[why]);
        assert!(!victim(test, 1).2.contains("made by one process"));
    }
}

#[test]
fn a_malformed_number_of_jobs_is_named() {
    let (passed, text) = run_victim("victim_seldom", &[("DACAPO_JOBS", "many")]);
    assert!(!passed);
    assert_parts(&text, &["DACAPO_JOBS=many: expected a number of processes, 1 to 256"]);
}

/// Where the helper of this victim calls, so that it is noticed when it has gone.
const CALL: &str = "VICTIM_CALLS";

/// The helper never comes back from its first run. This process waits for it.
#[test]
#[expect(clippy::disallowed_methods, reason = "a victim is told where to call")]
fn victim_whose_helper_is_stuck() {
    if is_victim() {
        let port = std::env::var_os(CALL).expect("it is told where to call");
        let address = format!("127.0.0.1:{}", port.to_str().expect("a port is a number"));
        check(Random::seeds(0..1000), async || {
            if is_helper() {
                let mut line = TcpStream::connect(&address).expect("somebody listens");
                line.read_to_end(&mut Vec::new()).expect("it is open until the test has ended");
            }
        });
    }
}

#[test]
fn a_stuck_process_ends_with_the_first_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut first = victim_command("1")
        .args(["jobs::victim_whose_helper_is_stuck", "--exact"])
        .envs([("DACAPO_JOBS", "2"), (CALL, &port)])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut line, _) = listener.accept().unwrap();
    // This kind of end gives no occasion to tidy up.
    first.kill().unwrap();
    first.wait().unwrap();
    line.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(line.read(&mut [0]).expect("the helper hangs up"), 0);
}
