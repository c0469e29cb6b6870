//! `--html`: one page that needs nothing but itself.
//!
//! Everything stands in it without a script; the script only filters, searches and copies. What was captured
//! is text wherever it stands: the markup is made by a macro that escapes all that it is given.

mod changes;
mod embedded;
mod failures;
mod hero;
mod idle_chart;
pub(super) mod ladder;
pub(super) mod ladder_layout;
mod lanes;
mod log_lines;
mod parts;
mod reasons;
mod rests;
pub(super) mod scene;
pub(super) mod segments;
pub(super) mod steps;
mod strip;
mod tallies;

use crate::report::Report;
use crate::words::page;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use scene::PageScene;
use std::io::{self, Write};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Of the style and of the script, as a content security policy has them (`WHY502_BLESS=1 cargo test html`
/// writes the file).
const HASHES: &str = include_str!("hashes.txt");

/// A page in the making: reports are added as they become known.
#[derive(Debug, Default)]
pub struct Page {
    title: String,
    parts: Vec<String>,
    reports: Vec<String>,
}

impl Page {
    /// Adds a report.
    pub fn add(&mut self, report: &Report) {
        let scene = PageScene::of(report, self.parts.len());
        if self.parts.is_empty() {
            self.title = report.answer.headline.clone();
        }
        self.parts.push(part(&scene).into_string());
        self.reports.push(embedded::json(report, &failures::drawn(report)));
    }

    /// Writes the page.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.document().into_string().as_bytes())
    }

    fn document(&self) -> Markup {
        let mut hashes = HASHES.lines();
        let mut hash = || hashes.next().unwrap_or_default();
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
            hash(),
            hash()
        );
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    meta name="generator" content=(format!("why502 {}", env!("CARGO_PKG_VERSION")));
                    title { (self.title) " · why502" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#answer" { (page::SKIP) }
                    (ladder::heads())
                    @for part in &self.parts { (PreEscaped(part)) }
                    (self.data())
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    }

    /// The report for whoever reads the page by a program.
    fn data(&self) -> Markup {
        let json = match self.reports.as_slice() {
            [one] => one.clone(),
            several => format!("{{\"reports\":[{}]}}", several.join(",")),
        };
        html! { script type="application/json" id="report" { (PreEscaped(json)) } }
    }
}

/// All of one report.
fn part(scene: &PageScene<'_>) -> Markup {
    html! {
        (hero::top(scene))
        main id=(scene.id("answer")) {
            (hero::hero(scene))
            (changes::section(scene))
            (reasons::section(scene))
            (failures::section(scene))
            (log_lines::section(scene))
            (rests::unread(scene))
            (rests::section(scene))
        }
        (rests::footer(scene))
    }
}
