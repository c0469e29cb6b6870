//! The known timeouts: whole, the same as what was gathered, and as a person reads them.

use crate::program::{run, stderr, stdout};
use std::fs;
use std::path::Path;
use why502::inside::timeouts::{self, Product, ProductSide};
use why502::inside::verdict::Cause;
use why502::inside::words::words;

fn answer(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// An address, or a setting without spaces, cannot be broken; it stands alone, beside its label.
fn fits(line: &str, width: usize) -> bool {
    let text = line.get(19..).filter(|_| line.starts_with("  ")).unwrap_or(line);
    line.chars().count() <= width || !text.contains(' ')
}

#[test]
fn the_table_has_a_line_for_each_within_96_columns() {
    let text = answer(&["timeouts"]);
    assert!(!text.contains('\x1b'));
    for line in text.lines() {
        assert!(line.chars().count() <= 96 && line.trim_end() == line, "{line}");
    }
    for known in timeouts::all() {
        let begin = format!("  {} ", known.id);
        let line = text.lines().find(|line| line.starts_with(&begin)).unwrap();
        assert_eq!(line.contains("(unverified)"), !known.verified, "{line}");
    }
}

#[test]
fn every_page_says_how_it_is_set_where_that_stands_and_how_sure_that_is() {
    for known in timeouts::all() {
        let page = answer(&["timeouts", known.id]);
        let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [known.name, known.knob, known.retries, known.announces, known.checked] {
            assert!(flat.contains(words), "{}: {words}", known.id);
        }
        assert!(flat.contains(if known.verified { "checked yes" } else { "checked no" }));
        assert!(!flat.contains("{s}") && !flat.contains("{ms}"), "{}", known.id);
        for line in page.lines() {
            assert!(fits(line, 96) && line.trim_end() == line, "{line}");
        }
    }
    let node = answer(&["timeouts", "Node_Pre26"]);
    assert!(node.contains("6.0 s") && node.contains("(Nov 2026)"), "{node}");
}

/// In a narrow terminal columns are left out, and no line is broken.
#[test]
fn a_narrow_terminal_gets_narrow_lines() {
    let shown = |write: &dyn Fn(&mut dyn std::io::Write)| {
        let mut page = anstream::StripStream::new(Vec::new());
        write(&mut page);
        String::from_utf8(page.into_inner()).unwrap()
    };
    let mut pages =
        vec![shown(&|out| why502::inside::render::timeouts::contents(60, out).unwrap())];
    assert!(!pages[0].contains("source") && pages[0].contains("keep-alive"));
    for known in timeouts::all() {
        pages.push(shown(&|out| {
            why502::inside::render::timeouts::page(known, &[], 60, out).unwrap()
        }));
    }
    for page in pages {
        for line in page.lines() {
            assert!(fits(line, 60), "{line}");
        }
    }
}

#[test]
fn several_that_a_name_may_mean_are_listed() {
    let text = answer(&["timeouts", "puma"]);
    assert!(text.contains("puma-pre7") && text.contains("puma-7"), "{text}");
    let text = answer(&["timeouts", "node"]);
    for id in ["node-pre26", "node-26", "node-undici", "node-http-agent"] {
        assert!(text.contains(id), "{text}");
    }
    let nginx = answer(&["timeouts", "nginx"]);
    assert!(nginx.starts_with("nginx (upstream keepalive)"), "{nginx}");
    assert!(nginx.contains("nginx-backend"), "{nginx}");
}

#[test]
fn an_unknown_name_is_one_line_with_the_nearest_ones() {
    for (name, near) in [
        ("tomcta", "did you mean tomcat or spring-boot-tomcat?"),
        (
            "pidgeon",
            "no known proxy or server is called 'pidgeon'; 'why502 timeouts' lists them all",
        ),
    ] {
        let output = run(&["timeouts", name]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stdout(&output).is_empty());
        assert!(said.contains(near) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn the_readme_counts_them() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let flat = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let count = |side| timeouts::all().filter(|known| known.side == side).count();
    let counts = [count(ProductSide::Proxy), count(ProductSide::Server)];
    let words = format!(
        "{} proxies, load balancers and HTTP clients and of {} servers",
        counts[0], counts[1]
    );
    assert!(flat.contains(&words), "{words}");
}

/// A page on a cause gives no line of configuration that the table gives otherwise.
#[test]
fn the_page_on_the_race_and_the_table_agree() {
    let page = words(Cause::KeepaliveRace).page;
    let changes = page.split("## What to change").nth(1).unwrap();
    let servers = changes.split("Or on the proxy").next().unwrap();
    let plain = |text: &str| text.replace(['_', ' '], "");
    let lines: Vec<(&Product, Vec<String>)> = timeouts::all()
        .filter(|known| known.side == ProductSide::Server)
        .map(|known| (known, [65, 75, 650, 660].map(|s| plain(&known.fix_for(s))).to_vec()))
        .collect();
    let bullets: Vec<String> =
        servers.split("\n- ").skip(1).map(|bullet| bullet.replace("\n  ", " ")).collect();
    assert!(bullets.len() >= 15);
    for bullet in bullets {
        let told = plain(bullet.split('`').nth(1).unwrap());
        let found = lines.iter().find(|(_, fixes)| fixes.iter().any(|fix| told.starts_with(fix)));
        let (known, _) = found.unwrap_or_else(|| panic!("not in the table: {bullet}"));
        let default = bullet.rsplit_once('(').unwrap().1;
        let seconds =
            known.idle.value().map_or("none".to_owned(), |idle| format!("{} s", idle.as_secs()));
        assert!(default.starts_with(&seconds), "{}: {bullet}", known.id);
    }
}
