//! What makes a failure, in words.

use std::fmt;

use super::count;
use crate::schedule::Schedule;
use crate::session::{Awaited, Standing, show_place};
use crate::trace::{Asked, Event, Position, Trace, Wait};

/// The longest schedule that is a part of a sentence.
const LONGEST: usize = 60;

const OTHER_WAY_ROUND: &str = "the other way round it passes";

/// Why a run fails: the nearest run that passes, and what makes the difference.
///
/// Its text (`Display`) is the part of the report that says so.
#[derive(Clone, Debug)]
pub struct Explanation {
    sentence: String,
    tasks: Option<(String, String)>,
    /// Where the two stood, each after its name.
    places: Vec<(String, String)>,
    passing: Option<Schedule>,
    chances: Option<String>,
    inevitable_from: Option<u64>,
}

/// The difference between a run that fails and the nearest run that passes.
pub(crate) enum Why {
    /// The order of two turns, and what is known to pass.
    Order { scene: Scene, proof: Proof },
    /// The answer to a choice other than of tasks, and whether the run passes with nothing else changed.
    Answer { choice: usize, step: u64, instead: u32, alone: bool },
    /// Something else, which has no short name.
    Passing,
    /// There is only one run.
    Unchosen { drawn: Option<u64> },
    /// All runs that were made fail. This many of them were different.
    Always { runs: usize, only_orders: bool },
}

/// What was seen to pass, of a failure for which the order of two turns matters.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// The run with these two turns swapped, and no others.
    Swapped,
    /// The run in which a task was not held back, or did not stay ahead, by this choice of this step; at most for
    /// one turn, if `once`.
    NotLasting { choice: usize, step: u64, once: bool },
    /// Another run. With these two turns swapped, and no others, it was seen to fail, if `fails`.
    Other { fails: bool },
}

/// Two turns in a run, and where the tasks had stood.
pub(crate) struct Scene {
    pub(crate) early: Stance,
    pub(crate) late: Stance,
    /// The choice by which the first one had its turn, if it was not alone.
    pub(crate) choice: Option<usize>,
    pub(crate) step: u64,
}

/// A task, and where it stood before its turn.
pub(crate) struct Stance {
    pub(crate) name: String,
    /// Whether the task exists in this run.
    pub(crate) is_spawned: bool,
    pub(crate) standing: Option<Standing>,
}

/// How often random continuations of a run fail.
pub(crate) struct Chances {
    /// Of this many points of the run, in order.
    pub(crate) shares: Vec<f64>,
    /// How many were made from each.
    pub(crate) walks: usize,
    /// The choice, and its step, from which on all of them fail.
    pub(crate) inevitable: Option<(usize, u64)>,
}

impl Explanation {
    pub(crate) fn new(
        trace: &Trace,
        schedule: &Schedule,
        why: Why,
        passing: Option<Schedule>,
        chances: Option<Chances>,
    ) -> Self {
        let usual = schedule.deviations() == 0;
        let (mut tasks, mut places) = (None, Vec::new());
        // Nobody reads a longer line.
        let short = passing.as_ref().map(Schedule::to_string).filter(|text| text.len() <= LONGEST);
        let among_others = |text: &str, fails: bool| match &short {
            Some(passing) => format!("{text}, among others: it passes under `{passing}`"),
            None if fails => {
                format!("{text}, among others: with that alone otherwise, it still fails")
            }
            None => format!("{text}, among others"),
        };
        let sentence = match &why {
            Why::Order { scene, proof } => {
                let (early, late) = (&scene.early.name, &scene.late.name);
                let verbs = ["ran from", "stood at"];
                for (verb, stance) in verbs.into_iter().zip([&scene.early, &scene.late]) {
                    if let Some(text) = stands(trace, verb, stance) {
                        places.push((stance.name.clone(), text));
                    }
                }
                tasks = Some((early.clone(), late.clone()));
                let when = when(trace, scene.step, scene.choice);
                let text = format!("{early} ran before {late} {when}");
                match *proof {
                    Proof::Swapped => format!("{text}: {OTHER_WAY_ROUND}"),
                    Proof::NotLasting { choice, step, once } => {
                        lasting(trace, choice, step, once).unwrap_or(text)
                    }
                    Proof::Other { fails } => among_others(&text, fails),
                }
            }
            Why::Answer { choice, step, instead, alone } => {
                let when = when(trace, *step, Some(*choice));
                let (text, otherwise) = answered(trace, *choice, *instead, &when);
                match alone {
                    true => format!("{text}: {otherwise}"),
                    false => among_others(&text, false),
                }
            }
            Why::Passing => match &short {
                Some(passing) => format!("it passes under `{passing}`"),
                None => "it passes under other schedules".to_owned(),
            },
            Why::Unchosen { drawn: None } => {
                "it fails always: there was nothing to choose".to_owned()
            }
            Why::Unchosen { drawn: Some(seed) } => format!(
                "it fails under all schedules with the random values of seed {seed}: there was nothing else to choose"
            ),
            Why::Always { runs, only_orders } => {
                let noun = if *only_orders { "order" } else { "run" };
                match runs {
                    1 => format!("it fails in the one {noun} that was tried"),
                    2 => format!("it fails in both {noun}s that were tried"),
                    runs => format!("it fails in all of the {runs} {noun}s that were tried"),
                }
            }
        };
        let sentence = match why {
            Why::Order { .. } | Why::Answer { .. } if usual => {
                format!("in the usual order, {sentence}")
            }
            _ => sentence,
        };
        let inevitable_from =
            chances.as_ref().and_then(|chances| chances.inevitable).map(|(_, step)| step);
        let chances = chances.as_ref().map(Chances::to_string);
        Self { sentence, tasks, places, passing, chances, inevitable_from }
    }

    /// The two tasks whose order makes the difference: the one that ran too early, and the one that had
    /// to run first. `None` if something else makes the difference, such as a timeout, or nothing does.
    pub fn tasks(&self) -> Option<(&str, &str)> {
        self.tasks.as_ref().map(|(early, late)| (early.as_str(), late.as_str()))
    }

    /// What makes the difference, in a sentence without places in the source.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The nearest schedule that was found to pass.
    pub fn passing(&self) -> Option<&Schedule> {
        self.passing.as_ref()
    }

    /// The step from which on every random continuation of the run failed; 0 if all runs do.
    pub fn inevitable_from(&self) -> Option<u64> {
        self.inevitable_from
    }

    /// The same as facts, each after a word for it.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("why", self.sentence.clone())];
        let width = self.places.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, text) in &self.places {
            facts.push(("", format!("{name:<width$}   {text}")));
        }
        if let Some(chances) = &self.chances {
            facts.push(("no return", chances.clone()));
        }
        facts
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::format::facts(f, &self.facts())
    }
}

/// `at 10 ms (choice 3, step 7)`.
fn when(trace: &Trace, step: u64, choice: Option<usize>) -> String {
    let mut events = trace.events().map(|(position, _)| position);
    let time = events.find(|position| position.step >= step).map(|position| position.time);
    let at = time.map_or_else(String::new, |time| format!("at {time} "));
    let choice = choice.map_or_else(String::new, |choice| format!("choice {choice}, "));
    format!("{at}({choice}step {step})")
}

/// Where a task stood before its turn, as far as that is known.
fn stands(trace: &Trace, verb: &str, stance: &Stance) -> Option<String> {
    if !stance.is_spawned {
        return Some("was not spawned in this run".to_owned());
    }
    let Standing { spawned, started, awaited, .. } = stance.standing?;
    let spawned = spawned.map(show_place);
    if !started {
        return spawned.map(|place| format!("{verb} {place} (spawned there)"));
    }
    let Awaited { wait, place } = awaited;
    let what = match wait {
        Wait::Turn => Some("having yielded".to_owned()),
        Wait::Other => None,
        wait => Some(trace.describe_wait(wait)),
    };
    let what_in_brackets =
        |what: Option<&String>| what.map_or_else(String::new, |what| format!(" ({what})"));
    match (place, spawned) {
        (Some(place), _) => {
            Some(format!("{verb} {}{}", show_place(place), what_in_brackets(what.as_ref())))
        }
        // A future without a place: which task it is can be said.
        (None, spawned) => {
            let what = what.map(|what| format!("had waited {what}"));
            let spawned = spawned.map(|place| format!("was spawned at {place}"));
            let both: Vec<String> = spawned.into_iter().chain(what).collect();
            (!both.is_empty()).then(|| both.join(", and "))
        }
    }
}

/// A choice of a run, as far as its trace has it, and the answer.
fn asked(trace: &Trace, choice: usize) -> Option<(Position, Asked, u32)> {
    let is_it = |position: &Position| position.choices == choice as u64 + 1;
    trace.events().find_map(|(position, event)| match event {
        Event::Choice { asked, answer, .. } if is_it(&position) => Some((position, asked, answer)),
        _ => None,
    })
}

/// What an answer that lasts did, and that the run passes without it.
fn lasting(trace: &Trace, choice: usize, step: u64, once: bool) -> Option<String> {
    let (position, asked, answer) = asked(trace, choice)?;
    let what = trace.fill(asked.words(answer).sentence, position, asked, answer);
    let otherwise = if once { "if only for this turn" } else { "otherwise" };
    let when = when(trace, step, Some(choice));
    Some(format!("{when} {what}: {otherwise} it passes"))
}

/// What a choice that is not one of tasks did, and what passes instead.
fn answered(trace: &Trace, choice: usize, instead: u32, when: &str) -> (String, String) {
    let asked = asked(trace, choice);
    let Some((position, asked, answer)) = asked else {
        return (
            format!("a choice was answered so {when} that it fails"),
            OTHER_WAY_ROUND.to_owned(),
        );
    };
    let row = asked.question.row();
    let fill = |text: &str| trace.fill(text, position, asked, answer);
    let (words, instead_words) = (asked.words(answer), asked.words(instead));
    let text = match words.sentence {
        "" => format!("{when} the answer to \"{}\" was \"{}\"", fill(row.about), fill(words.text)),
        sentence => format!("{when} {}", fill(sentence)),
    };
    let otherwise = match answer {
        0 if asked.question.is_fault() => {
            format!("with \"{}\" it passes", fill(instead_words.text))
        }
        _ => row.otherwise.replace("{instead}", &instead.to_string()),
    };
    (text, otherwise)
}

impl fmt::Display for Chances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        for share in &self.shares {
            // The last bar is for all of them only, and the first for none.
            let bar = match *share {
                share if share <= 0.0 => 0,
                share if share >= 1.0 => 7,
                share => 1 + (share * 6.0) as usize,
            };
            write!(f, "{}", BARS[bar.min(7)])?;
        }
        let Self { walks, .. } = self;
        let first = self.shares.first().map_or(0.0, |share| share * 100.0);
        let from = match self.inevitable {
            Some((_, 0)) => {
                return match walks {
                    1 => write!(f, "   the one random walk from the start fails like this"),
                    _ => write!(f, "   all of {walks} random walks from the start fail like this"),
                };
            }
            Some((choice, step)) => format!("from choice {choice} (step {step}) on, all do"),
            None => "only after the last choice all do".to_owned(),
        };
        let walks = count(*walks, "random walk");
        write!(f, "   {first:.0} % of {walks} from the start fail like this; {from}")
    }
}
