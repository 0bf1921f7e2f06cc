//! A run as strips of marbles, as they are known from reactive streams: <https://rxmarbles.com>, and the
//! text of RxJS's marble tests.

use std::fmt;

use super::legend::legend;
use super::{count, in_order};
use crate::instant::Instant;
use crate::numbering::Numbering;
use crate::question::Question;
use crate::trace::{Ending, Event, Position, TaskId, Trace, printable};

/// The widest that a block is, in characters.
const WIDTH: usize = 100;
/// The longest name of a task.
const NAME: usize = 24;
/// The most blocks, the last ones, and the most strips in each.
const BLOCKS: usize = 10;
const STRIPS: usize = 50;
/// Between two instants.
const GAP: usize = 3;

const TURN: char = '○';
const EARLY: char = '◆';
const SPAWNED: char = '^';
const RETURNED: char = '|';
const PANICKED: char = '#';
const CANCELLED: char = '×';
/// What was said when there are no letters left.
const MORE: char = '*';
const JUMP: char = '…';

const MEANINGS: [(char, &str); 8] = [
    (TURN, "a turn"),
    (EARLY, "a turn that an ordinary event loop would not have given"),
    (SPAWNED, "is spawned"),
    (RETURNED, "returns"),
    (PANICKED, "panics"),
    (CANCELLED, "is cancelled"),
    (MORE, "more notes; no letter is left"),
    (JUMP, "no task was ready, and the clock jumped"),
];

impl Trace {
    /// A strip for each task on one scale of turns and virtual time, with a legend.
    ///
    /// A column is a turn, and a task that has one is marked there; letters stand for what it has
    /// [noted](crate::trace!), or was answered by [`choose`](crate::choose). What is wider than 100
    /// characters goes on in another block. Of a long run, the last ten blocks are shown. A block has
    /// at most 50 tasks, those that do something in it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use dacapo::{task::spawn_named, time::sleep};
    ///
    /// let run = dacapo::run(async || {
    ///     let tasks = [("slow", 9), ("fast", 4)].map(|(name, seconds)| {
    ///         spawn_named(name, async move {
    ///             sleep(Duration::from_secs(seconds)).await;
    ///             dacapo::trace!("seconds", seconds);
    ///         })
    ///     });
    ///     for task in tasks {
    ///         task.await.unwrap();
    ///     }
    /// });
    /// let text = "
    /// time   0 ms   4000 ms   9000 ms
    /// main   ○────…─────────…───|
    /// slow   ^○───…─────────…─b|
    /// fast   ^─○──…─a|
    ///
    /// ○  a turn
    /// ^  is spawned
    /// |  returns
    /// …  no task was ready, and the clock jumped
    /// a  seconds: 4
    /// b  seconds: 9
    /// ";
    /// assert_eq!(format!("\n{}", run.trace().marbles()), text);
    /// ```
    pub fn marbles(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| f.write_str(&Strips::of(self).text(self)))
    }
}

/// What is drawn: columns of marks.
#[derive(Default)]
struct Strips {
    columns: Vec<Column>,
    /// Of the ids of tasks.
    numbers: Numbering,
    lives: Vec<Life>,
    letters: Letters,
}

/// From which column, and to which, a task has a strip.
struct Life {
    task: TaskId,
    start: usize,
    end: Option<usize>,
}

struct Column {
    position: Position,
    /// One for each task at most, in the order of tasks.
    marks: Vec<(TaskId, char)>,
}

impl Column {
    fn find(&self, task: TaskId) -> Result<usize, usize> {
        self.marks.binary_search_by(|(of, _)| of.cmp(&task))
    }

    fn put(&mut self, task: TaskId, mark: char) {
        match self.find(task) {
            Ok(place) => self.marks[place].1 = mark,
            Err(place) => self.marks.insert(place, (task, mark)),
        }
    }

    fn get(&self, task: TaskId) -> Option<char> {
        self.find(task).ok().map(|place| self.marks[place].1)
    }

    fn get_mut(&mut self, task: TaskId) -> Option<&mut char> {
        self.find(task).ok().map(|place| &mut self.marks[place].1)
    }
}

/// What was said, each text with its letter, in the order in which they came.
#[derive(Default)]
struct Letters(Vec<String>);

impl Letters {
    const ALL: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    fn of(&mut self, text: String) -> char {
        let known = self.0.iter().position(|known| *known == text);
        let place = known.unwrap_or(self.0.len());
        match Self::ALL.chars().nth(place) {
            Some(letter) => {
                if known.is_none() {
                    self.0.push(text);
                }
                letter
            }
            None => MORE,
        }
    }
}

impl Strips {
    fn of(trace: &Trace) -> Self {
        let mut strips = Self::default();
        let mut early = None;
        for (position, event) in trace.events() {
            let task = event.actor(position);
            match event {
                Event::Spawn { task: child, .. } if child != TaskId::MAIN => strips.spawn(child),
                Event::Choice { asked, answer, .. } if asked.question == Question::Value => {
                    let text = trace.fill(asked.words(answer).act, position, asked, answer);
                    let letter = strips.letters.of(text);
                    strips.mark(position, task, letter);
                }
                Event::Choice { asked, .. } if event.is_deviation() => {
                    let next = asked.question == Question::Next;
                    match strips.turn(position, task) {
                        Some(turn) if !next && *turn == TURN => *turn = EARLY,
                        _ => early = Some(task),
                    }
                }
                Event::Poll { .. } => {
                    let early = early.take() == Some(task);
                    strips.mark(position, task, if early { EARLY } else { TURN });
                }
                Event::Note { label, value, .. } => {
                    let letter = strips.letters.of(trace.describe_note(label, value));
                    strips.mark(position, task, letter);
                }
                Event::End { how, .. } => {
                    match how {
                        Ending::Returned => strips.mark(position, task, RETURNED),
                        Ending::Panicked => strips.mark(position, task, PANICKED),
                        Ending::Cancelled => strips.mark(position, task, CANCELLED),
                        Ending::Dropped => {}
                    }
                    let last = strips.columns.len().saturating_sub(1);
                    if let Some(number) = strips.numbers.get(task.as_u32().into()) {
                        strips.lives[number].end = Some(last);
                    }
                }
                _ => {}
            }
        }
        strips
    }

    /// A task that is spawned by the one whose turn it is.
    fn spawn(&mut self, task: TaskId) {
        let Some(column) = self.columns.last_mut() else { return };
        column.put(task, SPAWNED);
        self.live(task);
    }

    /// The last column is the first one of a task, unless it has a strip already.
    fn live(&mut self, task: TaskId) {
        if self.numbers.number(task.as_u32().into()) == self.lives.len() {
            self.lives.push(Life { task, start: self.columns.len() - 1, end: None });
        }
    }

    /// The mark of a task in this very turn, the last one.
    fn turn(&mut self, position: Position, task: TaskId) -> Option<&mut char> {
        let turn = self.columns.last_mut().filter(|column| column.position.step == position.step);
        turn?.get_mut(task)
    }

    /// Marks a task in the column of its turn, if nothing else is shown there.
    fn mark(&mut self, position: Position, task: TaskId, mark: char) {
        match self.turn(position, task) {
            Some(turn) if *turn == TURN => *turn = mark,
            _ => {
                let marks = vec![(task, mark)];
                self.columns.push(Column { position, marks });
            }
        }
        self.live(task);
    }

    fn text(&self, trace: &Trace) -> String {
        let name = |life: &Life| printable(&trace.names().get(life.task).to_string(), NAME);
        let names: Vec<String> = self.lives.iter().map(name).collect();
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(4);
        let mut text = String::new();
        let blocks = self.blocks(WIDTH - longest);
        let left_out = blocks.len().saturating_sub(BLOCKS);
        let shown = &blocks[left_out..];
        let first = shown.first().and_then(|block| block.first()).map_or(0, |it| it.columns.start);
        if first > 0 {
            text += &format!(
                "… {first} earlier columns are left out; Trace::filter selects what is shown …\n\n"
            );
        }
        for (number, block) in shown.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            let heads: Vec<String> = block
                .iter()
                .map(|piece| format!("{:<1$}", piece.time.to_string(), piece.width))
                .collect();
            let head = heads.join(&" ".repeat(GAP));
            text.push_str(format!("{:<longest$}   {head}", "time").trim_end());
            text.push('\n');
            let (shown, more) = self.shown_in(block);
            for number in shown {
                let (name, strip) = (&names[number], self.strip(&self.lives[number], block));
                text.push_str(format!("{name:<longest$}   {strip}").trim_end());
                text.push('\n');
            }
            if more > 0 {
                text += &format!("… and {}\n", count(more, "more task"));
            }
        }
        text.push_str(&self.legend(first));
        text
    }

    /// The numbers of the tasks that are shown in a block, in the order of spawning, and how many others live in
    /// it.
    fn shown_in(&self, block: &[Piece]) -> (Vec<usize>, usize) {
        let (Some(first), Some(last)) = (block.first(), block.last()) else {
            return (Vec::new(), 0);
        };
        let columns = first.columns.start..last.columns.end;
        let lives = |life: &Life| {
            life.start < columns.end && life.end.is_none_or(|end| end >= columns.start)
        };
        let living = self.lives.iter().filter(|life| lives(life)).count();
        let all = || self.numbers.by_key().filter(|&number| lives(&self.lives[number]));
        if living <= STRIPS {
            return (all().collect(), 0);
        }
        let marks = self.columns[columns.clone()].iter().flat_map(|column| &column.marks);
        let mut marked: Vec<TaskId> = marks.map(|(task, _)| *task).collect();
        marked = in_order(&marked);
        let shown = all().filter(|&number| marked.binary_search(&self.lives[number].task).is_ok());
        let shown: Vec<usize> = shown.take(STRIPS).collect();
        let more = living - shown.len();
        (shown, more)
    }

    /// The columns of an instant each, or of a part of it, side by side in blocks of at most this width.
    fn blocks(&self, width: usize) -> Vec<Vec<Piece>> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (number, column) in self.columns.iter().enumerate() {
            let time = column.position.time;
            match pieces.last_mut() {
                Some(piece) if piece.time == time && piece.columns.len() < width => {
                    piece.columns.end = number + 1;
                }
                _ => pieces.push(Piece { time, columns: number..number + 1, width: 0 }),
            }
        }
        let mut blocks: Vec<Vec<Piece>> = Vec::new();
        let mut left = 0;
        for mut piece in pieces {
            piece.width = piece.columns.len().max(piece.time.to_string().len());
            match blocks.last_mut() {
                Some(block) if piece.width + GAP <= left => {
                    left -= piece.width + GAP;
                    block.push(piece);
                }
                _ => {
                    left = width.saturating_sub(piece.width);
                    blocks.push(vec![piece]);
                }
            }
        }
        blocks
    }

    /// What a block shows of a task.
    fn strip(&self, life: &Life, block: &[Piece]) -> String {
        let &Life { task, start, end } = life;
        let lives = |column: usize| column >= start && end.is_none_or(|end| column < end);
        let line = |column: usize| if lives(column) { '─' } else { ' ' };
        let mut strip = String::new();
        for (number, piece) in block.iter().enumerate() {
            if number > 0 {
                let before = piece.columns.start - 1;
                strip.push(line(before));
                strip.push(if lives(before) { JUMP } else { ' ' });
                strip.push(line(before));
            }
            for column in piece.columns.clone() {
                strip.push(self.columns[column].get(task).unwrap_or_else(|| line(column)));
            }
            let last = piece.columns.end - 1;
            strip.extend((piece.columns.len()..piece.width).map(|_| line(last)));
        }
        strip
    }

    /// What the marks mean that occur from a column on.
    fn legend(&self, first: usize) -> String {
        let columns = &self.columns[first.min(self.columns.len())..];
        let jumps = columns.windows(2).any(|pair| pair[0].position.time != pair[1].position.time);
        let occurs = |mark| {
            columns.iter().any(|column| column.marks.iter().any(|&(_, other)| other == mark))
        };
        let marks =
            MEANINGS.iter().filter(|(mark, _)| if *mark == JUMP { jumps } else { occurs(*mark) });
        let marks = marks.map(|(mark, meaning)| (mark.to_string(), (*meaning).to_owned()));
        let letters = Letters::ALL.chars().map(String::from).zip(self.letters.0.iter().cloned());
        legend(&marks.chain(letters).collect::<Vec<_>>())
    }
}

/// Columns of one instant.
struct Piece {
    time: Instant,
    columns: std::ops::Range<usize>,
    width: usize,
}
