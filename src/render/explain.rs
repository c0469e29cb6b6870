//! What each cause means: a page of Markdown a cause (`src/words/causes`), for the terminal and for
//! the README's table.
//!
//! A page begins with what happened and with what makes that certain, a paragraph each; the sections
//! of [`SECTIONS`] follow. It says what `verdict` does, so a rule changes together with its page.

use super::markdown;
use crate::base::similar;
use crate::base::wrap::{self, DIM, visible};
use crate::timeouts::observed;
use crate::verdict::Cause;
use crate::words::messages::{self, KnownMessage};
use crate::words::{self, log_alone, words};
use markdown::BlockKind;
use std::fmt;
use std::io::{self, Write};

/// The headings of every page, in order.
pub const SECTIONS: [&str; 6] = [
    "What it means",
    "What it looks like",
    "How it is proven",
    "How it could be wrong",
    "What to change",
    "Is a retry safe?",
];

/// What happened, in one line without a full stop.
pub fn happened(cause: Cause) -> String {
    words(cause).happened()
}

/// What makes it certain, or how certain it can be, without a full stop.
pub fn certain(cause: Cause) -> String {
    lead(cause, 1)
}

/// One of the paragraphs between the title and the first heading.
fn lead(cause: Cause, index: usize) -> String {
    let blocks = markdown::blocks(words(cause).page);
    let paragraph = blocks.iter().filter(|block| block.kind == BlockKind::Paragraph).nth(index);
    paragraph.map(|block| block.text.trim_end_matches('.').to_owned()).unwrap_or_default()
}

/// Writes the page of a cause in lines of at most `width` characters, and what the laboratory saw of it.
///
/// # Errors
/// When writing fails.
pub fn write(cause: Cause, width: usize, out: &mut dyn Write) -> io::Result<()> {
    markdown::write(words(cause).page, width, out)?;
    // A drawing cannot be wrapped.
    let drawn =
        words::drawing(cause).filter(|(_, ladder)| ladder.lines().all(|row| visible(row) <= width));
    if let Some((heading, ladder)) = drawn {
        wrap::heading(heading, out)?;
        out.write_all(ladder.as_bytes())?;
    }
    observed::of_cause(cause.name(), width, out)
}

/// Writes what a message can mean, how to tell it, and the capture that does.
///
/// # Errors
/// When writing fails.
fn write_message(known: &KnownMessage, width: usize, out: &mut dyn Write) -> io::Result<()> {
    markdown::wrap(&format!("`{}` ({})", known.text, known.whose), ["", ""], width, out)?;
    writeln!(out)?;
    markdown::wrap(known.apart, ["", ""], width, out)?;
    if known.causes.is_empty() {
        return Ok(());
    }
    wrap::heading(messages::CAN_MEAN, out)?;
    for cause in known.causes {
        let first = format!("  {:<22}", cause.name());
        let others = " ".repeat(first.len());
        markdown::wrap(&happened(*cause), [&first, &others], width, out)?;
    }
    wrap::heading(messages::WHICH, out)?;
    writeln!(out, "  {}", log_alone::capture(&[]))?;
    writeln!(out, "  {}", log_alone::analyze(None))?;
    markdown::wrap(log_alone::PORT_STANDS_FOR, ["  ", "  "], width, out)?;
    let page = known.causes.first().map_or("", |cause| cause.name());
    markdown::wrap(&messages::more(page), ["  ", "  "], width, out)
}

/// Writes what every cause means, in a line each where `width` allows it.
///
/// # Errors
/// When writing fails.
pub fn contents(width: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {DIM}{:<22}what happened{DIM:#}", "cause")?;
    for cause in Cause::ALL {
        let first = format!("  {:<22}", cause.name());
        let others = " ".repeat(first.len());
        markdown::wrap(&happened(cause), [&first, &others], width, out)?;
    }
    writeln!(out)?;
    let more = "`why502 explain CAUSE` prints what it means, how it is proven, how it could be \
                wrong, what to change, and whether a retry is safe.";
    markdown::wrap(more, ["  ", "  "], width, out)
}

/// What can be explained.
#[derive(Clone, Copy)]
pub enum Topic {
    /// A cause.
    Cause(Cause),
    /// A message of a proxy, a server or a library.
    Message(&'static KnownMessage),
}

impl Topic {
    /// What is meant: the name of a cause, or a message.
    ///
    /// # Errors
    /// When there is none; it names those that are near.
    pub fn find(text: &str) -> Result<Self, UnknownCause> {
        find(text)
            .map(Self::Cause)
            .or_else(|unknown| messages::find(text).map(Self::Message).ok_or(unknown))
    }

    /// Writes it in lines of at most `width` characters.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(self, width: usize, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Cause(cause) => write(cause, width, out),
            Self::Message(known) => write_message(known, width, out),
        }
    }
}

/// No cause has this name.
#[derive(Debug)]
pub struct UnknownCause {
    name: String,
    near: Vec<&'static str>,
}

impl fmt::Display for UnknownCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no cause is called '{}', and no message is known that says so; ",
            self.name.escape_debug()
        )?;
        similar::offer(&self.near, f)?;
        f.write_str("'why502 explain' lists them all")
    }
}

impl std::error::Error for UnknownCause {}

/// The cause of this name, in either case, however its words are joined.
///
/// # Errors
/// When there is none; it names those that are near.
pub fn find(name: &str) -> Result<Cause, UnknownCause> {
    let found = Cause::ALL.into_iter().find(|cause| similar::same(cause.name(), name));
    found.ok_or_else(|| UnknownCause {
        name: name.to_owned(),
        near: similar::near(name, Cause::ALL.map(Cause::name)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_however_it_is_written() {
        for name in ["keepalive_race", "keepalive-race", "KEEPALIVE_RACE", "keep alive race"] {
            assert_eq!(find(name).unwrap(), Cause::KeepaliveRace, "{name}");
        }
    }

    #[test]
    fn the_nearest_names_are_offered() {
        let offered = |name| find(name).unwrap_err().near;
        assert_eq!(offered("keepalive_rase"), ["keepalive_race"]);
        assert_eq!(offered("timeout"), ["response_timeout", "connect_timeout"]);
        assert_eq!(offered("refused"), ["connection_refused"]);
        assert_eq!(offered("keepalive-timeout").first(), Some(&"keepalive_race"));
        assert_eq!(offered("reste_in_flight").first(), Some(&"reset_in_flight"));
        assert!(offered("x").is_empty() && offered("").is_empty());
    }

    #[test]
    fn an_unknown_name_takes_one_line_whatever_is_in_it() {
        for name in ["", "x\ny", "\u{1b}[31m", "timeout"] {
            let said = find(name).unwrap_err().to_string();
            assert!(said.lines().count() == 1 && !said.contains('\u{1b}'), "{said}");
            assert!(said.ends_with("'why502 explain' lists them all"), "{said}");
        }
    }
}
