//! The page of a run, in a real browser: Chromium, without a screen. Skipped where there is none.

#[path = "../support/mod.rs"]
mod support;

mod driver;

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use dacapo::scheduler::Random;
use dacapo::task::{spawn_named, yield_now};
use dacapo::time::sleep;
use dacapo::{Builder, Trace};
use driver::{Browser, key};
use serde_json::json;
use support::millis;
use support::pictures::{HOSTILE, everything, hostile, relay, trace_of};

/// A page in a file of its own.
fn page(name: &str, html: impl std::fmt::Display) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("{name}.html"));
    std::fs::write(&path, html.to_string()).expect("there is room for a page");
    path
}

/// Loads a page into a browser, if there is one, and looks at it; nothing may have gone wrong in it, and
/// nothing may have been asked for from elsewhere.
fn check(page: PathBuf, look: impl FnOnce(&Browser)) {
    let Some(browser) = Browser::open() else { return };
    browser.load(&page);
    look(&browser);
    assert_eq!(browser.complaints(), json!([]));
    assert_eq!(browser.eval("return performance.getEntriesByType('resource').length"), 0);
}

/// What the events of a trace are called in the detail of the page.
fn events(trace: &Trace) -> Vec<String> {
    trace.events().map(|(position, event)| trace.describe(position, event)).collect()
}

const FOCUSED: &str = "return document.activeElement.id";
const DETAIL: &str =
    "return [...document.querySelectorAll('#detail li')].map((li) => li.textContent)";
/// The event that is picked.
const SELECTED: &str = "document.querySelector('[aria-selected=true]')";

#[test]
fn every_event_is_on_the_page_and_reached_by_keys() {
    let trace = trace_of("d1:1.0.1", everything);
    check(page("everything", trace.html().title("all & everything")), |browser| {
        assert_eq!(browser.text("return document.title"), "all & everything · dacapo");
        let names =
            "return [...document.querySelectorAll('.names bdi')].map((name) => name.textContent)";
        assert_eq!(browser.eval(names), json!(["main", "waiter", "main/2", "main/3"]));
        let said = browser.text("return document.querySelector('.count').textContent");
        assert_eq!(said, format!("{} events · 10 steps · 5 ms", trace.events().count()));

        browser.press(key::HOME);
        let rows = browser.number("return document.querySelectorAll('.line').length");
        let all =
            browser.text("return document.getElementById('sheet').getAttribute('aria-rowcount')");
        assert_eq!(all, rows.to_string());
        let mut seen = Vec::new();
        for row in 0..rows {
            assert_eq!(browser.text(FOCUSED), format!("e0-{row}"));
            let detail = browser.eval(DETAIL);
            let texts = detail.as_array().expect("a list");
            seen.extend(texts.iter().map(|text| text.as_str().expect("a text").to_owned()));
            browser.press(key::DOWN);
        }
        assert_eq!(seen, events(&trace));
        // A running task has a bar, a waiting one a ring; arrows lead to tasks that are spawned, woken or aborted.
        let drawn = |what: &str| {
            browser.number(&format!("return document.querySelectorAll('#sheet .{what}').length"))
        };
        assert_eq!((drawn("arrow"), drawn("turn")), (6, 2));
    });
}

/// Two deposits that read, wait and write.
async fn deposits() {
    let balance = Rc::new(Cell::new(0));
    let deposit = |name: &str, amount, waits| {
        let balance = balance.clone();
        spawn_named(name, async move {
            sleep(millis(5)).await;
            let read = balance.get();
            if waits {
                yield_now().await;
            }
            balance.set(read + amount);
        })
    };
    for task in [deposit("alice", 10, false), deposit("bob", 20, true)] {
        task.await.unwrap();
    }
    assert_eq!(balance.get(), 30, "money was lost");
}

/// The page that a report names.
fn reported() -> PathBuf {
    let builder = Builder::new().fresh_process(false);
    let error = builder.try_check(Random::default(), deposits).expect_err("money can be lost");
    let report = error.to_string();
    let line = report.lines().find_map(|line| line.strip_prefix("look at it   "));
    std::path::absolute(line.expect("the report names the page")).expect("it is a path")
}

#[test]
fn a_failure_stands_beside_the_nearest_run_that_passes() {
    check(reported(), |browser| {
        let heads = "return [...document.querySelectorAll('.run')].map((run) => run.dataset.is)";
        assert_eq!(browser.eval(heads), json!(["fails", "passes"]));
        let failure = browser.text("return document.getElementById('failure').textContent");
        assert!(failure.contains("money was lost"), "{failure}");

        // Up to the first difference both did the same, and equal moments are aligned.
        let texts = "const texts = (run) => [...document.querySelectorAll(`.side[data-run=\"${run}\"]`)]
            .sort((a, b) => a.dataset.line - b.dataset.line)
            .map((side) => [side.querySelector('.what').textContent, side.getBoundingClientRect().top]);
            return [texts(0), texts(1)]";
        let texts = browser.eval(texts);
        let [fails, passes] = [0, 1].map(|run| texts[run].as_array().expect("a list").clone());
        let parting = browser.number("return data.parting") as usize;
        assert!(parting > 0 && fails.len() == passes.len());
        assert_eq!(fails[..parting], passes[..parting]);
        assert_ne!(fails[parting][0], passes[parting][0]);
        assert!(fails.iter().zip(&passes).all(|(a, b)| a[1] == b[1]), "{fails:?} {passes:?}");
        // The mark is just above that line.
        let mark = browser
            .number("return document.querySelector('.parting').getBoundingClientRect().bottom");
        assert_eq!(mark, fails[parting][1].as_f64().expect("a place").round() as i64);
        // It is what one sees first.
        assert_eq!(browser.text(&format!("return {SELECTED}.id")), format!("e0-{parting}"));
        // The same moment is at the same height, also after that.
        let jumps = "return [0, 1].map((run) => [...document.querySelectorAll(
            `.side[data-run=\"${run}\"][data-jump]`)].map((side) => side.dataset.line))";
        let jumps = browser.eval(jumps);
        assert_eq!(jumps[0], jumps[1]);
    });
}

#[test]
fn keys_move_the_focus() {
    check(reported(), |browser| {
        let lane = || browser.text(&format!("return {SELECTED}.querySelector('bdi').textContent"));
        let line = || browser.number(&format!("return Number({SELECTED}.dataset.line)"));
        let selected_has_focus =
            || browser.eval(&format!("return document.activeElement === {SELECTED}"));
        browser.press(key::HOME);
        assert_eq!((line(), lane().as_str(), selected_has_focus()), (0, "main", json!(true)));
        browser.press("jjk");
        assert_eq!(line(), 1);
        browser.press(key::RIGHT);
        assert_eq!(lane(), "alice");
        browser.press(key::RIGHT);
        assert_eq!(lane(), "bob");
        browser.press(key::LEFT);
        assert_eq!((lane().as_str(), selected_has_focus()), ("alice", json!(true)));
        // Along the lane, and back.
        let before = line();
        browser.press("J");
        assert!(line() > before && lane() == "alice");
        browser.press("K");
        assert_eq!(line(), before);
        // From a spawn to the first turn of the spawned task, and back.
        browser.press(key::HOME);
        browser.press("j");
        browser.press("f");
        assert_eq!((lane().as_str(), line() > 1), ("alice", true));
        browser.press("b");
        assert_eq!(line(), 1);
        // The deviation, the difference, the other run, the end.
        browser.press("n");
        assert_eq!(browser.eval(&format!("return {SELECTED}.hasAttribute('data-odd')")), true);
        browser.press("d");
        assert_eq!(line(), browser.number("return data.parting"));
        browser.press(key::TAB);
        assert_eq!(browser.text(FOCUSED), format!("e1-{}", line()));
        assert_eq!(selected_has_focus(), true);
        browser.press(key::END);
        assert_eq!(
            browser.text(&format!("return {SELECTED}.ariaLabel.slice(0, 12)")),
            "main returns"
        );
        browser.press(key::UP);
        // Finding.
        browser.press("/");
        assert_eq!(browser.text(FOCUSED), "find");
        browser.press("spawns bob");
        browser.press(key::ENTER);
        browser.press(key::ESCAPE);
        assert_eq!(
            browser.text(&format!("return {SELECTED}.querySelector('.what').textContent")),
            "mainspawns bob"
        );
        assert_eq!(selected_has_focus(), true);
        // Help.
        browser.press("?");
        assert_eq!(browser.eval("return document.getElementById('help').open"), true);
        browser.press(key::ESCAPE);
        assert_eq!(browser.eval("return document.getElementById('help').open"), false);
    });
}

/// Texts whose contrast to their background, as WCAG 2 computes it, is too low.
const CONTRAST: &str = "
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => {
        const [r, g, b] = parts(color).map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const color = getComputedStyle(e).backgroundColor;
            if (parts(color)[3] !== 0) return color;
        }
    };
    const all = ['h1', '#failure', '#facts dt', '.count', '.names bdi', '.time', '.step', '.text', '.odd', '#detail li', '#detail small',
                 '.side[data-same] .text'];
    return all.flatMap((what) => [...document.querySelectorAll(what)]).map((element) => {
        const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML];
    }).filter(([contrast]) => contrast < 4.5)";

#[test]
fn it_is_light_or_dark_as_one_likes() {
    check(reported(), |browser| {
        let paper = || {
            let color = browser.text("return getComputedStyle(document.body).backgroundColor");
            let first = color.trim_start_matches("rgb(").split(',').next().unwrap().parse::<u8>();
            if first.expect("a color") > 128 { "light" } else { "dark" }
        };
        for scheme in ["dark", "light"] {
            browser.prefer(scheme);
            assert_eq!(paper(), scheme);
            assert_eq!(browser.eval(CONTRAST), json!([]), "{scheme}");
        }
        // Against what the system prefers, and back.
        browser.press("t");
        assert_eq!(paper(), "dark");
        browser.press("t");
        assert_eq!(paper(), "light");
    });
}

#[test]
fn thousands_of_events_are_no_trouble() {
    let trace = trace_of("d1:0x30.2", async || relay(20, 80).await);
    let other = trace_of("d1:", async || relay(20, 80).await);
    assert!(trace.events().count() > 5_000);
    check(page("thousands", trace.html().beside(&other)), |browser| {
        let lines = "return document.querySelectorAll('.line').length";
        // What is not in sight is not in the document.
        assert!((10..120).contains(&browser.number(lines)));
        assert_eq!(
            browser.number(
                "return document.querySelectorAll('.run')[0].querySelectorAll('bdi').length"
            ),
            21
        );
        browser.press(key::END);
        let last = events(&trace).pop().expect("it has events");
        assert_eq!(browser.eval(DETAIL).as_array().expect("a list").last(), Some(&json!(last)));
        assert!((10..120).contains(&browser.number(lines)));
        assert_eq!(browser.text("return document.querySelector('.now').textContent"), "8 ms");
        // It is in sight.
        let below = format!("return innerHeight - {SELECTED}.getBoundingClientRect().bottom");
        assert!(browser.number(&below) > 0);
        // All events are there, though not in the document.
        let counts = browser
            .eval("return runs.map((run) => run.rows.flatMap((row) => row?.events ?? []).length)");
        assert_eq!(counts, json!([trace.events().count(), other.events().count()]));
    });
}

#[test]
fn texts_are_only_texts() {
    let trace = hostile();
    let long = "</script><script>window.hurt = 1</script>".repeat(300);
    let title = format!("{}{long}", HOSTILE.concat());
    check(page("hostile", trace.html().title(&title)), |browser| {
        assert!(browser.eval("return window.hurt ?? null").is_null());
        let elements =
            "return [document.scripts.length, document.images.length, document.links.length,
            document.querySelectorAll('b, form, iframe, object, link').length]";
        // The data and the script; the form of the help, and the icon that is none.
        assert_eq!(browser.eval(elements), json!([2, 0, 0, 2]));
        let names = browser.eval("return data.lanes");
        assert_eq!(names[1], HOSTILE[0]);
        let shown =
            "return [...document.querySelectorAll('.names bdi')].map((name) => name.textContent)";
        assert_eq!(browser.eval(shown), names);
        let longest = "return Math.max(...[...document.querySelectorAll('body *')]
            .filter((e) => !e.children.length && e.tagName !== 'SCRIPT').map((e) => e.textContent.length))";
        assert!(browser.number(longest) < 600);
        let controls = "return /[\\u0000-\\u0009\\u000b-\\u001f\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText)";
        assert_eq!(browser.eval(controls), false);
    });
}

#[test]
fn there_is_one_run_at_a_time_where_there_is_no_room() {
    check(reported(), |browser| {
        browser.resize(520, 800);
        let shown =
            "return [...document.querySelectorAll('.run')].map((run) => run.offsetParent !== null)";
        assert_eq!(browser.eval(shown), json!([true, false]));
        let wide = "return [document.body, document.getElementById('scroll')]
            .filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.className)";
        assert_eq!(browser.eval(wide), json!([]));
        browser.eval("document.querySelectorAll('#tabs button')[1].click()");
        assert_eq!(browser.eval(shown), json!([false, true]));
        browser.resize(1400, 900);
        assert_eq!(browser.eval(shown), json!([true, true]));
    });
}
