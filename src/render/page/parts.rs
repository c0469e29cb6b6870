//! Pieces of markup that several parts of the page share.

use crate::packet::Endpoint;
use crate::words::page::{self, PagePiece};
use maud::{Markup, html};
use std::fmt::Display;

/// A sentence with the sides in their colours.
pub(super) fn pieces(said: &[PagePiece]) -> Markup {
    html! {
        @for piece in said {
            @match piece {
                PagePiece::Plain(text) => { (text) },
                PagePiece::Proxy(text) => { b.p { (text) } },
                PagePiece::Backend(text) => { b.b { (text) } },
                PagePiece::Strong(text) => { b { (text) } },
            }
        }
    }
}

/// Code of so many letters stands in one line, even on a phone.
const ONE_LINE: usize = 26;

/// A sentence in which what stands between backticks is code.
pub(super) fn with_code(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 {
                code.nb[part.chars().count() <= ONE_LINE] { (part) }
            } @else {
                (part)
            }
        }
    }
}

/// A button that copies a text.
pub(super) fn copy(text: &str, label: &str, what: &str) -> Markup {
    html! {
        button.copy type="button" data-copy=(text) aria-label=(format!("{label}: {what}")) { (label) }
    }
}

/// A text in a box, with a button that copies it.
pub(super) fn code_box(text: &str) -> Markup {
    html! { div.code { code { (text) } (copy(text, page::COPY, text)) } }
}

/// One end of a connection; those of probes come from many ports.
pub(super) fn end(endpoint: Endpoint) -> String {
    if endpoint.port == 0 { endpoint.addr.to_string() } else { endpoint.to_string() }
}

/// A number as SVG has it.
pub(super) fn px(value: f64) -> impl Display {
    format!("{value:.1}")
}
