//! Published histories with verdicts, as they come with [Porcupine](https://github.com/anishathalye/porcupine).
//!
//! They are read from `../shared/histories`, beside the repository, if they are there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dacapo::history::{Call, Client, History, LinearizeError, Model};

/// A history of a file.
pub struct Published {
    /// Its path in the directory.
    pub name: String,
    pub is_linearizable: bool,
    path: PathBuf,
}

/// All histories, or none if the directory is not there.
pub fn all() -> Vec<Published> {
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).take(2);
    let directory = near.map(|above| above.join("shared/histories")).find(|path| path.is_dir());
    let Some(directory) = directory else { return Vec::new() };
    let verdicts = fs::read_to_string(directory.join("verdicts.tsv")).expect("the verdicts");
    let line = |line: &str| {
        let (name, verdict) = line.split_once('\t').expect("a name and a verdict");
        let is_linearizable = match verdict.trim() {
            "linearizable" => true,
            "not" => false,
            other => panic!("an unknown verdict {other:?}"),
        };
        Published { name: name.to_owned(), is_linearizable, path: directory.join(name) }
    };
    verdicts.lines().map(line).collect()
}

impl Published {
    /// What dacapo says of it, with the settings that a history has by default. `timed` calls the search once, after
    /// the file was read.
    pub fn linearize(&self, timed: &mut dyn FnMut(&mut dyn FnMut())) -> Result<(), LinearizeError> {
        let text = fs::read_to_string(&self.path).expect("the file of a history");
        let mut verdict = Ok(());
        if self.name.starts_with("etcd") {
            let history = etcd(&text);
            timed(&mut || verdict = history.linearize());
        } else {
            let history = key_values(&text);
            timed(&mut || verdict = history.linearize());
        }
        verdict
    }
}

/// The calls of clients by their numbers, as files have them.
struct Calls<M: Model> {
    history: History<M>,
    clients: BTreeMap<u64, Client<M>>,
    calls: BTreeMap<u64, Call<M>>,
}

impl<M: Model> Calls<M> {
    fn new(model: M) -> Self {
        Self { history: History::new(model), clients: BTreeMap::new(), calls: BTreeMap::new() }
    }

    fn invoke(&mut self, process: u64, op: M::Op) {
        let history = &self.history;
        let client = self.clients.entry(process);
        let client = client.or_insert_with(|| history.client(&format!("client {process}")));
        self.calls.insert(process, client.invoke(op));
    }

    fn returns(&mut self, process: u64, output: M::Output) {
        self.calls.remove(&process).expect("a call before its return").returns(output);
    }

    /// What has not returned may have taken effect, or may still do so.
    fn finish(self) -> History<M> {
        self.history
    }
}

/// The register of the logs of etcd. It begins absent.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Register(Option<u32>);

#[derive(Clone, Debug)]
enum Access {
    Read,
    Write(u32),
    CompareAndSet(u32, u32),
}

#[derive(Clone, Debug, PartialEq)]
enum Accessed {
    Value(Option<u32>),
    Done(bool),
}

impl Model for Register {
    type Op = Access;
    type Output = Accessed;

    fn step(&mut self, op: &Access) -> Accessed {
        match *op {
            Access::Read => return Accessed::Value(self.0),
            Access::Write(value) => self.0 = Some(value),
            Access::CompareAndSet(old, _) if self.0 != Some(old) => return Accessed::Done(false),
            Access::CompareAndSet(_, new) => self.0 = Some(new),
        }
        Accessed::Done(true)
    }
}

fn etcd(text: &str) -> History<Register> {
    let mut calls = Calls::new(Register::default());
    let lines: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.split_once("jepsen.util - "))
        .map(|(_, line)| line.split('\t').map(str::trim).collect())
        .collect();
    for (number, line) in lines.iter().enumerate() {
        let [process, kind, what, value] = line[..] else { continue };
        let Ok(process) = process.parse::<u64>() else { continue };
        match (kind, what) {
            (":invoke", ":read") => {
                // A read that fails or never returns has no effect, so it is left out.
                let end = lines[number + 1..].iter().find(|line| line[0].parse() == Ok(process));
                if end.is_some_and(|end| end[1] == ":ok") {
                    calls.invoke(process, Access::Read);
                }
            }
            (":invoke", ":write") => {
                calls.invoke(process, Access::Write(value.parse().expect("a number")));
            }
            (":invoke", ":cas") => {
                let (old, new) = pair(value);
                calls.invoke(process, Access::CompareAndSet(old, new));
            }
            (":ok", ":read") => {
                let value = (value != "nil").then(|| value.parse().expect("a number"));
                calls.returns(process, Accessed::Value(value));
            }
            (":ok", _) => calls.returns(process, Accessed::Done(true)),
            (":fail", ":cas") if value != ":timed-out" => {
                calls.returns(process, Accessed::Done(false));
            }
            _ => {}
        }
    }
    calls.finish()
}

/// As in `[3 4]`.
fn pair(text: &str) -> (u32, u32) {
    let (old, new) = text.trim_matches(['[', ']']).split_once(' ').expect("two numbers");
    (old.parse().expect("a number"), new.parse().expect("a number"))
}

/// A map of texts. A missing key reads as an empty text.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Texts(BTreeMap<String, String>);

#[derive(Clone, Debug)]
struct Keyed {
    key: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Get,
    Put(String),
    Append(String),
}

impl Model for Texts {
    type Op = Keyed;
    /// What was read.
    type Output = Option<String>;

    fn step(&mut self, op: &Keyed) -> Option<String> {
        let text = self.0.entry(op.key.clone()).or_default();
        match &op.what {
            What::Get => return Some(text.clone()),
            What::Put(value) => text.clone_from(value),
            What::Append(value) => text.push_str(value),
        }
        None
    }

    fn key(op: &Keyed) -> impl Ord {
        &op.key
    }
}

fn key_values(text: &str) -> History<Texts> {
    let mut calls = Calls::new(Texts::default());
    for line in text.lines() {
        let field = |name: &str| line.split_once(name).map(|(_, rest)| rest);
        let word = |name| {
            let rest = field(name).expect("a field");
            rest[..rest.find([',', '}']).expect("an end")].trim()
        };
        // A value may contain anything but a quote.
        let quoted = |name| {
            field(name).and_then(|rest| rest.split('"').nth(1)).unwrap_or_default().to_owned()
        };
        let process = word(":process ").parse().expect("a number");
        let (key, value) = (quoted(":key "), quoted(":value "));
        match (word(":type "), word(":f ")) {
            (":invoke", what) => {
                let what = match what {
                    ":get" => What::Get,
                    ":put" => What::Put(value),
                    _ => What::Append(value),
                };
                calls.invoke(process, Keyed { key, what });
            }
            (_, ":get") => calls.returns(process, Some(value)),
            _ => calls.returns(process, None),
        }
    }
    calls.finish()
}
