//! A long story made short: what repeats is told once, and what made the run special is not left out.

use std::collections::HashMap;

use super::story::StoryLine;

/// A part of a story.
pub(super) enum Part<'a> {
    Line(&'a StoryLine),
    /// The last lines, this many, come so often again.
    Again {
        lines: usize,
        times: usize,
    },
    LeftOut(usize),
}

impl<'a> Part<'a> {
    pub(super) fn line(&self) -> Option<&'a StoryLine> {
        match self {
            Self::Line(line) => Some(line),
            Self::Again { .. } | Self::LeftOut(_) => None,
        }
    }
}

/// The longest block of lines that is recognised when it comes again.
const BLOCK: usize = 24;
/// How often it has to come again, and how many lines that has to save.
const TIMES: usize = 3;
const SAVED: usize = 12;
/// How many lines with a deviation are shown of what is left out.
const SPECIAL: usize = 8;

/// The story with repetitions folded, in at most `most` parts and those that are not to be missed.
pub(super) fn fold(lines: &[StoryLine], most: usize) -> Vec<Part<'_>> {
    let keys = keys(lines);
    let mut parts = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some((block, times)) = repetition(&keys[at..]) else {
            parts.push(Part::Line(&lines[at]));
            at += 1;
            continue;
        };
        parts.extend(lines[at..at + block].iter().map(Part::Line));
        parts.push(Part::Again { lines: block, times });
        at += block * (times + 1);
    }
    cut(parts, most)
}

/// The block at the beginning that comes again often enough, and how often.
fn repetition(keys: &[u32]) -> Option<(usize, usize)> {
    (1..=BLOCK.min(keys.len() / (TIMES + 1))).find_map(|block| {
        let (first, rest) = keys.split_at(block);
        let times = rest.chunks_exact(block).take_while(|again| *again == first).count();
        (times >= TIMES && times * block >= SAVED).then_some((block, times))
    })
}

/// Equal numbers for lines that say the same, whenever that was. A line with a deviation is like no other.
fn keys(lines: &[StoryLine]) -> Vec<u32> {
    let mut known = HashMap::new();
    let mut next = 0;
    let mut number = |text: Option<String>| {
        next += 1;
        text.map_or(next, |text| *known.entry(text).or_insert(next))
    };
    lines
        .iter()
        .map(|line| {
            number(match line {
                StoryLine::Act(act) if act.asides.is_empty() => {
                    Some(format!("{:?} {}", act.task, without_numbers(&act.text)))
                }
                StoryLine::Pause(passed, asides) if asides.is_empty() => {
                    Some(format!("{passed:?}"))
                }
                _ => None,
            })
        })
        .collect()
}

fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii_digit() {
            true if out.ends_with('#') => {}
            true => out.push('#'),
            false => out.push(c),
        }
    }
    out
}

/// The last parts, and before them those lines with a deviation that come last.
fn cut(parts: Vec<Part<'_>>, most: usize) -> Vec<Part<'_>> {
    let early = parts.len().saturating_sub(most);
    if early == 0 {
        return parts;
    }
    let is_special = |part: &Part<'_>| match part {
        Part::Line(StoryLine::Act(act)) => !act.asides.is_empty(),
        Part::Line(StoryLine::Pause(_, asides)) => !asides.is_empty(),
        Part::Again { .. } | Part::LeftOut(_) => false,
    };
    let all = parts[..early].iter().filter(|part| is_special(part)).count();
    let mut others = all.saturating_sub(SPECIAL);
    let (mut out, mut left_out) = (Vec::new(), 0);
    for (place, part) in parts.into_iter().enumerate() {
        let is_kept = place >= early
            || is_special(&part) && {
                let is_one_of_the_last = others == 0;
                others = others.saturating_sub(1);
                is_one_of_the_last
            };
        if !is_kept {
            left_out += match part {
                Part::Line(_) => 1,
                Part::Again { lines, times } => lines * times,
                Part::LeftOut(lines) => lines,
            };
            continue;
        }
        if left_out > 0 {
            out.push(Part::LeftOut(std::mem::take(&mut left_out)));
        }
        out.push(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line for each letter; a capital is a line with a deviation.
    #[track_caller]
    fn check(story: &str, most: usize, expected: &str) {
        use super::super::story::{Act, Aside, Mark};
        use crate::trace::{Position, TaskId};
        let lines: Vec<StoryLine> = story
            .chars()
            .map(|c| {
                let aside = Aside { choice: 0, what: String::new() };
                let asides = if c.is_ascii_uppercase() { vec![aside] } else { Vec::new() };
                let (position, task) = (Position::default(), TaskId::MAIN);
                StoryLine::Act(Act {
                    position,
                    task,
                    text: c.to_string(),
                    mark: Mark::None,
                    asides,
                })
            })
            .collect();
        let mut told = String::new();
        for part in fold(&lines, most) {
            match part {
                Part::Line(StoryLine::Act(act)) => told.push_str(&act.text),
                Part::Line(StoryLine::Pause(..)) => {}
                Part::Again { lines, times } => told.push_str(&format!("({lines}*{times})")),
                Part::LeftOut(lines) => told.push_str(&format!("[{lines}]")),
            }
        }
        assert_eq!(told, expected, "{story}");
    }

    #[test]
    fn what_repeats_is_told_once() {
        check("abcabc", 60, "abcabc");
        check(&"ab".repeat(7), 60, "ab(2*6)");
        check(&format!("x{}y", "abc".repeat(101)), 60, "xabc(3*100)y");
        check(&format!("{}X{}", "a".repeat(20), "a".repeat(20)), 60, "a(1*19)Xa(1*19)");
        check("", 60, "");
    }

    #[test]
    fn deviations_are_kept_of_what_is_left_out() {
        check("abcDefghij", 3, "[3]D[3]hij");
        check("abcdefg", 3, "[4]efg");
        check("ABCDEFGHIJxyz", 3, "[2]CDEFGHIJxyz");
    }
}
