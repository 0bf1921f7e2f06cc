use crate::arguments::{Attribute, SETTINGS};
use crate::expand;

const FUNCTION: &str = "async fn name() {}";

#[track_caller]
fn check(arguments: &str, item: &str, expected: &str) {
    check_as(Attribute::Dacapo, arguments, item, expected);
}

#[track_caller]
fn check_as(attribute: Attribute, arguments: &str, item: &str, expected: &str) {
    let [arguments, item] = [arguments, item].map(|code| code.parse().expect("it is Rust"));
    match expand(attribute, arguments, item) {
        Ok(test) => {
            let (test, expected) = (test.to_string(), expected.replace(' ', ""));
            assert!(test.replace(' ', "").contains(&expected), "{test}");
        }
        Err(mistake) => assert_eq!(mistake.message, expected),
    }
}

#[test]
fn seeds_are_those_of_the_default_scheduler() {
    check("", FUNCTION, "::dacapo::Builder::new(), ::dacapo::__private::default_scheduler()");
    check("seeds = 100", FUNCTION, "::dacapo::__private::seeds(100)");
    check(
        "seeds = 5..N, max_steps = 9",
        FUNCTION,
        "max_steps(9), ::dacapo::__private::seeds(5..N)",
    );
    check(
        "Random::seeds(0..9), seeds = 100",
        FUNCTION,
        "`seeds` belongs to the default scheduler; give these seeds to your own, as in \
         `Random::seeds(0..100)`",
    );
}

#[test]
fn settings_of_tokio_are_taken_or_explained() {
    check(
        "start_paused = true",
        FUNCTION,
        "Builder::new(), ::dacapo::__private::default_scheduler()",
    );
    check(
        "start_paused = false",
        FUNCTION,
        "time is always virtual in a run, so it cannot start unpaused; remove `start_paused`",
    );
    for (setting, name) in
        [("flavor = \"multi_thread\"", "flavor"), ("worker_threads = 4", "worker_threads")]
    {
        let why = "a run has one thread, and the scheduler decides which task runs next; remove";
        check(setting, FUNCTION, &format!("{why} `{name}`"));
    }
    check(
        "unhandled_panic = \"shutdown_runtime\"",
        FUNCTION,
        "a panic of a task fails the run, unless its handle is awaited and reports the panic; remove \
         `unhandled_panic`",
    );
}

#[test]
fn a_test_of_tokio_makes_one_run_or_searches() {
    let check = |arguments: &str, expected: &str| {
        check_as(Attribute::Tokio, arguments, FUNCTION, expected);
    };
    let run = "::dacapo_tokio::builder(), name";
    for settings in [
        "",
        "start_paused = true",
        "start_paused = false",
        "flavor = \"multi_thread\", worker_threads = 4",
        "unhandled_panic = \"shutdown_runtime\"",
    ] {
        check(settings, run);
        check(settings, "::dacapo_tokio::__private::run_test");
    }
    check("unhandled_panic = \"ignore\"", "::dacapo_tokio::__private::lenient_builder(), name");
    check("unhandled_panic = 3", "expected \"ignore\" or \"shutdown_runtime\"");
    check("crate = \"my::tokio\"", "my::tokio::__private::run_test");
    check("max_steps = 9", "::dacapo_tokio::builder().max_steps(9), name");
    check("seeds = 9", "::dacapo_tokio::__private::check_test");
    check(
        "Random::default(), max_steps = 9",
        "::dacapo_tokio::builder().max_steps(9), { #[allow(unused_imports)] use \
         ::dacapo_tokio::__private::scheduler::*; Random::default() }, name",
    );
    check("crat = 1", "there is no setting `crat`; did you mean `crate`?");
}

#[test]
fn a_typo_names_the_nearest_setting() {
    for (typo, nearest) in [
        ("max_step", "max_steps"),
        ("maxsteps", "max_steps"),
        ("max_shrinks_time", "max_shrink_time"),
        ("seed", "seeds"),
        ("expects", "expect"),
        ("fault", "faults"),
    ] {
        let message = format!("there is no setting `{typo}`; did you mean `{nearest}`?");
        check(&format!("{typo} = 1"), FUNCTION, &message);
    }
    let all: Vec<String> = SETTINGS.iter().map(|setting| format!("`{setting}`")).collect();
    let message = format!(
        "there is no setting `retries`; there are {}, `crate`, `seeds`, `start_paused`",
        all.join(", ")
    );
    check("retries = 3", FUNCTION, &message);
}

#[test]
fn a_setting_is_given_once_and_has_a_value() {
    check("max_steps = 1, max_steps = 2", FUNCTION, "`max_steps` is given twice");
    for (setting, example) in [
        ("max_steps =", "max_steps = 1000"),
        ("max_tasks", "max_tasks = 1000"),
        ("seeds(100)", "seeds = 1000"),
        ("expect", "expect = [\"label\"]"),
        ("faults =", "faults = Faults::harmless()"),
        ("fresh_process", "fresh_process = false"),
        ("max_shrink_time =", "max_shrink_time = Duration::from_secs(5)"),
        ("start_paused", "start_paused = true"),
        ("crate =", "crate = path::to::dacapo"),
    ] {
        check(setting, FUNCTION, &format!("expected a value, as in `{example}`"));
    }
    check(
        "max_steps = 1, Random::default()",
        FUNCTION,
        "expected `setting = value`; the scheduler comes first, as in \
         `#[dacapo::test(Random::seeds(0..100), max_steps = 1000)]`",
    );
}

#[test]
fn a_scheduler_is_any_expression() {
    check(
        "f::<A, B>(), max_steps = 1",
        FUNCTION,
        "{ #[allow(unused_imports)] use ::dacapo::scheduler::*; f::<A, B>() }",
    );
    check("seeds::all(3)", FUNCTION, "seeds::all(3)");
    check("crate = my::dacapo", FUNCTION, "my::dacapo::Builder::new()");
}

#[test]
fn a_second_test_attribute_is_refused() {
    for attribute in
        ["#[test]", "#[tokio::test]", "#[dacapo::test(seeds = 1)]", "#[rustc_test_marker = \"x\"]"]
    {
        check(
            "",
            &format!("{attribute} {FUNCTION}"),
            "#[dacapo::test] already makes this function a test; remove the other test attribute",
        );
    }
    check(
        "",
        "#[should_panic] #[cfg(test)] async fn name() {}",
        "#[should_panic] #[cfg(test)] fn name()",
    );
}

#[test]
fn only_a_plain_async_fn_is_a_test() {
    for item in ["fn name() {}", "struct Name;", "const fn name() {}"] {
        check("", item, "#[dacapo::test] needs an `async fn`");
    }
    for item in ["async unsafe fn name() {}", "async extern \"C\" fn name() {}"] {
        check("", item, "#[dacapo::test] needs an `async fn`, neither unsafe nor extern");
    }
    check("", "async fn", "#[dacapo::test] needs a function with a name");
    check("", "async fn name(x: u32) {}", "a #[dacapo::test] takes no parameters");
    check("", "async fn name<T>() {}", "a #[dacapo::test] is not generic");
    check("", "async fn name();", "#[dacapo::test] needs a function with a body");
    check(
        "",
        "pub async fn name() -> Result<(), E> { x }",
        "pub fn name() { async fn name() -> Result<(), E> { x }",
    );
}
