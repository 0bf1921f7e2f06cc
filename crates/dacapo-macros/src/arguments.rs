//! What stands in the parentheses of the attribute.

use crate::tokens::{Ident, Spacing, Span, TokenStream, TokenTree};
use crate::{Mistake, code, mistake};

/// The methods of `dacapo::Builder` that are settings. A test of the library compares this list with the builder.
pub(crate) const SETTINGS: [&str; 15] = [
    "expect",
    "faults",
    "fresh_process",
    "max_choices",
    "max_events",
    "max_explain_runs",
    "max_explain_time",
    "max_idle_steps",
    "max_shrink_runs",
    "max_shrink_time",
    "max_step_time",
    "max_steps",
    "max_tasks",
    "max_time",
    "recheck_every",
];

/// Settings that are not methods of the builder.
const OWN: [&str; 3] = ["crate", "seeds", "start_paused"];

/// Settings of `#[tokio::test]` that have no meaning here, and why.
const TOKIO: [(&str, &str); 3] = [
    (
        "flavor",
        "a run has one thread, and the scheduler decides which task runs next; remove `flavor`",
    ),
    (
        "worker_threads",
        "a run has one thread, and the scheduler decides which task runs next; remove \
         `worker_threads`",
    ),
    (
        "unhandled_panic",
        "a panic of a task fails the run, unless its handle is awaited and reports the panic; remove \
         `unhandled_panic`",
    ),
];

/// Which attribute it is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Attribute {
    /// `dacapo::test`
    Dacapo,
    /// `dacapo_tokio::test`, which takes the settings of `tokio::test` too.
    Tokio,
}

/// `(SCHEDULER, setting = value, …)`, all of it optional.
pub(crate) struct Arguments {
    attribute: Attribute,
    pub(crate) scheduler: TokenStream,
    /// The seeds of the default scheduler, if `seeds = …` gives them.
    pub(crate) seeds: Option<TokenStream>,
    pub(crate) settings: Vec<(Ident, TokenStream)>,
    /// The path of the crate; `crate = path` sets it if the crate was renamed.
    pub(crate) dacapo: TokenStream,
    /// Whether a panic of a task that nothing awaits is ignored.
    pub(crate) ignores_panics: bool,
}

impl Arguments {
    pub(crate) fn parse(attribute: Attribute, arguments: TokenStream) -> Result<Self, Mistake> {
        let mut parsed = Self {
            attribute,
            scheduler: TokenStream::new(),
            seeds: None,
            settings: Vec::new(),
            dacapo: code(match attribute {
                Attribute::Dacapo => "::dacapo",
                Attribute::Tokio => "::dacapo_tokio",
            }),
            ignores_panics: false,
        };
        let mut names: Vec<String> = Vec::new();
        for part in split_at_commas(arguments) {
            match part.as_slice() {
                [TokenTree::Ident(name), TokenTree::Punct(equals), value @ ..]
                    if equals.as_char() == '=' && equals.spacing() == Spacing::Alone =>
                {
                    let text = name.to_string();
                    if names.contains(&text) {
                        return mistake(name.span(), format!("`{text}` is given twice"));
                    }
                    parsed.set(name, value)?;
                    names.push(text);
                }
                [TokenTree::Ident(name), rest @ ..] if is_setting(name) && !is_path(rest) => {
                    let message = format!("expected a value, as in `{name} = {}`", example(name));
                    return mistake(name.span(), message);
                }
                // The comma was inside the expression, as in `f::<A, B>()`.
                part if names.is_empty() => {
                    if !parsed.scheduler.is_empty() {
                        parsed.scheduler.extend(code(","));
                    }
                    parsed.scheduler.extend(part.iter().cloned());
                }
                part => {
                    let span = part.first().map_or_else(Span::call_site, TokenTree::span);
                    return mistake(
                        span,
                        "expected `setting = value`; the scheduler comes first, as in \
                         `#[dacapo::test(Random::seeds(0..100), max_steps = 1000)]`",
                    );
                }
            }
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &Ident, value: &[TokenTree]) -> Result<(), Mistake> {
        let text = name.to_string();
        if self.attribute == Attribute::Tokio && self.set_tokio(name, value)? {
            return Ok(());
        }
        if let Some((_, why)) = TOKIO.iter().find(|(tokio, _)| *tokio == text) {
            return mistake(name.span(), *why);
        }
        if !is_setting(name) {
            return mistake(name.span(), unknown(&text));
        }
        if value.is_empty() {
            let message = format!("expected a value, as in `{text} = {}`", example(name));
            return mistake(name.span(), message);
        }
        let value: TokenStream = value.iter().cloned().collect();
        match text.as_str() {
            "crate" => self.dacapo = value,
            "seeds" if !self.scheduler.is_empty() => {
                return mistake(
                    name.span(),
                    "`seeds` belongs to the default scheduler; give these seeds to your own, as in \
                     `Random::seeds(0..100)`",
                );
            }
            "seeds" => self.seeds = Some(value),
            // Time is always virtual.
            "start_paused" if value.to_string() == "true" => {}
            "start_paused" => {
                return mistake(
                    name.span(),
                    "time is always virtual in a run, so it cannot start unpaused; remove `start_paused`",
                );
            }
            _ => self.settings.push((name.clone(), value)),
        }
        Ok(())
    }
}

/// The content of a string literal.
fn string(value: &[TokenTree]) -> Option<String> {
    let [TokenTree::Literal(literal)] = value else { return None };
    let text = literal.to_string();
    text.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
}

impl Arguments {
    /// Takes a setting of `tokio::test`. Returns whether it is one.
    fn set_tokio(&mut self, name: &Ident, value: &[TokenTree]) -> Result<bool, Mistake> {
        let content = string(value);
        match (name.to_string().as_str(), content.as_deref()) {
            // A run has one thread, and virtual time.
            ("flavor" | "worker_threads" | "start_paused", _) => {}
            ("name", Some(_)) => {}
            ("crate", Some(path)) => self.dacapo = code(path),
            ("unhandled_panic", Some("ignore")) => self.ignores_panics = true,
            ("unhandled_panic", Some("shutdown_runtime")) => self.ignores_panics = false,
            ("unhandled_panic", _) => {
                return mistake(name.span(), "expected \"ignore\" or \"shutdown_runtime\"");
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn is_setting(name: &Ident) -> bool {
    let name = name.to_string();
    SETTINGS.iter().chain(&OWN).any(|setting| *setting == name)
}

/// Whether these tokens follow the first name of a path.
fn is_path(rest: &[TokenTree]) -> bool {
    match rest {
        [TokenTree::Punct(colon), ..] => {
            colon.as_char() == ':' && colon.spacing() == Spacing::Joint
        }
        [TokenTree::Group(_)] | [] => false,
        _ => true,
    }
}

fn example(setting: &Ident) -> &'static str {
    match setting.to_string().as_str() {
        "crate" => "path::to::dacapo",
        "expect" => "[\"label\"]",
        "faults" => "Faults::harmless()",
        "fresh_process" => "false",
        "start_paused" => "true",
        name if name.ends_with("_time") => "Duration::from_secs(5)",
        _ => "1000",
    }
}

/// Says that there is no such setting, and which one may be meant.
fn unknown(name: &str) -> String {
    let all = || SETTINGS.iter().chain(&OWN);
    let nearest = all().min_by_key(|setting| distance(name, setting));
    match nearest {
        Some(nearest) if distance(name, nearest) <= name.len().div_ceil(3) => {
            format!("there is no setting `{name}`; did you mean `{nearest}`?")
        }
        _ => {
            let all: Vec<String> = all().map(|setting| format!("`{setting}`")).collect();
            format!("there is no setting `{name}`; there are {}", all.join(", "))
        }
    }
}

/// The Levenshtein distance: how many characters must be inserted, removed or replaced.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => parts.push(Vec::new()),
            _ => parts.last_mut().expect("dacapo bug: there is no first part").push(token),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
