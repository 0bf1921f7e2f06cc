//! A run event by event.

use std::fmt;

use crate::trace::{Position, Trace};

impl Trace {
    /// Everything that happened: a line for each event, with the virtual time and the number of the step.
    /// It is what `DACAPO_TRACE` prints and what `target/dacapo/<test>/trace.txt` holds, of long runs the
    /// first and the last events.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let run = dacapo::run(async || dacapo::time::sleep(Duration::from_secs(1)).await);
    /// let text = "
    ///       time  step  event
    ///       0 ms     0  main is spawned
    ///       0 ms     1  main runs
    ///       0 ms     1  main waits until 1000 ms
    ///    1000 ms     1  … the clock jumps …
    ///    1000 ms     1  main is woken by the clock
    ///    1000 ms     2  main runs
    ///    1000 ms     2  main returns
    /// ";
    /// assert_eq!(format!("\n{}", run.trace().log()), text);
    /// ```
    pub fn log(&self) -> impl fmt::Display + '_ {
        self.log_within(usize::MAX)
    }

    /// The same with at most so many lines: the first and the last.
    pub(crate) fn log_within(&self, most: usize) -> impl fmt::Display + '_ {
        fmt::from_fn(move |f| {
            writeln!(f, "{:>10}  {:>4}  event", "time", "step")?;
            if self.dropped() > 0 {
                writeln!(
                    f,
                    "  … {} earlier events are not kept; see Builder::max_events …",
                    self.dropped()
                )?;
            }
            let line = |(position, event)| {
                let Position { time, step, .. } = position;
                format!(
                    "{time:>10}  {step:>4}  {}
",
                    self.describe(position, event)
                )
            };
            let left_out = self.events().count().saturating_sub(most);
            let first = if left_out == 0 { usize::MAX } else { most / 2 };
            self.events().take(first).try_for_each(|event| f.write_str(&line(event)))?;
            if left_out == 0 {
                return Ok(());
            }
            writeln!(f, "  … {left_out} events are left out here; DACAPO_TRACE=1 prints all …")?;
            let rest = self.events().skip(most / 2 + left_out);
            rest.map(line).try_for_each(|line| f.write_str(&line))
        })
    }
}
