//! Where a run did not do what an ordinary event loop would have done.

use crate::trace::{Event, Trace};

/// One sentence for each answer that is kept and not 0, with the number of its choice.
pub(crate) fn deviations(trace: &Trace) -> Vec<(u64, String)> {
    let sentences = trace.deviations().filter_map(|(position, event)| {
        let Event::Choice { asked, answer, .. } = event else { return None };
        let what = trace.fill(asked.words(answer).sentence, position, asked, answer);
        Some((position.choices - 1, format!("at {}: {what}", position.time)))
    });
    sentences.collect()
}
