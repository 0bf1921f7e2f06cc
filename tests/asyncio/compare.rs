//! When two outcomes are equal, and how they differ if they are not.

use serde_json::Value as Json;

use crate::corpus::Order;

/// An outcome without what its program leaves open.
pub(crate) fn canonical(order: Order, outcome: &Json) -> Json {
    if order != Order::PerTask {
        return outcome.clone();
    }
    let mut outcome = with_sorted_groups(outcome);
    if let Some(Json::Array(log)) = outcome.get_mut("log") {
        log.sort_by_key(|line| (line[0].as_u64(), line[1].as_str().map(str::to_owned)));
    }
    outcome
}

/// With the errors of each group of exceptions in the order of their texts.
fn with_sorted_groups(json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(with_sorted_groups).collect(),
        Json::Object(fields) => {
            let sorted = |(name, value): (&String, &Json)| {
                let mut value = with_sorted_groups(value);
                if let ("errors", Json::Array(errors)) = (name.as_str(), &mut value) {
                    errors.sort_by_cached_key(Json::to_string);
                }
                (name.clone(), value)
            };
            fields.iter().map(sorted).collect()
        }
        other => other.clone(),
    }
}

/// Two outcomes as one text: what both have, and what only one has, marked with `-` or `+`.
pub(crate) fn difference(expected: &Json, actual: &Json) -> String {
    let (old, new) = (lines(expected), lines(actual));
    // common[i][j]: how many lines old[i..] and new[j..] have in common.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        let line = if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            format!("    {}\n", old[i - 1])
        } else if j == new.len() || i < old.len() && common[i + 1][j] >= common[i][j + 1] {
            i += 1;
            format!("  - {}\n", old[i - 1])
        } else {
            j += 1;
            format!("  + {}\n", new[j - 1])
        };
        text.push_str(&line);
    }
    text
}

/// An outcome, a line for each line of its log.
fn lines(outcome: &Json) -> Vec<String> {
    let Some(fields) = outcome.as_object() else { return vec![outcome.to_string()] };
    let mut lines = Vec::new();
    for line in outcome["log"].as_array().into_iter().flatten() {
        let text = |part: &Json| part.as_str().unwrap_or_default().to_owned();
        let (unit, label) = (text(&line[1]), text(&line[2]));
        lines.push(format!("{:>6}  {unit:24}  {label:8}  {}", line[0].to_string(), line[3]));
    }
    for (name, value) in fields.iter().filter(|(name, _)| *name != "log") {
        lines.push(format!("{name}: {value}"));
    }
    lines
}
