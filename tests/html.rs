//! The page beside the answer (`--html`): it holds all, loads nothing, and what was captured stays text.

use crate::captures::captures;
use crate::program::{RACE, run, stderr};
use crate::wire::{self, End, Talk, get, pcap};
use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Elements without an end.
const VOID: [&str; 3] = ["meta", "input", "br"];

/// The page that is written for captures, with these options beside.
fn page(typed: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    let mut all = vec!["analyze", "--exit-zero", "--html", file.to_str().unwrap()];
    all.extend(typed);
    let output = run(&all);
    assert!(file.exists(), "{}", stderr(&output));
    fs::read_to_string(file).unwrap()
}

/// The page of conversations.
fn page_of(talks: &[&Talk]) -> String {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("talks.pcap");
    fs::write(&file, pcap(&wire::together(talks))).unwrap();
    page(&[file.to_str().unwrap()])
}

/// A race that loses a request for this target.
fn race(port: u16, target: &str) -> Talk {
    let mut talk = Talk::new(u32::from(port), 22).on_port(port);
    talk.handshake().exchange("/warm", 64).idle(Duration::from_secs(2));
    talk.fin_unheard(End::Backend).data(End::Proxy, &get(target));
    talk.rst_in_reply(End::Backend).arrives(End::Proxy).fin(End::Proxy);
    talk
}

/// What stands between the first of these and the next end.
fn between<'p>(page: &'p str, begin: &str, end: &str) -> &'p str {
    let from = page.find(begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
    &page[from..from + page[from..].find(end).unwrap()]
}

/// The page without what is style, script or data: markup alone.
fn markup(page: &str) -> String {
    let mut rest = page;
    let mut markup = String::new();
    while let Some((begin, end)) = [("<style>", "</style>"), ("<script", "</script>")]
        .into_iter()
        .filter_map(|(begin, end)| Some((rest.find(begin)?, end)))
        .min()
    {
        markup.push_str(&rest[..begin]);
        rest = &rest[begin + rest[begin..].find(end).unwrap() + end.len()..];
    }
    markup.push_str(rest);
    markup
}

/// Every tag has its end, in order, no attribute comes twice, and nothing is loaded or styled in place.
fn assert_valid(page: &str, what: &str) {
    let markup = markup(page);
    let mut open: Vec<String> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for part in markup.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        assert!(part.contains('>'), "{what}: <{part}");
        if tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{what}: </{name}>");
            continue;
        }
        let name = tag.split([' ', '\n']).next().unwrap();
        let attributes: Vec<&str> =
            tag.split('"').step_by(2).filter_map(|part| part.trim().strip_suffix('=')).collect();
        let mut names: Vec<&str> =
            attributes.iter().map(|one| one.rsplit(' ').next().unwrap()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{what}: an attribute comes twice: <{tag}>");
        for attribute in names {
            let loads = ["src", "style", "srcset", "action", "data", "poster"].contains(&attribute);
            assert!(!loads && !attribute.starts_with("on"), "{what}: <{tag}>");
        }
        if let Some((_, link)) = tag.split_once("href=\"") {
            assert!(link.starts_with('#'), "{what}: <{tag}>");
        }
        if let Some((_, id)) = tag.split_once(" id=\"") {
            ids.push(id.split('"').next().unwrap().to_owned());
        }
        if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{what}: {open:?}");
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "{what}: an id comes twice");
}

#[test]
fn every_capture_has_a_page_that_is_valid_and_loads_nothing() {
    for capture in captures() {
        let path = capture.to_str().unwrap();
        let page = page(&[path]);
        assert_valid(&page, path);
        let data = between(&page, "id=\"report\">", "</script>");
        let report: serde_json::Value = serde_json::from_str(data).unwrap();
        let drawn = page.matches("<svg class=\"ladder\"").count();
        assert_eq!(drawn, report["failures"].as_array().unwrap().len().min(100), "{path}");
    }
}

#[test]
fn two_vantages_a_log_and_captures_that_do_not_belong_together_have_pages() {
    let other = "captures/keepalive-race-nginx-node/backend-side.pcap";
    assert_valid(&page(&[RACE, other]), "two vantages");
    let (log, legs) =
        ("tests/logs/both-legs/combined.log", "tests/logs/both-legs/proxy-side.pcap.gz");
    let joined = page(&["--access-log", log, legs]);
    assert_valid(&joined, "with a log");
    assert!(joined.contains("user got 502") && joined.contains("hidden: sent again, 200"));
    assert_valid(&page(&["--access-log", log]), "a log alone");
    let apart = page(&[RACE, "captures/clean-haproxy-node/proxy-side.pcap"]);
    assert_valid(&apart, "two reports");
    let data: serde_json::Value =
        serde_json::from_str(between(&apart, "id=\"report\">", "</script>")).unwrap();
    assert_eq!(data["reports"].as_array().unwrap().len(), 2);
}

#[test]
fn the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else() {
    let page = page(&[RACE]);
    let hash =
        |text: &str| format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())));
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render/page/hashes.txt");
    let hashes = format!("{style}\n{script}\n");
    if std::env::var_os("WHY502_BLESS").is_some() {
        fs::write(&file, &hashes).unwrap();
        return;
    }
    let kept = fs::read_to_string(file).unwrap();
    assert_eq!(kept, hashes, "WHY502_BLESS=1 cargo test html writes them");
    let policy = format!(
        "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
    );
    assert_eq!(between(&page, "Content-Security-Policy\" content=\"", "\""), policy);
}

#[test]
fn what_was_captured_stays_text() {
    let hostile = [
        "/<script>alert(1)</script>",
        "/</script><img%20src=x>",
        "/\"onmouseover=\"alert(1)",
        "/'onfocus='alert(1)",
        "/]]><!--",
        "/<svg/onload=alert(1)>&lt;b&gt;&#x3c;",
        "/\u{202e}gnp.exe\u{2066}",
        "/`code`${x}",
    ];
    let talks: Vec<Talk> =
        hostile.iter().zip(41_000..).map(|(target, port)| race(port, target)).collect();
    let page = page_of(&talks.iter().collect::<Vec<_>>());
    assert_valid(&page, "hostile targets");
    assert_eq!(page.matches("<script").count(), 2, "the report and the script");
    let data = between(&page, "id=\"report\">", "</script>");
    assert!(!data.contains(['<', '>', '&']));
    let report: serde_json::Value = serde_json::from_str(data).unwrap();
    let targets: Vec<&str> = report["failures"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["request"]["target"].as_str())
        .collect();
    assert!(targets.contains(&"/<script>alert(1)</script>"), "{targets:?}");
    assert!(!page.contains(['\u{202e}', '\u{2066}']), "what reorders text is escaped");
    assert!(markup(&page).contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn a_thousand_failures_fit_into_two_megabytes() {
    let targets: Vec<String> =
        (0..1_000).map(|place| format!("/orders/{place}?page=2&sort=newest")).collect();
    let talks: Vec<Talk> =
        targets.iter().zip(20_000..).map(|(target, port)| race(port, target)).collect();
    let page = page_of(&talks.iter().collect::<Vec<_>>());
    assert_valid(&page, "a thousand failures");
    assert_eq!(page.matches("<svg class=\"ladder\"").count(), 20);
    assert_eq!(page.matches("class=\"row\"").count(), 980);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn secrets_are_hidden_in_the_page_as_in_the_answer() {
    let talk = race(41_000, "/login?token=hunter2hunter2&page=3");
    let page = page_of(&[&talk]);
    assert!(page.contains("page=3") && !page.contains("hunter2"));
}

#[test]
fn a_page_is_never_written_over_an_input_or_the_answer() {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("race.pcap");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(RACE), &copy).unwrap();
    let before = fs::read(&copy).unwrap();
    let path = copy.to_str().unwrap();
    let output = run(&["analyze", "--html", path, path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("that is the input"), "{}", stderr(&output));
    assert_eq!(fs::read(&copy).unwrap(), before);
    let both = folder.path().join("answer");
    let both = both.to_str().unwrap();
    let output = run(&["analyze", "--html", both, "--output", both, path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--output goes there"), "{}", stderr(&output));
}

/// A client that left, and one whose response was cut short, got no answer by a retry.
#[test]
fn what_a_user_saw_is_told_as_it_was() {
    let gone = page(&["captures/client-gone-nginx-node/proxy-side.pcap"]);
    assert_eq!(gone.matches(">user left<").count(), 3);
    assert!(gone.contains("3 users left before") && !gone.contains("hidden: sent again"));
    let busy = page(&["tests/topologies/13-busy-host/any.pcap"]);
    assert!(busy.contains(">user got 200, cut short<") && busy.contains("; 1 cut short"));
    assert!(!busy.contains("hidden: sent again"));
    // Six attempts, of which two were second ones: four users.
    let again = page(&["captures/reset-in-flight-nginx-node/proxy-side.pcap"]);
    assert!(again.contains("<b>4 likely</b><span>seen by users"), "{again}");
    let own = page(&["captures/backend-error-haproxy-puma/proxy-side.pcap"]);
    assert_eq!(own.matches(">answered 503<").count(), 2);
}

/// What is not answered yet, what failed otherwise, and connections are none of the answered requests.
#[test]
fn only_what_was_answered_is_counted_as_answered() {
    let open = page(&["captures/accept-queue-full-nginx-gunicorn/proxy-side.pcap"]);
    assert!(open.contains("13 requests, 12 failed") && !open.contains("answered ("));
    let unproven = page(&["captures/unproven-lost-fin/proxy-side.pcap"]);
    assert!(unproven.contains("answered (2)"));
    let mixed = page(&["captures/connection-refused-after-timeouts-nginx-node/proxy-side.pcap"]);
    assert!(mixed.contains("7 requests and 4 failed connections, 8 failures"));
    assert!(mixed.contains("requests and connections to the backend failed"));
    let refused = page(&["captures/connection-refused-haproxy/proxy-side.pcap"]);
    assert!(refused.contains("16 connections, 16 failed"));
    assert!(refused.contains("connections to the backend failed"));
}

/// What limits an answer stands before it, not in its heading; where there is no answer, the heading says so.
#[test]
fn a_heading_is_short() {
    let open = page(&["captures/accept-queue-full-nginx-gunicorn/proxy-side.pcap"]);
    let heading = between(&open, "<h1", "</h1>");
    assert!(heading.ends_with("12\u{a0}of\u{a0}12 requests failed."), "{heading}");
    assert!(!heading.contains("Not judged") && open.contains("<p class=\"limits\">Not judged:"));
    let nothing = page(&["tests/turns/race-tls-nginx-node/proxy-side.pcap"]);
    assert!(between(&nothing, "<h1", "</h1>").ends_with(">Nothing could be judged."));
    assert!(nothing.contains("<p class=\"lead\">TLS on 6 connections to 10.77.2.2:3000"));
}

/// A page is for whoever has nothing but a browser: with the script off all of it is there.
#[test]
fn nothing_waits_for_the_script_but_filters() {
    let page = page(&[RACE]);
    let markup = markup(&page);
    for part in markup.split('<').filter(|part| part.contains(" hidden")) {
        let tag = part.split('>').next().unwrap();
        assert!(
            tag.starts_with("div class=\"bar2\"") || tag.starts_with("button id=\"theme\""),
            "<{tag}>"
        );
    }
}
