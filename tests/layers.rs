//! Data moves one way: a layer imports what it lists here, and nothing else of the crate.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module at the top of the crate, and what it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("digest", &[]),
    ("secret", &[]),
    ("packet", &["time"]),
    ("clear", &["packet", "time"]),
    ("flow", &["packet", "time"]),
    ("ends", &["packet", "time"]),
    ("exchange", &["digest", "flow", "packet", "time"]),
    ("verdict", &["ends", "exchange", "flow", "packet", "time"]),
    ("idle", &[]),
    ("hazard", &["idle"]),
    ("ledger", &["verdict", "ends", "idle", "exchange", "flow", "packet", "time"]),
    ("roles", &["ledger", "exchange", "flow", "packet", "time"]),
    // What the proxy said: lines alone, then with what the packets show.
    ("access_log", &["time"]),
    (
        "correlate",
        &[
            "access_log",
            "ledger",
            "roles",
            "verdict",
            "exchange",
            "flow",
            "packet",
            "digest",
            "time",
        ],
    ),
    ("outputs", &[]),
    ("page", &[]),
    ("names", &[]),
    // Data, and how it is shown.
    ("timeouts", &["names", "page"]),
    (
        "report",
        &[
            "access_log",
            "clear",
            "correlate",
            "timeouts",
            "page",
            "ends",
            "roles",
            "ledger",
            "verdict",
            "hazard",
            "idle",
            "exchange",
            "flow",
            "packet",
            "digest",
            "secret",
            "time",
        ],
    ),
    ("explain", &["names", "page", "timeouts", "verdict"]),
    ("stop", &[]),
    ("source", &["packet", "stop", "time"]),
    ("ebpf", &["clear", "ends", "packet", "source", "time"]),
    ("hear", &["source", "access_log", "correlate", "report"]),
    (
        "pipeline",
        &[
            "source",
            "packet",
            "clear",
            "flow",
            "exchange",
            "ends",
            "verdict",
            "ledger",
            "roles",
            "access_log",
            "correlate",
            "hear",
            "report",
            "time",
        ],
    ),
    ("keep", &["pipeline", "flow", "packet", "report", "secret", "time"]),
    // What the user typed names the types that it becomes.
    ("cli", &["access_log", "ledger", "names", "packet", "timeouts"]),
    (
        "config",
        &["cli", "ledger", "names", "packet", "pipeline", "report", "roles", "timeouts", "verdict"],
    ),
    ("progress", &["source"]),
    ("answer", &["cli", "config", "report"]),
    (
        "live",
        &[
            "answer", "clear", "cli", "config", "ebpf", "ends", "keep", "ledger", "outputs",
            "packet", "pipeline", "report", "source", "time",
        ],
    ),
    (
        "run",
        &[
            "answer", "cli", "config", "explain", "live", "outputs", "page", "pipeline",
            "progress", "report", "source", "stop", "timeouts",
        ],
    ),
];

/// Layers that see no file, clock, thread or environment.
const PURE: &[&str] = &[
    "digest",
    "secret",
    "packet",
    "clear",
    "flow",
    "ends",
    "exchange",
    "verdict",
    "hazard",
    "idle",
    "ledger",
    "roles",
    "access_log",
    "correlate",
];

fn sources(module: &str) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let file = src.join(format!("{module}.rs"));
    if file.exists() {
        return vec![file];
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(src.join(module)).unwrap().map(|entry| entry.unwrap().path()).collect();
    // `ebpf` has a folder of C.
    files.retain(|file| file.is_file());
    files.sort();
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
fn layers_import_only_what_lies_below_them() {
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
            let place = ["source/mod.rs", "cli.rs"].iter().any(|place| file.ends_with(place));
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
