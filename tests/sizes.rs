//! What is small enough to be read at once, and called by a name that nothing else has.
//!
//! What is over a limit stands in a list of what is open, which may only shrink: a row goes when it no
//! longer applies, and no row comes.

use crate::source_tree::{Function, SourceTree, is_stand_in, room};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lines of code in a file: blank lines, comments and tests do not count.
const FILE: usize = 600;

/// Lines of a function, from `fn` to its closing brace. Constants and statics are no functions, so a
/// table may be as long as what it lists; a table that is a `match` in a function counts.
const FUNCTION: usize = 80;

/// Files over the limit, and their lines.
const OPEN_FILES: &[(&str, usize)] = &[];

/// Functions over the limit: the file, the name, and the lines.
const OPEN_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// Names that stand for more than one thing, and for how many.
const OPEN_NAMES: &[(&str, usize)] = &[];

#[test]
fn files_stay_small_enough_to_read() {
    let mut told = String::new();
    let files = &SourceTree::of_crate().files;
    for file in files.iter().filter(|file| file.code_lines > FILE) {
        let open = OPEN_FILES.iter().find(|(path, _)| *path == file.path);
        if open.is_none_or(|(_, lines)| file.code_lines > *lines) {
            let row = format!("    (\"{}\", {}),", file.path, file.code_lines);
            writeln!(told, "{row}\n        over {FILE} lines of code: move one idea of it out")
                .unwrap();
        }
    }
    for (path, lines) in OPEN_FILES {
        if !files.iter().any(|file| file.path == *path && file.code_lines > FILE) {
            writeln!(
                told,
                "    (\"{path}\", {lines}),\n        no longer: take it out of OPEN_FILES"
            )
            .unwrap();
        }
    }
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn functions_stay_small_enough_to_read() {
    let mut told = String::new();
    let mut open: Vec<_> = OPEN_FUNCTIONS.to_vec();
    for file in &SourceTree::of_crate().files {
        for function in file.functions.iter().filter(|function| function.lines > FUNCTION) {
            let Function { name, line, lines } = function;
            let known = open.iter().position(|(path, open, _)| *path == file.path && open == name);
            let before = known.map(|at| open.remove(at).2);
            if before.is_some_and(|before| *lines <= before) {
                continue;
            }
            let before = before.map_or(String::new(), |before| format!(", and it was {before}"));
            writeln!(
                told,
                "    (\"{}\", \"{name}\", {lines}),\n        src/{}:{line}: over {FUNCTION} lines{before}: \
                 give a step of it a name and a function of its own",
                file.path, file.path
            )
            .unwrap();
        }
    }
    for (path, name, lines) in open {
        writeln!(
            told,
            "    (\"{path}\", \"{name}\", {lines}),\n        no longer: take it out of OPEN_FUNCTIONS"
        )
        .unwrap();
    }
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn a_type_has_a_name_of_its_own() {
    // A stand-in is what its room is, built without a feature.
    let mut places: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    let files = &SourceTree::of_crate().files;
    let in_room_too = |of: &str, name: &str| {
        let mut others = files.iter().filter(|file| room(of) == file.room() && of != file.path);
        others.any(|file| file.types.iter().any(|other| other.name == name))
    };
    for file in files {
        for of_type in &file.types {
            if !(is_stand_in(&file.path) && in_room_too(&file.path, &of_type.name)) {
                let place = format!("src/{}:{}", file.path, of_type.line);
                places.entry(&of_type.name).or_default().insert(&of_type.module, place);
            }
        }
    }
    places.retain(|_, places| places.len() > 1);
    let mut told = String::new();
    for (name, places) in &places {
        let known = OPEN_NAMES.iter().find(|(known, _)| known == name);
        let many = places.len();
        if known.is_none_or(|(_, known)| many > *known) {
            let places: Vec<&str> = places.values().map(String::as_str).collect();
            writeln!(told, "    (\"{name}\", {many}),\n        {}", places.join(", ")).unwrap();
        }
    }
    if !told.is_empty() {
        told.push_str(
            "A name stands for two things: say of each what sets it apart, as `LogLine` does, or let \
             them be one type in the lower room.\n",
        );
    }
    for (name, known) in OPEN_NAMES {
        let many = places.get(name).map_or(1, BTreeMap::len);
        if many < *known {
            let instead = match many {
                1 => "take it out of OPEN_NAMES".to_owned(),
                _ => format!("write {many} for {known} in OPEN_NAMES"),
            };
            writeln!(told, "{name} stands for fewer things than before: {instead}").unwrap();
        }
    }
    assert!(told.is_empty(), "\n{told}");
}
