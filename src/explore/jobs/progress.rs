//! A line on the terminal that tells how far a search has come, while it goes on.

use crate::explore::clock::Pulse;
use crate::explore::outside::env::Env;
use crate::report::{Findings, Stage, stage};

/// The line of one search. There is none if the feature `progress` is off, without a terminal, and during
/// the first second. It disappears when this is dropped.
pub(crate) struct Progress(Option<StatusLine>);

struct StatusLine {
    pulse: Pulse,
    terminal: terminal::Terminal,
}

impl Progress {
    pub(crate) fn new(env: &Env, title: &str) -> Self {
        // Processes that share a search have no terminal, and in continuous integration nobody watches.
        let asked = !env.ci && !env.is_started();
        let terminal = if asked { terminal::Terminal::open(title) } else { None };
        Self(terminal.map(|terminal| StatusLine { pulse: Pulse::new(), terminal }))
    }

    /// Removes the line before something else is printed.
    pub(crate) fn end(self) {
        let Self(_line) = self;
    }

    /// Tells, now and then, how many runs there have been; `left` is how many there will be after them.
    pub(crate) fn tell(
        &mut self,
        runs: usize,
        left: impl FnOnce() -> Option<u64>,
        found: Findings,
    ) {
        let Some(line) = &mut self.0 else { return };
        if line.pulse.beats() {
            let elapsed = line.pulse.elapsed();
            if elapsed.as_millis() >= 1000 {
                let planned = left().map(|left| runs as u64 + left);
                let text = stage(Stage { runs, planned, elapsed, found });
                line.terminal.show(runs as u64, planned, text);
            }
        }
    }
}

#[cfg(feature = "progress")]
mod terminal {
    use std::io::IsTerminal as _;

    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

    pub(crate) struct Terminal {
        bar: ProgressBar,
        title: String,
    }

    impl Terminal {
        /// The standard error output, if that is one.
        pub(crate) fn open(title: &str) -> Option<Self> {
            let bar = || {
                let bar = ProgressBar::no_length();
                bar.set_draw_target(ProgressDrawTarget::hidden());
                Self { bar, title: title.to_owned() }
            };
            std::io::stderr().is_terminal().then(bar)
        }

        pub(crate) fn show(&mut self, runs: u64, planned: Option<u64>, text: String) {
            if let Some(planned) = planned {
                self.bar.set_length(planned);
            }
            self.bar.set_message(text);
            self.bar.set_position(runs);
            if self.bar.is_hidden() {
                let bar = if planned.is_some() { "{bar:12} " } else { "" };
                let template = format!("dacapo: {{prefix}}: {bar}{{wide_msg}}");
                let style = ProgressStyle::with_template(&template);
                self.bar.set_style(style.expect("dacapo bug: the line has a malformed template"));
                self.bar.set_prefix(self.title.clone());
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            self.bar.tick();
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            self.bar.finish_and_clear();
        }
    }
}

#[cfg(not(feature = "progress"))]
mod terminal {
    /// There is none.
    pub(crate) enum Terminal {}

    impl Terminal {
        pub(crate) fn open(_: &str) -> Option<Self> {
            None
        }

        pub(crate) fn show(&mut self, _: u64, _: Option<u64>, _: String) {
            match *self {}
        }
    }
}
