//! The floors of the house: nothing below knows anything above, and the repository names no machine.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The rooms by floor, lowest first. A room may use its own floor and those below; where a floor
/// has several lines, a line may use those above it in this table but not those after it.
const FLOORS: [(u32, &[&str]); 11] = [
    (1, &["date", "error", "pipeline", "rng", "sparse"]),
    (1, &["write"]),
    (2, &["text", "label"]),
    (3, &["document"]),
    (3, &["corpus", "features"]),
    (3, &["learn"]),
    (4, &["config", "extract", "model", "read"]),
    (5, &["evaluate"]),
    (5, &["check", "review", "train"]),
    (6, &["report"]),
    (7, &["lib"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Rust sources with their path below src/ and their code: without comments, without what strings
/// and characters hold, and without items under `#[cfg(test)]`.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let rust = files(&src).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    rust.map(|path| {
        let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
        (name, without_tests(&code(&std::fs::read_to_string(&path).unwrap())))
    })
    .collect()
}

/// Blanks comments, strings and character literals; line breaks stay.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let is = |at: usize, wanted: &str| wanted.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let word = |at: usize| at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    while at < chars.len() {
        let start = at;
        if is(at, "//") {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if is(at, "/*") {
            let mut depth = 0;
            loop {
                if is(at, "/*") {
                    (depth, at) = (depth + 1, at + 2);
                } else if is(at, "*/") {
                    (depth, at) = (depth - 1, at + 2);
                } else {
                    at += 1;
                }
                if depth == 0 || at >= chars.len() {
                    break;
                }
            }
        } else if !word(at) && raw_hashes(&chars, at).is_some() {
            let (hashes, quote) = raw_hashes(&chars, at).unwrap();
            let end = format!("\"{}", "#".repeat(hashes));
            at = quote + 1;
            while at < chars.len() && !is(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if chars[at] == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if chars[at] == '\'' && (is(at + 1, "\\") || chars.get(at + 2) == Some(&'\'')) {
            at += if is(at + 1, "\\") { 3 } else { 2 };
            while at < chars.len() && chars[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let end = at.min(chars.len());
        out.push(' ');
        out.extend(chars[start..end].iter().filter(|&&c| c == '\n'));
    }
    out
}

/// For `r"`, `br#"` and their like at `at`: the number of hashes and the place of the quotation mark.
fn raw_hashes(chars: &[char], at: usize) -> Option<(usize, usize)> {
    let after_b = if chars.get(at) == Some(&'b') { at + 1 } else { at };
    if chars.get(after_b) != Some(&'r') {
        return None;
    }
    let hashes = chars[after_b + 1..].iter().take_while(|&&c| c == '#').count();
    let quote = after_b + 1 + hashes;
    (chars.get(quote) == Some(&'"')).then_some((hashes, quote))
}

/// Blanks every item that stands under `#[cfg(test)]`, its line breaks excepted.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::new();
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        out += &rest[..start];
        let item = &rest[start..];
        let mut depth = 0;
        let mut end = item.len();
        for (at, c) in item.char_indices().skip(MARK.len()) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 && (c == '}' || c == ';') {
                end = at + 1;
                break;
            }
        }
        out.extend(item[..end].chars().filter(|&c| c == '\n'));
        rest = &item[end..];
    }
    out + rest
}

/// The names that stand first after `prefix::`, with the line each is on: of `prefix::a::b` it is
/// a, of `prefix::{a, b::c}` they are a and b.
fn first_names(code: &str, prefix: &str) -> Vec<(usize, String)> {
    let wanted = format!("{prefix}::");
    let mut found = Vec::new();
    let name_of = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    for (at, _) in code.match_indices(&wanted) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let line = 1 + code[..at].matches('\n').count();
        let rest = code[at + wanted.len()..].trim_start();
        let Some(group) = rest.strip_prefix('{') else {
            found.push((line, name_of(rest)));
            continue;
        };
        let (mut depth, mut start) = (1, 0);
        for (place, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if (c == ',' && depth == 1) || depth == 0 {
                found.push((line, name_of(&group[start..place])));
                start = place + 1;
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.retain(|(_, name)| !name.is_empty());
    found
}

/// The room a file belongs to: the first part of its path below src/.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// A room's line in the table of floors.
fn height(room: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, rooms)| rooms.contains(&room))
}

#[test]
fn every_room_stands_on_a_floor() {
    let rooms: BTreeSet<String> = sources()
        .into_iter()
        .map(|(file, _)| room(&file).to_owned())
        .filter(|room| !matches!(room.as_str(), "main" | "cli"))
        .collect();
    let homeless: Vec<&String> = rooms.iter().filter(|room| height(room).is_none()).collect();
    assert!(homeless.is_empty(), "give these rooms a floor in this file: {homeless:?}");
}

#[test]
fn nothing_below_knows_anything_above() {
    let mut faults = String::new();
    let mut seen = 0;
    for (file, code) in sources() {
        let own = room(&file);
        let Some(own_height) = height(own).filter(|_| own != "lib") else { continue };
        for (line, name) in first_names(&code, "crate") {
            seen += 1;
            // `crate::Error` and `crate::Result` stand for `crate::error`.
            let used = if matches!(name.as_str(), "Error" | "Result") { "error" } else { &name };
            match height(used) {
                _ if used == own => {}
                Some(height) if height < own_height || FLOORS[height].1.contains(&own) => {}
                Some(height) => {
                    let (own_floor, floor) = (FLOORS[own_height].0, FLOORS[height].0);
                    let _ = writeln!(
                        faults,
                        "src/{file}:{line}: {own} ({own_floor}) uses {used} ({floor}) above it"
                    );
                }
                None => {
                    let _ = writeln!(faults, "src/{file}:{line}: {own} uses {used}, which has no floor");
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} paths were found; is this test still reading them?");
    assert!(faults.is_empty(), "imports that go upward:\n{faults}");
}

#[test]
fn rooms_of_one_line_do_not_use_each_other() {
    // Else two rooms could come to need each other, and would be one.
    let mut uses: BTreeSet<(String, String)> = BTreeSet::new();
    for (file, code) in sources() {
        for (_, name) in first_names(&code, "crate") {
            if name != room(&file) && height(room(&file)).is_some() && height(room(&file)) == height(&name) {
                uses.insert((room(&file).to_owned(), name));
            }
        }
    }
    let both: Vec<_> = uses.iter().filter(|(a, b)| uses.contains(&(b.clone(), a.clone()))).collect();
    assert!(both.is_empty(), "these use each other: {both:?}");
}

#[test]
fn the_command_uses_the_public_face_only_and_the_command_line_stays_in_it() {
    let mut faults = String::new();
    for (file, code) in sources() {
        let command = matches!(room(&file), "cli" | "main");
        let outside: &[&str] = if command {
            &[]
        } else {
            &["clap", "clap_complete", "indicatif", "comfy_table", "anstream", "anstyle"]
        };
        for name in outside {
            for (at, _) in code.match_indices(name) {
                let whole = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
                if whole(code[..at].chars().next_back()) && whole(code[at + name.len()..].chars().next()) {
                    let line = 1 + code[..at].matches('\n').count();
                    let _ = writeln!(faults, "src/{file}:{line}: {name} belongs to the command");
                }
            }
        }
        if command {
            for (line, name) in first_names(&code, "crate").into_iter().filter(|(_, name)| name != "cli") {
                let _ = writeln!(faults, "src/{file}:{line}: crate::{name} in the command");
            }
            if code.contains("#[path") || code.contains("include!(") {
                let _ = writeln!(faults, "src/{file}: takes sources of the library past its face");
            }
        } else if first_names(&code, "kzstance").iter().any(|_| true) {
            let _ = writeln!(faults, "src/{file}: the library names itself from outside");
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn metrics_and_intervals_know_labels_and_predictions_but_no_model() {
    for (file, code) in sources().into_iter().filter(|(file, _)| room(file) == "evaluate") {
        if ["metrics", "interval", "figures", "folds", "duplicates", "ranking", "risk"]
            .iter()
            .any(|name| file.contains(name))
        {
            let used: BTreeSet<String> =
                first_names(&code, "crate").into_iter().map(|(_, name)| name).collect();
            let known = ["error", "label", "rng", "evaluate"];
            let odd: Vec<&String> = used.iter().filter(|name| !known.contains(&name.as_str())).collect();
            assert!(odd.is_empty(), "src/{file} uses {odd:?}");
        }
    }
}

#[test]
fn what_is_kept_names_no_folder_of_a_machine() {
    // In pieces, so that this file does not name them either.
    let folders = [["/wo", "rk/"], ["/ho", "me/"], ["/ro", "ot/"], ["/Us", "ers/"], ["C:\\", "Users"]]
        .map(|parts| parts.concat());
    let root = root();
    let here = root.to_string_lossy().into_owned();
    let mut kept: Vec<PathBuf> = Vec::new();
    for folder in
        ["src", "tests", "benches", "labels", "seeds", "models", "docs", "examples", ".ci", ".github"]
    {
        if root.join(folder).is_dir() {
            kept.extend(files(&root.join(folder)));
        }
    }
    kept.extend(
        std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()),
    );
    kept.retain(|path| !path.to_string_lossy().contains("__pycache__"));
    assert!(kept.len() > 50, "only {} files were found", kept.len());
    let mut faults = String::new();
    for path in kept {
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        for (number, line) in text.lines().enumerate() {
            // An address is no folder: https://example.org/home/news.
            let mut words = line.split(|c: char| c.is_whitespace() || "\"'`()<>,;=«»".contains(c));
            let named = words.any(|word| {
                let word = word.trim_start_matches("file://");
                word.starts_with(here.as_str())
                    || folders.iter().any(|folder| word.starts_with(folder.as_str()))
            });
            if named {
                let _ = writeln!(faults, "{name}:{}", number + 1);
            }
        }
    }
    assert!(faults.is_empty(), "these lines name a folder of one machine:\n{faults}");
}

#[test]
fn the_reader_of_sources_sees_what_it_should() {
    let text = "use crate::{a, b::{c, d}};\n// crate::no\nlet s = \"crate::no\"; let r = r#\"crate::no\"#;\n\
        let c = '\"'; crate::e::f();\n#[cfg(test)]\nmod tests {\n    use crate::no;\n}\ncrate::g;\nfn h<'a>(x: &'a str) {}\n\
        #[cfg(test)]\nuse crate::no;\ncrate::i;\n";
    let found = first_names(&without_tests(&code(text)), "crate");
    let wanted =
        [(1, "a"), (1, "b"), (4, "e"), (9, "g"), (13, "i")].map(|(line, name)| (line, name.to_owned()));
    assert_eq!(found, wanted);
}
