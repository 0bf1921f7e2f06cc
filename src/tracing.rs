//! Logs of the code under test, with the crates [`tracing`](https://docs.rs/tracing) and
//! [`tracing-subscriber`](tracing_subscriber), under the feature `tracing`.
//!
//! [`layer`] puts events into the [`Trace`](crate::Trace) of the run in which they are emitted, as
//! [`trace!`](crate::trace!) does: with the task and the virtual time, in every form, in
//! [`Trace::filter`](crate::Trace::filter), and in the story of a failure. So the logs of an application
//! are the same in each run of a schedule, and can be a snapshot. If you want to print them instead, use
//! [`VirtualTime`].
//!
//! ```
//! use std::time::Duration;
//! use tracing_subscriber::prelude::*;
//!
//! async fn fetch(page: u32) {
//!     tracing::info!(target: "app", page, "request");
//!     dacapo::time::sleep(Duration::from_millis(5)).await;
//!     tracing::warn!(target: "app", "slow");
//! }
//!
//! let subscriber = tracing_subscriber::registry().with(dacapo::tracing::layer());
//! let run = tracing::subscriber::with_default(subscriber, || dacapo::run(async || fetch(1).await));
//! assert_eq!(
//!     run.trace().compact().to_string(),
//!     "0 ms: main(app: INFO request page=1) | 5 ms: main(app: WARN slow)."
//! );
//! ```
//! A search makes thousands of runs. In runs that are not shown, an event costs as much as a note, and
//! its text is not made. Other layers do their full work, so a layer that prints should ask [`here`]
//! first.

use std::fmt::{self, Debug, Write};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

pub use crate::executor::Here;

use crate::executor;

/// A layer that puts events into the trace of the run; see the [module](self).
pub fn layer() -> Layer {
    Layer { spans: false }
}

/// The layer of [`layer`].
///
/// The label of an event is its target, and its value what a terminal would show: the level, the spans around
/// it with their fields, the message, and the fields. What is emitted outside of a run, or by a scheduler, is
/// left to other layers.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    spans: bool,
}

impl Layer {
    /// Also puts the opening and closing of spans into the trace.
    #[must_use = "it returns another layer"]
    pub fn with_spans(self) -> Self {
        Self { spans: true }
    }
}

/// The fields of a span, as they are shown; kept with it in runs that are.
struct Fields(String);

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let fields = text(&fmt::from_fn(|f| fields(f, |visit| attributes.record(visit))));
        if let Some(fields) = fields {
            span.extensions_mut().insert(Fields(fields));
        }
        if self.spans {
            self.note_span(id, "opens", &context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(more) = text(&fmt::from_fn(|f| fields(f, |visit| values.record(visit)))) {
            let mut extensions = span.extensions_mut();
            match extensions.get_mut::<Fields>() {
                Some(Fields(fields)) => {
                    fields.push_str(if fields.is_empty() { "" } else { " " });
                    fields.push_str(&more);
                }
                None => extensions.insert(Fields(more)),
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        note(
            metadata.target(),
            &fmt::from_fn(|f| {
                write!(f, "{} ", metadata.level())?;
                let scope = context.event_scope(event);
                for span in scope.into_iter().flat_map(|scope| scope.from_root()) {
                    write_span::<S>(f, &span)?;
                    f.write_str(": ")?;
                }
                fields(f, |visit| event.record(visit))
            }),
        );
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if self.spans {
            self.note_span(&id, "closes", &context);
        }
    }
}

impl Layer {
    fn note_span<S>(&self, id: &Id, verb: &str, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(span) = context.span(id) else { return };
        let metadata = span.metadata();
        note(
            metadata.target(),
            &fmt::from_fn(|f| {
                write!(f, "{} {verb} ", metadata.level())?;
                write_span::<S>(f, &span)
            }),
        );
    }
}

fn write_span<'a, S>(
    f: &mut fmt::Formatter<'_>,
    span: &tracing_subscriber::registry::SpanRef<'a, S>,
) -> fmt::Result
where
    S: LookupSpan<'a>,
{
    f.write_str(span.name())?;
    match span.extensions().get::<Fields>() {
        Some(Fields(fields)) if !fields.is_empty() => write!(f, "{{{fields}}}"),
        _ => Ok(()),
    }
}

/// The message, if there is one, and all other fields after it.
fn fields(f: &mut fmt::Formatter<'_>, record: impl Fn(&mut dyn Visit)) -> fmt::Result {
    let mut text = FieldText::default();
    record(&mut text);
    let between = if text.message.is_empty() || text.others.is_empty() { "" } else { " " };
    write!(f, "{}{between}{}", text.message, text.others)
}

#[derive(Default)]
struct FieldText {
    message: String,
    others: String,
}

impl Visit for FieldText {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => {
                let between = if self.others.is_empty() { "" } else { " " };
                write!(self.others, "{between}{name}={value:?}")
            }
        };
    }
}

fn note(label: &'static str, value: &dyn Debug) {
    executor::try_current(|executor| executor.note_if_free(label, value));
}

/// The text of something, if there is a run that is shown.
fn text(value: &dyn Debug) -> Option<String> {
    executor::try_current(|executor| executor.shown_text(value)).flatten().map(String::from)
}

/// The place in a run at which this is called, for subscribers of your own. None outside of runs, and in a
/// scheduler.
///
/// A layer that prints would do so thousands of times in a search. With this as a filter it prints what is
/// emitted by [`run`](crate::run()) and [`replay`](crate::replay()), by the run that is reported when a check
/// fails, and outside of runs:
///
/// ```
/// use tracing_subscriber::filter::dynamic_filter_fn;
/// use tracing_subscriber::prelude::*;
///
/// let print = tracing_subscriber::fmt::layer().with_filter(dynamic_filter_fn(|_, _| {
///     dacapo::tracing::here().is_none_or(|here| here.is_shown())
/// }));
/// let subscriber = tracing_subscriber::registry().with(print).with(dacapo::tracing::layer());
/// # drop(subscriber);
/// ```
pub fn here() -> Option<Here> {
    executor::try_current(|executor| executor.here())?
}

/// A timer for [`tracing_subscriber::fmt`](mod@tracing_subscriber::fmt) that writes the virtual time and the name of the task, as in
/// `10 ms client`; outside of a run it leaves that to another timer.
///
/// ```
/// use tracing_subscriber::fmt::time::SystemTime;
///
/// let subscriber = tracing_subscriber::fmt()
///     .with_timer(dacapo::tracing::VirtualTime(SystemTime)) // or `()`, which writes nothing
///     .finish();
/// # drop(subscriber);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct VirtualTime<T>(
    /// The timer for what is emitted outside of runs.
    pub T,
);

impl<T: FormatTime> FormatTime for VirtualTime<T> {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        match here() {
            Some(here) => write!(writer, "{} {}", here.time(), here.task()),
            None => self.0.format_time(writer),
        }
    }
}
