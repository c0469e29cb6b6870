//! Messages that people search for when requests fail, and what each can mean.
//!
//! Sources: the sources and manuals of nginx, Apache httpd, HAProxy, Envoy; AWS, Google Cloud, Azure, Heroku and
//! Cloudflare's documentation; Node, Go, Python, Java and .NET.

mod known_message;
mod of_others;
mod of_proxies;

pub use known_message::KnownMessage;
use of_others::OF_OTHERS;
use of_proxies::OF_PROXIES;

/// The heading of the causes.
pub const CAN_MEAN: &str = "It can mean";

/// The heading of the capture.
pub const WHICH: &str = "Which of them: packets tell";

/// Where there is more of the first cause.
pub fn more(cause: &str) -> String {
    format!("`why502 explain {cause}` says how it is proven and what to change.")
}

/// All that are known.
pub fn all() -> impl Iterator<Item = &'static KnownMessage> {
    OF_PROXIES.iter().chain(OF_OTHERS)
}

/// What is known of a message, or of a line that holds one: the longest that fits.
pub fn find(text: &str) -> Option<&'static KnownMessage> {
    let words = text.split_whitespace();
    let states: Vec<&str> = words.filter(|word| word.len() == STATE).collect();
    let text = plain(text);
    let fits = |known: &&KnownMessage| {
        if known.text.len() == STATE {
            return states.contains(&known.text);
        }
        held(&text, known) || text.len() >= SHORTEST && plain(known.text).contains(text.as_str())
    };
    // Of those that hold what was typed, the first is the one that people meet most.
    let whole = all().filter(fits).filter(|known| known.text.len() == STATE || held(&text, known));
    whole.max_by_key(|known| known.text.len()).or_else(|| all().find(fits))
}

/// The whole message stands in a text.
fn held(text: &str, known: &KnownMessage) -> bool {
    let mut rest = text;
    plain(known.text).split('…').all(|part| match rest.find(part) {
        Some(at) => {
            rest = rest.get(at.saturating_add(part.len())..).unwrap_or_default();
            true
        }
        None => false,
    })
}

/// The length of HAProxy's termination states, of which small letters mean something else.
const STATE: usize = 4;

/// Fewer characters are in too many messages.
const SHORTEST: usize = 8;

/// In small letters, with single spaces.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Cause::{KeepaliveRace, ResponseTimeout};

    #[test]
    fn messages_are_found_whole_in_lines_and_by_a_part() {
        for known in all() {
            let found = find(known.text).unwrap();
            assert_eq!(found.text, known.text);
            assert!(known.apart.ends_with('.') && !known.whose.is_empty(), "{}", known.text);
        }
        assert!(find("sH--").unwrap().causes.contains(&ResponseTimeout));
        let line = r#"2026/11/27 06:47:52 [error] 1#1: *5 upstream prematurely closed connection while reading response header from upstream, client: 192.0.2.10"#;
        assert!(find(line).unwrap().causes.contains(&KeepaliveRace));
        assert!(
            find("upstream prematurely closed connection").unwrap().causes.contains(&KeepaliveRace)
        );
        let socket =
            "connect() to unix:/run/php.sock failed (13: Permission denied) while connecting";
        assert!(find(socket).unwrap().apart.contains("SELinux"));
        for nothing in ["", "502", "closed", "what is this message"] {
            assert!(find(nothing).is_none(), "{nothing}");
        }
    }
}
