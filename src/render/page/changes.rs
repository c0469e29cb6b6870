//! What to change, as boxes to copy.

use super::parts::{code_box, with_code};
use super::scene::{PageScene, short};
use crate::words::fix::Fix;
use crate::words::page;
use crate::words::phrases::sentence;
use maud::{Markup, html};

/// Boxes of a page; what is beyond is in the failures.
const MOST: usize = 6;

pub(super) fn section(scene: &PageScene<'_>) -> Markup {
    let fixes = &scene.report.answer.fixes;
    let id = scene.id("h-fix");
    html! {
        @if !fixes.is_empty() {
            section.fix aria-labelledby=(id) {
                h2 id=(id) { (page::WHAT_TO_CHANGE) }
                div.opts {
                    @for (place, fix) in fixes.iter().take(MOST).enumerate() {
                        // What does not help is said once.
                        @let said = fixes.iter().take(place).any(|before| before.instead_of == fix.instead_of);
                        (one(fix, place == 0 && fixes.len() > 1, !said))
                    }
                }
                @if let Some(check) = scene.report.how_to_check() {
                    p.next { b { (page::DID_IT_HELP) } " " (check) }
                }
            }
        }
    }
}

fn one(fix: &Fix, first: bool, new: bool) -> Markup {
    let name = fix.product.map(|name| format!(" · {}", short(name)));
    html! {
        div.opt {
            h3 {
                (page::change_on(fix.side)) (name.unwrap_or_default())
                @if first { " " span { (page::RECOMMENDED) } }
            }
            @match &fix.line {
                Some(line) => { (code_box(line)) },
                None => { p.do { (with_code(&sentence(&fix.text))) } },
            }
            @if let (Some(_), Some(place)) = (&fix.line, &fix.place) { p.note { (page::place(place)) } }
            @if let Some(why) = &fix.why { p.note { (page::why(why)) } }
            @if let Some(instead) = fix.instead_of.as_ref().filter(|_| new) { p.note { (page::not_instead(instead)) } }
        }
    }
}
