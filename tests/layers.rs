//! Data moves one way: a layer imports what it lists here, and nothing else of the crate.

use std::fs;
use std::path::{Path, PathBuf};

/// Every room of the crate, from the ground up, and what it may import: nothing that stands later.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("packet", &["base"]),
    ("timeouts", &["base"]),
    // What the proxy said, line by line.
    ("logs", &["base"]),
    ("input", &["base", "packet"]),
    ("flow", &["base", "packet"]),
    ("streams", &["base", "packet"]),
    ("exchange", &["base", "flow", "packet"]),
    ("facts", &["base", "flow", "packet"]),
    ("ebpf", &["base", "facts", "input", "packet", "streams"]),
    ("knowledge", &["base", "exchange", "facts", "flow", "packet"]),
    ("verdict", &["base", "exchange", "facts", "flow", "knowledge", "packet"]),
    ("ledger", &["base", "exchange", "facts", "flow", "knowledge", "packet", "verdict"]),
    ("topology", &["base", "exchange", "facts", "flow", "ledger", "packet"]),
    ("join", &["base", "exchange", "ledger", "logs", "packet", "topology", "verdict"]),
    (
        "words",
        &[
            "base",
            "exchange",
            "facts",
            "flow",
            "join",
            "knowledge",
            "ledger",
            "logs",
            "packet",
            "timeouts",
            "verdict",
        ],
    ),
    (
        "report",
        &[
            "base",
            "exchange",
            "facts",
            "flow",
            "input",
            "join",
            "knowledge",
            "ledger",
            "logs",
            "packet",
            "streams",
            "timeouts",
            "topology",
            "verdict",
            "words",
        ],
    ),
    (
        "render",
        &[
            "base",
            "facts",
            "join",
            "knowledge",
            "logs",
            "packet",
            "report",
            "timeouts",
            "topology",
            "verdict",
            "words",
        ],
    ),
    (
        "analysis",
        &[
            "base",
            "exchange",
            "facts",
            "flow",
            "input",
            "join",
            "knowledge",
            "ledger",
            "logs",
            "packet",
            "report",
            "streams",
            "topology",
            "verdict",
        ],
    ),
    ("evidence", &["analysis", "base", "flow", "packet", "report"]),
    (
        "cli",
        &[
            "analysis",
            "base",
            "input",
            "knowledge",
            "ledger",
            "logs",
            "packet",
            "render",
            "report",
            "timeouts",
            "topology",
        ],
    ),
    (
        "live",
        &[
            "analysis", "base", "cli", "ebpf", "evidence", "facts", "input", "ledger", "packet",
            "render", "report", "streams", "verdict",
        ],
    ),
    (
        "run",
        &["analysis", "base", "cli", "input", "live", "render", "report", "timeouts", "topology"],
    ),
];

/// Rooms that see no file, clock, thread or environment.
const PURE: &[&str] = &[
    "packet",
    "logs",
    "flow",
    "streams",
    "exchange",
    "facts",
    "knowledge",
    "verdict",
    "ledger",
    "topology",
    "join",
    "words",
];

/// The files of a room, those in its folders too.
fn sources(room: &str) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![src.join(format!("{room}.rs"))];
    let mut folders = vec![src.join(room)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    // A room has its Markdown and its C, too.
    files.retain(|file| file.is_file() && file.extension().is_some_and(|kind| kind == "rs"));
    files.sort();
    assert!(!files.is_empty(), "{room} is no room");
    files
}

/// The crate's modules that a file names, in `use` or in a path.
fn imports(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>())
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn rooms_import_only_what_lies_below_them() {
    for (at, (room, allowed)) in MAY_IMPORT.iter().enumerate() {
        let below = |one: &&str| MAY_IMPORT[..at].iter().any(|(room, _)| room == one);
        assert!(allowed.iter().all(below), "{room} stands below what it imports");
    }
    for (module, allowed) in MAY_IMPORT {
        for file in sources(module) {
            let text = fs::read_to_string(&file).unwrap();
            for import in imports(&text) {
                let fine = import == *module || allowed.contains(&import.as_str());
                assert!(fine, "{}: crate::{import} is not below {module}", file.display());
            }
        }
    }
}

#[test]
fn every_module_has_a_place() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        if !["lib", "main"].contains(&module) {
            assert!(MAY_IMPORT.iter().any(|(known, _)| *known == module), "{module} has no row");
        }
    }
}

#[test]
fn pure_layers_stay_pure() {
    let forbidden =
        ["std::fs", "std::io", "std::env", "std::thread", "std::net::Tcp", "SystemTime", "Instant"];
    for module in PURE {
        for file in sources(module) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in forbidden {
                assert!(!code.contains(word), "{}: {word}", file.display());
            }
        }
    }
}

/// A feature changes what stands here, and nothing else.
#[test]
fn features_are_asked_for_in_few_places() {
    for (module, _) in MAY_IMPORT {
        for file in sources(module) {
            let text = fs::read_to_string(&file).unwrap();
            let place = ["input/mod.rs", "cli/mod.rs"].iter().any(|place| file.ends_with(place));
            assert!(place || !text.contains("feature ="), "{}: a feature", file.display());
        }
    }
}

#[test]
fn files_stay_small_enough_to_read() {
    for (module, _) in MAY_IMPORT {
        for file in sources(module) {
            let text = fs::read_to_string(&file).unwrap();
            let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
            assert!(lines <= 600, "{}: {lines} lines before its tests", file.display());
        }
    }
}
