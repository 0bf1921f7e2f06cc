//! The words for questions and their answers.

use super::{Asked, Detail, Event, Moment, Position, Subject, TaskId, Trace, Wait};
use crate::question::fill;

impl Trace {
    /// A text of the table of questions, with what this trace knows in place of the placeholders.
    pub(crate) fn fill(&self, text: &str, position: Position, asked: Asked, answer: u32) -> String {
        let name = |task: TaskId| self.names().get(task).to_string();
        fill(text, |placeholder| match placeholder {
            "task" => name(asked.task().unwrap_or(position.task)),
            "other" => asked.other().map_or_else(|| "another".to_owned(), name),
            "answer" => answer.to_string(),
            "label" => asked.label().map_or_else(String::new, |label| self.shown_label(label)),
            "host" => match asked.subject {
                Subject::Host(host) => format!("host {host}"),
                _ => String::new(),
            },
            "link" => match asked.subject {
                Subject::Link { from, to } => format!("host {from} to host {to}"),
                _ => String::new(),
            },
            "more" => match answer {
                0 | 1 => String::new(),
                2 => " with 1 more task".to_owned(),
                more => format!(" with {} more tasks", more - 1),
            },
            "number" => match asked.detail {
                Detail::Number(number) => number.to_string(),
                _ => String::new(),
            },
            "thing" => match asked.detail {
                Detail::Granted { lock: true, .. } => "lock".to_owned(),
                _ => "permit".to_owned(),
            },
            "deadline" => match asked.detail {
                Detail::Deadline(deadline) => deadline.to_string(),
                _ => String::new(),
            },
            "jump" => self.jump(position).map_or_else(String::new, |to| format!(" to {to},")),
            "nth" => match asked.detail {
                Detail::Await { nth, .. } => nth.to_string(),
                _ => String::new(),
            },
            "when" => match asked.detail {
                Detail::Await { moment: Moment::Woken, .. } => {
                    "after it was woken and before it is polled, having waited".to_owned()
                }
                Detail::In { moment: Moment::Woken, .. } => "before it is polled again".to_owned(),
                _ => "while it waits".to_owned(),
            },
            "moment" => match asked.moment() {
                Some(Moment::Woken) => "though it was woken".to_owned(),
                _ => "while it waits".to_owned(),
            },
            "waits" => {
                let waits = asked.task().and_then(|task| self.waited_for(position, task));
                waits.map_or_else(String::new, |waits| format!(" {waits}"))
            }
            other => unreachable!("dacapo bug: there is no placeholder `{{{other}}}`"),
        })
    }

    /// What a task waited for when it was last put back before this place in the run.
    pub(crate) fn waited_for(&self, until: Position, task: TaskId) -> Option<String> {
        let before = self.events().take_while(|(at, event)| {
            at.choices < until.choices || !matches!(event, Event::Choice { .. })
        });
        let waits = before.filter_map(|(at, event)| match event {
            Event::Wait { task: other, on } if other == task => Some((at.step, on)),
            _ => None,
        });
        let all: Vec<(u64, Wait)> = waits.collect();
        let last = all.last()?.0;
        let texts = all.iter().filter(|(step, _)| *step == last);
        let texts: Vec<_> = texts.map(|(_, on)| self.describe_wait(*on)).collect();
        Some(texts.join(", and "))
    }

    /// To what the clock jumps after a choice.
    fn jump(&self, position: Position) -> Option<crate::instant::Instant> {
        self.events().find_map(|(at, event)| match event {
            Event::Advance { to } if at.choices == position.choices => Some(to),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::Instant;
    use crate::question::Question;

    /// Each text of the table has placeholders that are known, and says something of each subject.
    #[test]
    fn all_texts_can_be_filled() {
        let trace = Trace::default();
        let (task, moment) = (TaskId::MAIN, Moment::Woken);
        let subjects = [
            Subject::Task(task),
            Subject::Label(0),
            Subject::Clock,
            Subject::Host(2),
            Subject::Link { from: 1, to: 2 },
        ];
        let details = [
            Detail::None,
            Detail::Granted { to: None, lock: true },
            Detail::Deadline(Instant::START),
            Detail::Await { nth: 1, moment },
            Detail::In { task, moment },
            Detail::Number(7),
        ];
        for &question in Question::ALL {
            let row = question.row();
            let options = row
                .options
                .iter()
                .flat_map(|words| [words.text, words.sentence, words.aside, words.act]);
            for text in options.chain([row.about]) {
                for subject in subjects {
                    for detail in details {
                        let asked = Asked { question, subject, detail };
                        let filled = trace.fill(text, Position::default(), asked, 1);
                        assert!(!filled.contains(['{', '}']), "{filled}");
                    }
                }
            }
        }
        let about = |subject, text| {
            let asked = Asked::new(Question::Value, subject, Detail::Number(7));
            trace.fill(text, Position::default(), asked, 1)
        };
        assert_eq!(about(Subject::Host(2), "{host} stops"), "host 2 stops");
        let link = Subject::Link { from: 1, to: 2 };
        assert_eq!(about(link, "message {number} from {link}"), "message 7 from host 1 to host 2");
    }
}
