//! The pages on the causes: whole, true of the program as far as a test can tell, and the same in
//! the README.
//!
//! After a wanted change: `WHY502_BLESS=1 cargo test explain`, then read the difference.

use crate::conversations::SCENARIOS;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use why502::inside::render::explain::{self, SECTIONS};
use why502::inside::verdict::{Cause, Doubt, Drop};
use why502::inside::words::words;

const WIDTH: usize = 96;

fn why502(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_why502"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    why502(arguments).output().unwrap()
}

/// What a command that succeeds answers.
fn answer(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    assert!(output.stderr.is_empty(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The spans of code in a page.
fn code(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}

#[test]
fn every_page_has_every_section_and_says_something_in_each() {
    for cause in Cause::ALL {
        let name = cause.name();
        let page = words(cause).page;
        let mut parts = page.split("\n## ");
        let lead: Vec<&str> = parts.next().unwrap().trim().split("\n\n").collect();
        assert_eq!(lead.len(), 3, "{name}: title, what happened, what makes it certain");
        assert_eq!(lead[0], format!("# {name}"));
        assert_eq!(page.matches("\n#").count(), SECTIONS.len(), "{name}: more headings");
        for wanted in SECTIONS {
            let (heading, text) = parts.next().unwrap().split_once('\n').unwrap();
            assert_eq!(heading, wanted, "{name}");
            assert!(text.split_whitespace().count() >= 5, "{name}: {heading}");
        }
        assert!(explain::happened(cause).chars().count() <= 72, "{name}: one line of the table");
    }
}

/// Nothing in a page is beyond what the terminal's rendering knows.
#[test]
fn pages_use_no_other_markdown() {
    for cause in Cause::ALL {
        let (name, page) = (cause.name(), words(cause).page);
        for mark in ["```", "**", "\n|", "\n* ", "\n1. ", "\n> ", "\n    ", "\t", "!["] {
            assert!(!page.contains(mark), "{name}: {mark:?}");
        }
        for block in page.split("\n\n") {
            assert_eq!(block.matches('`').count() % 2, 0, "{name}: {block}");
        }
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{name}: long lines");
        let shown = answer(&["explain", name]);
        assert!(!shown.contains("](") && !shown.contains("\n#"), "{name}");
    }
}

#[test]
fn links_lead_to_pages_that_are_there() {
    for cause in Cause::ALL {
        for link in words(cause).page.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            assert!(root().join("src/words/causes").join(target).is_file(), "{target}");
            assert_ne!(target, format!("{}.md", cause.name()), "a page links to itself");
        }
    }
}

/// What pages name of this program is there: its options, and the codes in its reports.
#[test]
fn pages_name_only_what_is_there() {
    // Of other programs.
    const OTHERS: [&str; 5] = [
        "--timeout",
        "--max-requests",
        "--limit-max-requests",
        "--backlog 4096",
        "--max-http-header-size=32768",
    ];
    let help = [answer(&["analyze", "--help"]), answer(&["live", "--help"])].concat();
    for cause in Cause::ALL {
        let is_option = |code: &&str| {
            code.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic))
        };
        for option in code(words(cause).page).filter(is_option) {
            let name = option.split(' ').next().unwrap();
            let ours = help.lines().any(|line| line.trim().starts_with(&format!("{name} ")));
            assert!(ours || OTHERS.contains(&option), "{}: {option}", cause.name());
        }
    }
    let doubts = [
        Doubt::Gap,
        Doubt::HeadsCut,
        Doubt::OneDirection,
        Doubt::NotHttp,
        Doubt::SeveralReadings,
        Doubt::ProxyClosedFirst,
    ];
    let forms = [Drop::Request, Drop::Forgotten, Drop::Answer, Drop::Rest { size: None }];
    let lists = |cause, names: Vec<&'static str>| {
        for name in names {
            assert!(words(cause).page.contains(&format!("\n- `{name}`: ")), "{name}");
        }
    };
    lists(Cause::Unproven, doubts.map(Doubt::name).to_vec());
    lists(Cause::SilentDrop, forms.map(Drop::name).to_vec());
}

/// The sources below `folder`, as path and text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// A page that says "not yet" is to be changed together with the rule that makes it untrue.
#[test]
fn what_pages_call_missing_is_missing() {
    let all = sources(&root().join("src"));
    // What can be found stands in `finding`, and who finds it beside that.
    let rooms = ["src/verdict", "src/verdict/finding"].map(|room| root().join(room));
    let in_verdict = |path: &Path| path.starts_with(&rooms[0]) && !path.starts_with(&rooms[1]);
    for cause in Cause::ALL {
        let named = format!("Finding::{cause:?}");
        let told = all.iter().any(|(path, text)| in_verdict(path) && text.contains(&named));
        let denied = words(cause).page.contains("Not told yet");
        assert_ne!(told, denied, "{}", cause.name());
    }
}

/// A section of a page.
fn section(cause: &str, heading: &str) -> &'static str {
    let page = words(explain::find(cause).unwrap()).page;
    let text = page.split_once(&format!("\n## {heading}\n")).unwrap().1;
    text.split("\n## ").next().unwrap()
}

/// A page that knows of no such certainty, or no such advice, is wrong about the rules.
#[test]
fn pages_know_every_certainty_and_advice_that_is_given() {
    let said = SCENARIOS.iter().flat_map(|scenario| (scenario.expected)());
    let said = said.chain(crate::kernel_facts::every_verdict());
    let mut said: Vec<[String; 3]> =
        said.map(|one| [one.cause, one.certainty, one.retry].map(str::to_owned)).collect();
    for capture in crate::captures::captures() {
        let kept = fs::read_to_string(capture.with_extension("expected.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&kept).unwrap();
        for failure in report["failures"].as_array().unwrap() {
            let field = |name: &str| failure[name].as_str().unwrap().to_owned();
            said.push(["cause", "certainty", "retry"].map(field));
        }
    }
    for [cause, certainty, retry] in said {
        let proof = section(&cause, "How it is proven").to_lowercase();
        assert!(proof.contains(&certainty), "{cause} is {certainty}: {proof}");
        let words = match retry.as_str() {
            "safe" => "Safe",
            "unsafe" => "Only if idempotent",
            _ => "Unknown",
        };
        let advice = section(&cause, "Is a retry safe?");
        assert!(advice.contains(words), "{cause}, {retry}: {advice}");
    }
}

#[test]
fn without_a_cause_all_are_listed_a_line_each() {
    let text = answer(&["explain"]);
    let mut lines = text.lines().skip(1);
    for cause in Cause::ALL {
        let line = lines.next().unwrap();
        assert!(line.starts_with(&format!("  {} ", cause.name())), "{line}");
        assert!(line.ends_with(&explain::happened(cause)), "{line}");
    }
    assert_eq!(lines.next(), Some(""));
}

#[test]
fn a_pipe_gets_lines_of_96_columns_and_no_colours() {
    let mut pages = vec![answer(&["explain"])];
    pages.extend(Cause::ALL.map(|cause| answer(&["explain", cause.name()])));
    for page in pages {
        assert!(!page.contains('\x1b'));
        for line in page.lines() {
            assert!(line.chars().count() <= WIDTH && line.trim_end() == line, "{line}");
        }
    }
}

#[test]
fn colours_are_there_when_asked_for() {
    assert!(answer(&["explain", "--color", "always", "stalled"]).contains('\x1b'));
    let arguments = ["explain", "--color", "never", "stalled"];
    assert!(!answer(&arguments).contains('\x1b'));
    let output = why502(&["explain", "stalled"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!output.stdout.contains(&0x1b));
}

#[test]
fn a_narrow_terminal_gets_narrow_lines_with_the_same_words() {
    let shown = |cause, width| {
        let mut page = anstream::StripStream::new(Vec::new());
        explain::write(cause, width, &mut page).unwrap();
        String::from_utf8(page.into_inner()).unwrap()
    };
    for cause in Cause::ALL {
        let (narrow, wide) = (shown(cause, 64), shown(cause, WIDTH));
        assert!(narrow.lines().all(|line| line.chars().count() <= 64), "{narrow}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        // A drawing cannot be wrapped: it is left out.
        let drawn = why502::inside::words::drawing(cause);
        let wide = drawn.map_or(wide.clone(), |(heading, ladder)| {
            wide.replacen(ladder, "", 1).replacen(heading, "", 1)
        });
        assert_eq!(words(&narrow), words(&wide));
    }
}

#[test]
fn a_name_is_known_in_either_case_and_with_hyphens() {
    let page = answer(&["explain", "keepalive_race"]);
    for name in ["keepalive-race", "KEEPALIVE_RACE", "Keepalive-Race"] {
        assert_eq!(answer(&["explain", name]), page);
    }
}

#[test]
fn an_unknown_cause_is_one_line_with_the_nearest_names() {
    for (name, near) in [
        ("keepalive_rase", "did you mean keepalive_race?"),
        ("timeout", "did you mean response_timeout or connect_timeout?"),
        (
            "pigeons",
            "no cause is called 'pigeons', and no message is known that says so; 'why502 explain' lists them all",
        ),
    ] {
        let output = run(&["explain", name]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(output.stdout.is_empty());
        assert!(said.contains(near) && said.lines().count() == 1, "{said}");
    }
}

/// The README's table, made from the pages.
fn table() -> String {
    let lower = |text: &str| {
        let mut letters = text.chars();
        letters.next().unwrap().to_lowercase().chain(letters).collect::<String>()
    };
    let mut table = "| cause | what happened | proof |\n|---|---|---|\n".to_owned();
    for cause in Cause::ALL {
        let certain = explain::certain(cause);
        let certain = certain.strip_prefix("Proof: ").unwrap_or(&certain);
        let cells = [lower(&explain::happened(cause)), lower(certain)];
        assert!(cells.iter().all(|cell| !cell.contains('|')));
        let name = cause.name();
        table += &format!("| [`{name}`](src/words/causes/{name}.md) | {} |\n", cells.join(" | "));
    }
    table
}

#[test]
fn the_readme_says_of_each_cause_what_its_page_says() {
    const MARKS: [&str; 2] = ["<!-- causes -->\n", "<!-- /causes -->\n"];
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(MARKS[0]).unwrap();
    let (kept, after) = rest.split_once(MARKS[1]).unwrap();
    let wanted = format!("\n{}\n", table());
    if std::env::var_os("WHY502_BLESS").is_some() && kept != wanted {
        let whole = [before, MARKS[0], &wanted, MARKS[1], after].concat();
        fs::write(&path, whole).unwrap();
        return;
    }
    assert_eq!(kept, wanted, "README.md: WHY502_BLESS=1 cargo test explain");
}
