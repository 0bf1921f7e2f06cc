//! Which file of `src/` imports which, found by reading them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The names of the modules that lead to a file: empty for lib.rs.
type Module = Vec<String>;

/// An import that is not resolved yet.
struct Import {
    /// Starts at the root of the crate.
    path: Module,
    /// What it is called in the file that imports it.
    name: String,
    /// Whether it only passes something on to others.
    is_re_export: bool,
}

/// The files that a file imports something from, by their paths below `src/`.
///
/// What is imported through a re-export counts as an import of the file that defines it. A re-export counts
/// only if its own file also uses the name.
pub(crate) fn imports(files: &[(PathBuf, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let texts: Vec<(Module, String, Vec<&str>)> = files
        .iter()
        .map(|(path, text)| {
            let below = path.strip_prefix("src").expect("it is in src");
            (module(below), below.display().to_string(), without_tests(&tokens(text)))
        })
        .collect();
    let modules: BTreeSet<&Module> = texts.iter().map(|(module, ..)| module).collect();
    let imports: BTreeMap<&Module, Vec<Import>> = texts
        .iter()
        .map(|(module, _, tokens)| (module, imports_of(module, tokens, &modules)))
        .collect();
    let paths: BTreeMap<&Module, &String> =
        texts.iter().map(|(module, path, _)| (module, path)).collect();
    let edges = texts.iter().map(|(module, path, _)| {
        let used = imports[module].iter().filter(|import| !import.is_re_export);
        let used = used.map(|import| resolve(&import.path, &modules, &imports, 0));
        let others = used.filter(|used| used != module).map(|used| paths[&used].clone());
        (path.clone(), others.collect())
    });
    edges.collect()
}

/// The sets of files that all import each other, directly or through others.
pub(crate) fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let reachable = |start: &String| {
        let mut seen = BTreeSet::new();
        let mut left = vec![start];
        while let Some(file) = left.pop() {
            left.extend(edges[file].iter().filter(|&next| seen.insert(next.clone())));
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        edges.keys().map(|file| (file, reachable(file))).collect();
    let circles = edges.keys().filter(|&file| reached[file].contains(file)).map(|file| {
        reached[file].iter().filter(|&other| reached[other].contains(file)).cloned().collect()
    });
    circles.collect()
}

fn module(below: &Path) -> Module {
    let mut names: Module =
        below.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|name| name == "mod" || name == "lib") {
        names.pop();
    }
    names
}

/// The file that defines what stands at a path.
fn resolve(
    path: &Module,
    modules: &BTreeSet<&Module>,
    imports: &BTreeMap<&Module, Vec<Import>>,
    depth: usize,
) -> Module {
    let len = (0..=path.len()).rev().find(|&len| modules.contains(&path[..len].to_vec()));
    let (module, rest) = path.split_at(len.expect("the root is a module"));
    let module = module.to_vec();
    let passed_on = rest.first().and_then(|name| {
        imports[&module].iter().find(|import| import.name == *name && import.path != *path)
    });
    match passed_on {
        Some(import) if depth < 8 => {
            let next = [&import.path, &rest[1..]].concat();
            resolve(&next, modules, imports, depth + 1)
        }
        _ => module,
    }
}

fn imports_of(module: &Module, tokens: &[&str], modules: &BTreeSet<&Module>) -> Vec<Import> {
    let children: Vec<&str> = tokens
        .windows(3)
        .filter(|window| window[0] == "mod" && window[2] == ";")
        .map(|window| window[1])
        .collect();
    let mut imports = Vec::new();
    let mut others = BTreeMap::<&str, usize>::new();
    let (mut at, mut is_use, mut is_public) = (0, false, false);
    // The braces that are open, and how many of them there are inside of each module in this file.
    let (mut depth, mut inner) = (0, Vec::new());
    while at < tokens.len() {
        let token = tokens[at];
        match token {
            "{" => {
                if at >= 2 && tokens[at - 2] == "mod" {
                    inner.push(depth);
                }
                depth += 1;
            }
            "}" => {
                depth -= 1;
                inner.pop_if(|outside| *outside == depth);
            }
            _ => {}
        }
        let before = at.checked_sub(1).map_or("", |before| tokens[before]);
        if token == "use" {
            (is_use, is_public) = (true, [")", "pub"].contains(&before));
        }
        let begins = tokens.get(at + 1) == Some(&"::") && !["::", "$", "in"].contains(&before);
        let base = match token {
            "crate" => Some(Vec::new()),
            "self" => Some(module.clone()),
            "super" if !inner.is_empty() => Some(module.clone()),
            "super" => Some(module[..module.len().saturating_sub(1)].to_vec()),
            child if children.contains(&child) => Some([&module[..], &[child.into()]].concat()),
            _ => None,
        };
        match base {
            Some(base) if begins => {
                let mut found = Vec::new();
                at = tree(tokens, at + 2, base, &mut found);
                imports.extend(found.into_iter().map(|(path, name)| Import {
                    path,
                    name: if is_use { name } else { String::new() },
                    is_re_export: is_use && is_public,
                }));
            }
            _ => {
                if !is_use {
                    *others.entry(token).or_default() += 1;
                }
                at += 1;
            }
        }
        if tokens.get(at) == Some(&";") {
            is_use = false;
        }
    }
    for import in &mut imports {
        // A module that is made public is not used by that.
        let is_module = modules.contains(&import.path);
        import.is_re_export &= is_module || !others.contains_key(import.name.as_str());
    }
    imports
}

/// Reads what follows a `::`, up to the end of the path or of all in its braces. Returns the place behind it.
fn tree(tokens: &[&str], mut at: usize, base: Module, found: &mut Vec<(Module, String)>) -> usize {
    let mut path = base;
    loop {
        match tokens[at] {
            "{" => {
                at += 1;
                while tokens[at] != "}" {
                    at = tree(tokens, at, path.clone(), found);
                    at += usize::from(tokens[at] == ",");
                }
                return at + 1;
            }
            "super" => drop(path.pop()),
            "self" | "*" | "<" => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
        match tokens[at..] {
            ["::", "<", ..] => break,
            ["::", ..] => at += 1,
            ["as", name, ..] => {
                found.push((path, name.to_owned()));
                return at + 2;
            }
            _ => break,
        }
    }
    let name = path.last().cloned().unwrap_or_default();
    found.push((path, name));
    at
}

/// Words, `::`, and all other characters by themselves, without blanks, comments and texts.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            end_of_text(rest)
        } else if rest.starts_with("r\"") || rest.starts_with("r#\"") {
            let end = if rest.starts_with("r\"") { "\"" } else { "\"#" };
            let from = end.len() + 1;
            rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len())
        } else if first == '\'' {
            // A character literal or a lifetime.
            match rest.char_indices().skip(2).take(9).find(|&(_, c)| c == '\'') {
                Some((at, _))
                    if rest[1..].starts_with('\\') || rest[1..at].chars().count() == 1 =>
                {
                    at + 1
                }
                _ => 1,
            }
        } else {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let len = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                word => word,
            };
            tokens.push(&rest[..len]);
            len
        };
        rest = &rest[len..];
    }
    tokens
}

fn end_of_text(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// Leaves out each item under `#[cfg(test)]`.
fn without_tests<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
            kept.push(tokens[at]);
            at += 1;
            continue;
        }
        let mut depth = 0;
        loop {
            match tokens[at] {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 && matches!(tokens[at - 1], "}" | ";") {
                break;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports_in(files: &[(&str, &str)]) -> String {
        let files: Vec<(PathBuf, String)> = files
            .iter()
            .map(|&(path, text)| (Path::new("src").join(path), text.to_owned()))
            .collect();
        let edges = imports(&files);
        let lines = edges.iter().filter(|(_, used)| !used.is_empty()).map(|(file, used)| {
            format!("{file}: {}", used.iter().cloned().collect::<Vec<_>>().join(" "))
        });
        let circles = circles(&edges);
        format!("{}, {} circles", lines.collect::<Vec<_>>().join(", "), circles.len())
    }

    #[test]
    fn imports_are_found_in_all_their_forms() {
        let a = "use crate::b::{self, c::{D, E as F}};";
        let files =
            [("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b/mod.rs", "mod c;"), ("b/c.rs", "")];
        assert_eq!(imports_in(&files), "a.rs: b/c.rs b/mod.rs, 0 circles");
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "fn f() { crate::b::g::<u8>('\"', \"crate::c\") } // crate::c"),
            ("b.rs", "impl<'a> super::a::A<'a> { #[cfg(test)] fn f() {} }"),
            ("c.rs", "mod d { use super::C; } #[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert_eq!(imports_in(&files), "a.rs: b.rs, b.rs: a.rs, 1 circles");
    }

    #[test]
    fn what_is_passed_on_belongs_to_its_own_file() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            (
                "a/mod.rs",
                "mod c; mod d; pub(crate) use c::C; pub(crate) use self::d::D; struct S(D);",
            ),
            ("a/c.rs", "struct C;"),
            ("a/d.rs", "use super::{C, S}; struct D;"),
            ("b.rs", "use crate::a::C;"),
        ];
        let expected = "a/d.rs: a/c.rs a/mod.rs, a/mod.rs: a/d.rs, b.rs: a/c.rs, 1 circles";
        assert_eq!(imports_in(&files), expected);
    }
}
