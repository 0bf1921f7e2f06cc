//! Operations as people would draw them: a column for each client, a line for each call and return.

use std::fmt::{self, Debug, Write};

use super::operation::{End, Moment, Operation};
use crate::trace::printable;

/// The widest that a table may be.
const WIDTH: usize = 110;
/// The widest that a cell may be, and the narrowest that is still of use.
const CELLS: std::ops::RangeInclusive<usize> = 14..=44;
/// The most lines shown: the last ones.
const LINES: usize = 60;
/// The width of the times.
const TIME: usize = 12;

/// What a table shows.
pub(super) struct Table<'a, Op, Output> {
    pub(super) clients: &'a [String],
    /// In the order of calls.
    pub(super) operations: &'a [&'a Operation<Op, Output>],
    /// No event after this one.
    pub(super) until: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RowKind {
    Call,
    /// A call with its return, between which nothing is shown.
    Whole,
    Return,
    Drop,
}

struct Row {
    at: Moment,
    operation: usize,
    kind: RowKind,
}

impl<Op: Debug, Output: Debug> Table<'_, Op, Output> {
    fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for (number, operation) in self.operations.iter().enumerate() {
            let mut row = |at: Moment, kind| rows.push(Row { at, operation: number, kind });
            row(operation.called, RowKind::Call);
            match operation.end {
                End::Returned(at, _) if at.event <= self.until => row(at, RowKind::Return),
                End::Dropped(at) if at.event <= self.until => row(at, RowKind::Drop),
                _ => {}
            }
        }
        rows.sort_unstable_by_key(|row| row.at.event);
        rows.dedup_by(|later, row| {
            let whole = row.operation == later.operation
                && later.kind == RowKind::Return
                && row.at.time == later.at.time;
            if whole {
                row.kind = RowKind::Whole;
            }
            whole
        });
        rows
    }

    /// The text of a row, of at most this many characters.
    fn text(&self, row: &Row, most: usize) -> String {
        let Operation { op, end, .. } = self.operations[row.operation];
        let output = match end {
            End::Returned(_, output) => Some(output),
            End::Dropped(_) | End::InFlight => None,
        };
        let mut text = Beginning { text: String::new(), room: most };
        // Once it is full, the rest is not wanted.
        let _ = match (row.kind, output) {
            (RowKind::Whole, Some(output)) => write!(text, "─ {op:?} → {output:?}"),
            (RowKind::Return, Some(output)) => write!(text, "└ → {output:?}"),
            (RowKind::Drop, _) => write!(text, "└ dropped"),
            (RowKind::Call | RowKind::Whole | RowKind::Return, _) => write!(text, "┌ {op:?}"),
        };
        text.end(most)
    }

    /// The event with which an operation is over.
    fn end(&self, operation: usize) -> usize {
        match self.operations[operation].end {
            End::Returned(at, _) | End::Dropped(at) => at.event,
            End::InFlight => usize::MAX,
        }
    }

    fn is_open(&self, operation: usize) -> bool {
        self.end(operation) > self.until
    }

    /// The lines, with a mark at the last return.
    pub(super) fn lines(&self) -> Vec<String> {
        let rows = self.rows();
        let skipped = rows.len().saturating_sub(LINES);
        let shown = &rows[skipped..];
        let mut clients: Vec<usize> =
            self.operations.iter().map(|operation| operation.client).collect();
        clients.sort_unstable();
        clients.dedup();

        let room = (WIDTH - TIME) / clients.len().max(1);
        let mut lines = match room >= CELLS.start() + 3 {
            true => self.columns(shown, &clients, (*CELLS.end()).min(room - 3)),
            false => self.list(shown),
        };
        if skipped > 0 {
            lines.insert(1, format!("{:TIME$}   … {skipped} earlier lines are left out …", ""));
        }
        if let Some(last) = lines.get_mut(rows.len().min(LINES) + usize::from(skipped > 0)) {
            last.push_str("   ◀");
        }
        lines
    }

    fn columns(&self, rows: &[Row], clients: &[usize], most: usize) -> Vec<String> {
        const OPEN: &str = "┆ no return";
        let place = |operation: usize| {
            let client = self.operations[operation].client;
            clients
                .binary_search(&client)
                .expect("dacapo bug: a client with an operation has no column")
        };
        let texts: Vec<String> = rows.iter().map(|row| self.text(row, most)).collect();
        let names: Vec<String> =
            clients.iter().map(|&client| printable(&self.clients[client], most - 1)).collect();
        let mut widths: Vec<usize> = names.iter().map(|name| name.chars().count()).collect();
        let mut widen = |place: usize, text: &str| {
            widths[place] = widths[place].max(text.chars().count());
        };
        for (row, text) in rows.iter().zip(&texts) {
            widen(place(row.operation), text);
        }
        let first = rows.first().map_or(0, |row| row.at.event);
        // The clients that have called and not returned: at first, before the rows that are shown.
        let mut in_flight = vec![false; clients.len()];
        for (number, operation) in self.operations.iter().enumerate() {
            if self.is_open(number) {
                widen(place(number), OPEN);
            }
            in_flight[place(number)] |= operation.called.event < first && self.end(number) >= first;
        }
        let line = |time: &str, cells: Vec<&str>| {
            let mut line = format!("{time:>TIME$}");
            for (cell, width) in cells.iter().zip(&widths) {
                let _ = write!(line, "   {cell:<width$}");
            }
            line.truncate(line.trim_end().len());
            line
        };

        let mut lines = vec![line("time", names.iter().map(String::as_str).collect())];
        for (row, text) in rows.iter().zip(&texts) {
            let own = place(row.operation);
            let cells = in_flight.iter().enumerate().map(|(place, in_flight)| match in_flight {
                _ if place == own => text.as_str(),
                true => "│",
                false => "",
            });
            lines.push(line(&row.at.time.to_string(), cells.collect()));
            in_flight[own] = row.kind == RowKind::Call;
        }
        if in_flight.contains(&true) {
            let cells = in_flight.iter().map(|in_flight| if *in_flight { OPEN } else { "" });
            lines.push(line("", cells.collect()));
        }
        lines
    }

    /// More clients than this would make columns too narrow.
    fn list(&self, rows: &[Row]) -> Vec<String> {
        let client = |row: &Row| {
            let client = self.operations[row.operation].client;
            printable(&self.clients[client], 20)
        };
        let width = rows.iter().map(|row| client(row).chars().count()).max().unwrap_or(0).max(6);
        let mut lines = vec![format!("{:>TIME$}   {:width$}   what it does", "time", "client")];
        lines.extend(rows.iter().map(|row| {
            let text = self.text(row, WIDTH - TIME - 6 - width);
            format!("{:>TIME$}   {:width$}   {text}", row.at.time.to_string(), client(row))
        }));
        lines
    }
}

/// The [`Debug`] form of a value, in one line of at most this many characters.
pub(super) fn debug(value: &impl Debug, most: usize) -> String {
    let mut text = Beginning { text: String::new(), room: most };
    let _ = write!(text, "{value:?}");
    text.end(most)
}

/// Takes no more than can be shown, so that what is endless is not written to its end.
struct Beginning {
    text: String,
    room: usize,
}

impl Beginning {
    fn end(self, most: usize) -> String {
        printable(&self.text, most - 1)
    }
}

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(letter);
        }
        Ok(())
    }
}
