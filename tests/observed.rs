//! What the laboratory saw (`src/timeouts/observed.json`, written by `tests/lab/behaviours`): it can be
//! read, speaks of known causes, is shown by `why502 timeouts`, and stands in the README.
//!
//! After a new table: `WHY502_BLESS=1 cargo test observed`, then read the difference.

use crate::program::{run, stdout};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use why502::inside::timeouts;
use why502::inside::timeouts::observed::Observed;
use why502::inside::verdict::Cause;

const MARKS: [&str; 2] = ["<!-- observed -->\n", "<!-- /observed -->"];

/// The README's columns: what can be the proxy's to repair, and a time that it chooses.
const COLUMNS: [&str; 5] = [
    "keepalive_race",
    "closed_in_flight",
    "connection_refused",
    "connect_timeout",
    "response_timeout",
];

#[test]
fn the_table_can_be_read_and_speaks_of_known_causes() {
    let observed = Observed::load();
    assert!(observed.cases > 0 && !observed.proxies.is_empty() && !observed.servers.is_empty());
    for proxy in &observed.proxies {
        for lost in &proxy.causes {
            let known = Cause::ALL.iter().any(|cause| cause.name() == lost.cause);
            assert!(known, "{}: {}", proxy.name, lost.cause);
            assert!(lost.sent_again <= lost.requests, "{}: {}", proxy.name, lost.cause);
            assert_eq!(lost.client_saw.values().sum::<u32>(), lost.requests, "{}", proxy.name);
        }
    }
    for server in &observed.servers {
        assert!(timeouts::by_id(&server.id).is_some(), "{}", server.id);
        assert!(server.min_s <= server.median_s && server.median_s <= server.max_s);
        assert_eq!(server.by.values().sum::<u32>(), server.closes, "{}", server.name);
    }
}

#[test]
fn a_page_says_what_was_seen_of_it() {
    let observed = Observed::load();
    let seen = observed.proxies.iter().map(|proxy| (&proxy.id, &proxy.version));
    let seen = seen.chain(observed.servers.iter().map(|server| (&server.id, &server.version)));
    for (id, version) in seen.filter(|(id, _)| timeouts::by_id(id).is_some()) {
        let page = stdout(&run(&["timeouts", id]));
        let seen = page.split("Measured with real programs").nth(1).unwrap_or_default();
        let words = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(version.as_str()), "{id}: {page}");
    }
}

#[test]
fn the_page_of_a_cause_says_what_proxies_made_of_it() {
    let observed = Observed::load();
    for cause in Cause::ALL.map(Cause::name) {
        let page = stdout(&run(&["explain", cause]));
        let seen = page.split("Measured with real programs").nth(1).unwrap_or_default();
        let words = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        for proxy in &observed.proxies {
            let row = proxy.did(cause).map(|did| format!("{} {} {did}", proxy.name, proxy.version));
            assert!(row.is_none_or(|row| words.contains(&row)), "{cause}: {}: {page}", proxy.name);
        }
    }
    let nginx = observed.proxies.iter().find(|proxy| proxy.id == "nginx").unwrap();
    assert_eq!(nginx.did("keepalive_race").as_deref(), Some("again 200 / 502"));
    assert_eq!(nginx.did("health_check_failing"), None);
}

fn tables() -> String {
    let observed = Observed::load();
    let mut text = String::new();
    writeln!(text, "\n| server | configured: closed after (range, closes) | by |").unwrap();
    writeln!(text, "|---|---|---|").unwrap();
    // The same one with each timeout that it was told.
    for alike in observed.servers.chunk_by(|a, b| (&a.name, &a.version) == (&b.name, &b.version)) {
        let times: Vec<String> = alike
            .iter()
            .map(|s| {
                let range = format!("{:.2} to {:.2}, {}", s.min_s, s.max_s, s.closes);
                format!("{} s: {:.2} s ({range})", s.configured_s, s.median_s)
            })
            .collect();
        let by: BTreeSet<&str> =
            alike.iter().flat_map(|s| s.by.keys().map(String::as_str)).collect();
        let by = by.into_iter().collect::<Vec<_>>().join(", ");
        let name = format!("{} {}", alike[0].name, alike[0].version);
        writeln!(text, "| {name} | {} | {by} |", times.join("<br>")).unwrap();
    }
    let titles: Vec<String> = COLUMNS.iter().map(|cause| format!("`{cause}`")).collect();
    writeln!(text, "\n| proxy | {} |", titles.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(COLUMNS.len())).unwrap();
    for proxy in &observed.proxies {
        let cell = |cause: &&str| proxy.did(cause).unwrap_or_else(|| "·".to_owned());
        let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
        writeln!(text, "| {} {} | {} |", proxy.name, proxy.version, cells.join(" | ")).unwrap();
    }
    writeln!(text).unwrap();
    text
}

#[test]
fn the_readme_says_what_was_seen() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(MARKS[0]).unwrap();
    let (kept, after) = rest.split_once(MARKS[1]).unwrap();
    let wanted = tables();
    if std::env::var_os("WHY502_BLESS").is_some() && kept != wanted {
        fs::write(&path, [before, MARKS[0], &wanted, MARKS[1], after].concat()).unwrap();
        return;
    }
    assert_eq!(kept, wanted, "README.md: WHY502_BLESS=1 cargo test observed");
}
