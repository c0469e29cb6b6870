//! Data moves one way: a room imports what it lists here, and nothing else of the crate; and neither
//! rooms nor files import each other in a circle.
//!
//! A circle is opened by moving what both sides need into a file that imports neither of them, or to the
//! side that it is about.

use crate::source_tree::{Import, SourceTree, room};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Every room of the crate, from the ground up, and what it may import: nothing that stands later.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("packet", &["base"]),
    ("timeouts", &["base"]),
    // What the proxy said, line by line.
    ("logs", &["base"]),
    ("alone", &["base", "logs", "packet"]),
    ("input", &["base", "packet"]),
    ("flow", &["base", "packet"]),
    ("streams", &["base", "flow", "packet"]),
    ("exchange", &["base", "flow", "packet", "streams"]),
    ("facts", &["base", "exchange", "flow", "packet"]),
    ("ebpf", &["base", "facts", "input", "packet", "streams"]),
    ("knowledge", &["base", "exchange", "facts", "flow", "packet"]),
    ("verdict", &["base", "exchange", "facts", "flow", "knowledge", "packet", "streams"]),
    ("ledger", &["base", "exchange", "facts", "flow", "knowledge", "packet", "streams", "verdict"]),
    ("topology", &["base", "exchange", "facts", "flow", "ledger", "packet"]),
    ("join", &["base", "exchange", "flow", "ledger", "logs", "packet", "topology", "verdict"]),
    (
        "words",
        &[
            "alone",
            "base",
            "exchange",
            "facts",
            "flow",
            "join",
            "knowledge",
            "ledger",
            "logs",
            "packet",
            "streams",
            "timeouts",
            "topology",
            "verdict",
        ],
    ),
    (
        "report",
        &[
            "alone",
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
    ("render", &["base", "knowledge", "packet", "report", "timeouts", "verdict", "words"]),
    (
        "analysis",
        &[
            "alone",
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
    ("evidence", &["analysis", "base", "exchange", "flow", "packet", "report"]),
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
            "render", "report", "streams", "verdict", "words",
        ],
    ),
    (
        "run",
        &[
            "analysis", "base", "cli", "input", "live", "render", "report", "timeouts", "topology",
            "words",
        ],
    ),
];

/// Rooms that see no file, clock, thread or environment.
const PURE: &[&str] = &[
    "packet",
    "logs",
    "alone",
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

/// Two files that import each other because neither can be understood without the other, and why.
const PAIRS: &[(&str, &str, &str)] = &[];

/// Circles of files that are still there. The list may only shrink: a row gets shorter or goes, and none
/// comes or grows.
const OPEN: &[&[&str]] = &[];

/// Circles of folders with what stands beside them that are still there. This list, too, may only
/// shrink.
const OPEN_FOLDERS: &[&[&str]] = &[];

/// Who imports whom.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn graph(imports: &[Import]) -> Graph {
    let mut graph = Graph::new();
    for import in imports {
        graph.entry(import.from.clone()).or_default().insert(import.to.clone());
    }
    graph
}

/// Everything that can be reached from one of its members, and reaches that.
fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    fn reached<'g>(graph: &'g Graph, from: &'g String) -> BTreeSet<&'g String> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            open.extend(graph.get(next).into_iter().flatten().filter(|to| seen.insert(*to)));
        }
        seen
    }
    let reach: BTreeMap<&String, BTreeSet<&String>> =
        graph.keys().map(|from| (from, reached(graph, from))).collect();
    let around = |from: &String| -> BTreeSet<String> {
        let back = |to: &&&String| reach.get(**to).is_some_and(|others| others.contains(from));
        reach[from].iter().filter(back).map(|to| (*to).clone()).collect()
    };
    let mut found: Vec<_> = graph.keys().map(around).filter(|circle| circle.len() > 1).collect();
    found.sort();
    found.dedup();
    found
}

/// What stands in `folder` on the way to `file`: a file, or a folder with a slash at its end.
fn in_folder(folder: &str, file: &str) -> Option<String> {
    let rest = file.strip_prefix(folder)?;
    Some(match rest.split_once('/') {
        Some((inner, _)) => format!("{folder}{inner}/"),
        None => file.to_owned(),
    })
}

/// The folders around a file, the source folder first.
fn folders(file: &str) -> impl Iterator<Item = &str> {
    [""].into_iter().chain(file.match_indices('/').map(|(at, _)| &file[..=at]))
}

/// The circles in which a folder as a whole imports, and is imported by, what stands beside it.
fn folder_circles(imports: &[Import]) -> Vec<BTreeSet<String>> {
    let all: BTreeSet<&str> = imports.iter().flat_map(|import| folders(&import.from)).collect();
    let mut found = Vec::new();
    for folder in all {
        let mut siblings = Graph::new();
        for import in imports {
            let ends = (in_folder(folder, &import.from), in_folder(folder, &import.to));
            if let (Some(from), Some(to)) = ends
                && from != to
            {
                siblings.entry(from).or_default().insert(to);
            }
        }
        found.extend(circles(&siblings));
    }
    found.retain(|circle| circle.iter().any(|one| one.ends_with('/')));
    found
}

/// The fewest imports that lead round in a circle, and not within one that is known.
fn way_round<'i>(
    circle: &BTreeSet<String>,
    known: &[BTreeSet<String>],
    imports: &'i [Import],
) -> Vec<&'i Import> {
    let part = |file: &str| {
        circle.iter().find(|one| file == *one || one.ends_with('/') && file.starts_with(*one))
    };
    let mut arrows = BTreeMap::new();
    for import in imports {
        if let (Some(from), Some(to)) = (part(&import.from), part(&import.to))
            && from != to
        {
            arrows.entry((from, to)).or_insert(import);
        }
    }
    let is_known = |from: &String, to: &String| {
        known.iter().any(|known| known.contains(from) && known.contains(to))
    };
    let new = arrows.iter().filter(|((from, to), _)| !is_known(from, to));
    let ways = new.filter_map(|((first, second), import)| {
        let mut ways = BTreeMap::from([(*second, vec![*import])]);
        let mut open = VecDeque::from([*second]);
        while let Some(at) = open.pop_front() {
            for ((_, to), import) in arrows.iter().filter(|((from, _), _)| *from == at) {
                if !ways.contains_key(to) {
                    let longer = ways[at].iter().copied().chain([*import]).collect();
                    ways.insert(to, longer);
                    open.push_back(to);
                }
            }
        }
        ways.remove(first)
    });
    ways.min_by_key(Vec::len).unwrap_or_default()
}

/// What is wrong with the circles that were found, held against those that are known.
fn held_against(
    found: &[BTreeSet<String>],
    known: &[&[&str]],
    list: &str,
    imports: &[Import],
) -> String {
    let row = |circle: &BTreeSet<String>| {
        let quoted: Vec<String> = circle.iter().map(|one| format!("\"{one}\"")).collect();
        format!("    &[{}],", quoted.join(", "))
    };
    let known: Vec<BTreeSet<String>> =
        known.iter().map(|row| row.iter().map(|one| (*one).to_owned()).collect()).collect();
    let mut told = String::new();
    for circle in found.iter().filter(|circle| !known.contains(circle)) {
        if let Some(wider) = known.iter().find(|wider| circle.is_subset(wider)) {
            writeln!(told, "A circle got smaller. In {list}, in place of\n{}", row(wider)).unwrap();
            writeln!(told, "write\n{}\n", row(circle)).unwrap();
            continue;
        }
        writeln!(told, "{} import each other in a circle; the shortest way round:", circle.len())
            .unwrap();
        for Import { from, line, to, item } in way_round(circle, &known, imports) {
            writeln!(told, "    src/{from}:{line} takes {item} of {to}").unwrap();
        }
        told.push_str("Let one of these go: move what is taken to the side that it is about, or ");
        told.push_str("into a file of its own that imports neither.\n");
        let row = row(circle);
        writeln!(
            told,
            "If only names in a known circle changed, its row in {list} is now\n{row}\n"
        )
        .unwrap();
    }
    let related = |row: &BTreeSet<String>, circle: &BTreeSet<String>| {
        circle.is_subset(row) || row.is_subset(circle)
    };
    for known in known.iter().filter(|known| !found.iter().any(|circle| related(known, circle))) {
        let row = row(known);
        writeln!(told, "No circle any more: take this row out of {list}.\n{row}\n").unwrap();
    }
    told
}

#[test]
fn rooms_import_only_what_lies_below_them() {
    for (at, (room, allowed)) in MAY_IMPORT.iter().enumerate() {
        let below = |one: &str| MAY_IMPORT[..at].iter().any(|(room, _)| *room == one);
        assert!(allowed.iter().all(|one| below(one)), "{room} stands below what it imports");
    }
    let tree = SourceTree::of_crate();
    // By the room that is named, and by the one that the definition stands in.
    let mut taken: BTreeSet<(String, usize, String)> = tree
        .named_rooms()
        .into_iter()
        .map(|(file, line, to)| (file.to_owned(), line, to))
        .collect();
    taken.extend(tree.imports.iter().map(|import| {
        let to = room(&import.to).to_owned();
        (import.from.clone(), import.line, to)
    }));
    let mut told = String::new();
    for (file, line, to) in &taken {
        let from = room(file);
        let row = MAY_IMPORT.iter().find(|(room, _)| *room == from);
        let fine = from == to || row.is_none_or(|(_, allowed)| allowed.contains(&to.as_str()));
        if !fine {
            writeln!(told, "src/{file}:{line}: {from} imports {to}, which its row does not list")
                .unwrap();
        }
    }
    assert!(
        told.is_empty(),
        "{told}A room imports only what its row in MAY_IMPORT (tests/layers.rs) lists. Take what is \
         needed from a room below, move the definition down to the room that it is about, or, if {}",
        "`src/lib.rs` agrees that the one lies below the other, add it to the row."
    );
}

#[test]
fn folders_import_what_stands_beside_them_one_way() {
    let imports = &SourceTree::of_crate().imports;
    let told = held_against(&folder_circles(imports), OPEN_FOLDERS, "OPEN_FOLDERS", imports);
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn files_import_each_other_in_no_circle() {
    assert!(PAIRS.len() <= 3, "more than three natural pairs are no longer natural");
    let imports = &SourceTree::of_crate().imports;
    let mut found = circles(&graph(imports));
    for (one, other, why) in PAIRS {
        assert!(!why.is_empty(), "{one} and {other}: why do they stay?");
        let pair = BTreeSet::from([(*one).to_owned(), (*other).to_owned()]);
        let is_there = found.contains(&pair);
        assert!(is_there, "{one} and {other} are no circle of two: take them out of PAIRS");
        found.retain(|circle| *circle != pair);
    }
    let told = held_against(&found, OPEN, "OPEN", imports);
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn circles_are_found_in_folders_too_and_chains_are_none() {
    let import = |from: &str, to: &str| Import {
        from: from.to_owned(),
        line: 1,
        to: to.to_owned(),
        item: "Thing".to_owned(),
    };
    let chain = [import("a/x.rs", "b/x.rs"), import("a/x.rs", "c.rs"), import("b/x.rs", "c.rs")];
    assert!(circles(&graph(&chain)).is_empty() && folder_circles(&chain).is_empty());
    // No file imports itself on any way, but the folders do.
    let crossed = [import("a/b/x.rs", "a/c/x.rs"), import("a/c/y.rs", "a/b/y.rs")];
    assert!(circles(&graph(&crossed)).is_empty());
    let folders = [BTreeSet::from(["a/b/".to_owned(), "a/c/".to_owned()])];
    assert_eq!(folder_circles(&crossed), folders);
    let round = [import("x.rs", "y.rs"), import("y.rs", "z.rs"), import("z.rs", "x.rs")];
    let found = circles(&graph(&round));
    assert_eq!(found, [BTreeSet::from(["x.rs", "y.rs", "z.rs"].map(str::to_owned))]);
    assert!(held_against(&found, &[&["x.rs", "y.rs", "z.rs"]], "OPEN", &round).is_empty());
    let unknown = held_against(&found, &[], "OPEN", &round);
    assert!(unknown.contains("src/x.rs:1 takes Thing of y.rs"), "{unknown}");
    let smaller = held_against(&found, &[&["w.rs", "x.rs", "y.rs", "z.rs"]], "OPEN", &round);
    assert!(smaller.starts_with("A circle got smaller"), "{smaller}");
    let gone = held_against(&[], &[&["x.rs", "y.rs"]], "OPEN", &[]);
    assert!(gone.starts_with("No circle any more"), "{gone}");
}

#[test]
fn every_module_has_a_place() {
    for file in &SourceTree::of_crate().files {
        let room = file.room();
        if !["lib", "main"].contains(&room) {
            let known = MAY_IMPORT.iter().any(|(known, _)| *known == room);
            assert!(known, "src/{}: give {room} a row in MAY_IMPORT (tests/layers.rs)", file.path);
        }
    }
    for (room, _) in MAY_IMPORT {
        let is_there = SourceTree::of_crate().files.iter().any(|file| file.room() == *room);
        assert!(is_there, "{room} is no room: take its row out of MAY_IMPORT");
    }
}

#[test]
fn pure_layers_stay_pure() {
    let forbidden =
        ["std::fs", "std::io", "std::env", "std::thread", "std::net::Tcp", "SystemTime", "Instant"];
    for file in SourceTree::of_crate().files.iter().filter(|file| PURE.contains(&file.room())) {
        for (line, path) in file.paths() {
            let path = path.join("::");
            for word in forbidden {
                assert!(
                    !path.contains(word),
                    "src/{}:{line}: {path}: {} is pure. Let a room above it (input, analysis, cli) \
                     look, and hand on what it saw.",
                    file.path,
                    file.room()
                );
            }
        }
    }
}

/// A feature changes what stands here, and nothing else.
#[test]
fn features_are_asked_for_in_few_places() {
    let places = ["lib.rs", "input/mod.rs", "cli/mod.rs"];
    for file in &SourceTree::of_crate().files {
        assert!(
            places.contains(&file.path.as_str()) || !file.text.contains("feature ="),
            "src/{}: ask for a feature where a room begins ({}), and put what stands in for it there",
            file.path,
            places.join(", ")
        );
    }
}

/// What `docs/architecture.md` names in backticks, and looks like a path, is there.
#[test]
fn the_architecture_names_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    // Blocks of text have no code in them.
    let prose: String = text.split("```").step_by(2).collect();
    let is_path = |word: &&str| {
        let path = word.chars().all(|c| c.is_ascii_alphanumeric() || "_./".contains(c));
        path && (word.contains('/') || word.ends_with(".rs"))
    };
    let named: Vec<&str> = prose.split('`').skip(1).step_by(2).filter(is_path).collect();
    assert!(named.len() > 40, "{named:?}");
    for path in named {
        let there = ["", "src"].iter().any(|base| root.join(base).join(path).exists());
        assert!(there, "docs/architecture.md names {path}, which is neither here nor below src");
    }
}
