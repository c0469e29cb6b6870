//! Format strings: what a proxy was told to write becomes a reader of it.
//!
//! A format string is text with variables: nginx `$status`, HAProxy `%ST` and `%[src]`, Apache
//! `%>s` and `%{Host}i`, Envoy `%RESPONSE_CODE%`. Text must stand in the line as it stands in the
//! format; a variable takes what lies up to the text after it.

use super::fields::{Fields, Slot, closing_quote, find};
use super::formats::{apache, envoy, haproxy, nginx_variables};

/// A format string, taken apart.
#[derive(Clone, Debug)]
pub struct FormatString {
    tokens: Vec<Token>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Text(Vec<u8>),
    Field(Slot),
}

/// Whose variables a format string has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    Nginx,
    Haproxy,
    Apache,
    Envoy,
}

impl Dialect {
    fn of(format: &str) -> Option<Self> {
        if format.contains('$') {
            return Some(Self::Nginx);
        }
        if !format.contains('%') {
            return None;
        }
        // Envoy's variables are words in capitals between two signs.
        let envoy = ["%START_TIME", "%REQ(", "%RESPONSE_CODE%", "%PROTOCOL%", "%UPSTREAM_HOST%"];
        if envoy.iter().any(|name| format.contains(name)) {
            return Some(Self::Envoy);
        }
        let haproxy =
            ["%ST", "%ci", "%tsc", "%ts", "%tr", "%[", "%b/%s", "%bi", "%TR", "%Tr", "%{+Q}"];
        if haproxy.iter().any(|name| format.contains(name)) {
            return Some(Self::Haproxy);
        }
        Some(Self::Apache)
    }
}

/// What is wrong with a format string.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadFormat {
    /// No variable in it is known.
    #[error(
        "no variable in it is known; want a format string as nginx ($status), HAProxy (%ST), Apache (%>s) or Envoy (%RESPONSE_CODE%) have it"
    )]
    Nothing,
    /// The format does not say when, or what.
    #[error("it has no {0}, without which no line can be joined")]
    Lacks(&'static str),
    /// Nothing tells two variables apart.
    #[error("nothing stands between {0} and {1}: where one ends cannot be told")]
    Touching(String, String),
}

impl FormatString {
    /// Takes a format string apart; also a whole `log_format` line of nginx.
    ///
    /// # Errors
    /// When it cannot tell when a request was and how it ended.
    pub fn new(format: &str) -> Result<Self, BadFormat> {
        let format = directive(format);
        let dialect = Dialect::of(&format).ok_or(BadFormat::Nothing)?;
        let mut tokens: Vec<Token> = Vec::new();
        let mut last: Option<String> = None;
        for (text, name) in variables(&format, dialect) {
            if !text.is_empty() {
                tokens.push(Token::Text(text.into_bytes()));
                last = None;
            }
            let Some(name) = name else { continue };
            let slot = match dialect {
                Dialect::Nginx => nginx_variables::slot(&name),
                Dialect::Haproxy => haproxy::slot(&name),
                Dialect::Apache => apache::slot(&name),
                Dialect::Envoy => envoy::slot(&name),
            };
            match last {
                Some(before) => return Err(BadFormat::Touching(before, name)),
                None => tokens.push(Token::Field(slot)),
            }
            last = Some(name);
        }
        let has = |slots: &[Slot]| {
            tokens.iter().any(|token| matches!(token, Token::Field(slot) if slots.contains(slot)))
        };
        if !has(&[Slot::Begun, Slot::Ended, Slot::About]) {
            return Err(BadFormat::Lacks("time"));
        }
        if !has(&[Slot::Status, Slot::Request, Slot::Target]) {
            return Err(BadFormat::Lacks("status, nor a request"));
        }
        Ok(Self { tokens })
    }

    /// The fields of a line, and what follows the format; `None` when the line is of another one.
    pub(super) fn fields<'l>(&self, line: &'l [u8]) -> Option<(Fields<'l>, &'l [u8])> {
        let mut fields = Fields::default();
        let mut rest = line;
        let mut tokens = self.tokens.iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                Token::Text(text) => rest = rest.strip_prefix(text.as_slice())?,
                Token::Field(slot) => {
                    let after = match tokens.peek() {
                        Some(Token::Text(text)) => Some(text.as_slice()),
                        _ => None,
                    };
                    let (value, more) = value(*slot, rest, after)?;
                    fields.add(*slot, value);
                    rest = more;
                }
            }
        }
        Some((fields, rest))
    }
}

/// The value that a line begins with, and what follows it.
fn value<'l>(slot: Slot, line: &'l [u8], after: Option<&[u8]>) -> Option<(&'l [u8], &'l [u8])> {
    // Quoted by the proxy itself; the quotes are no part of the value.
    if let Some(inside) = line.strip_prefix(b"\"")
        && after.is_none_or(|after| !after.starts_with(b"\""))
    {
        let end = closing_quote(inside)?;
        return Some((inside.get(..end)?, inside.get(end.saturating_add(1)..)?));
    }
    let end = match after {
        Some(after) if after.starts_with(b"\"") => {
            let end = closing_quote(line)?;
            let fits = line.get(end..)?.starts_with(after);
            fits.then_some(end)?
        }
        Some(after) => {
            let mut end = find(line, after)?;
            // A list of attempts has spaces of its own.
            let list = matches!(
                slot,
                Slot::Backends
                    | Slot::BackendStatuses
                    | Slot::Connects
                    | Slot::Headers
                    | Slot::Responses
                    | Slot::Lengths
            );
            while list && after.starts_with(b" ") && continues(line, end) {
                let from = end.saturating_add(1);
                end = from.saturating_add(find(line.get(from..)?, after)?);
            }
            end
        }
        None => {
            let list = line.iter().position(|byte| *byte == b' ');
            let mut end = list.unwrap_or(line.len());
            while end < line.len() && continues(line, end) {
                let from = end.saturating_add(1);
                let next = line.get(from..)?.iter().position(|byte| *byte == b' ');
                end = next.map_or(line.len(), |next| from.saturating_add(next));
            }
            end
        }
    };
    Some((line.get(..end)?, line.get(end..)?))
}

/// A list goes on after the space at `end`: behind a comma, or around a colon.
fn continues(line: &[u8], end: usize) -> bool {
    let before = line.get(..end).unwrap_or_default();
    let after = line.get(end..).unwrap_or_default();
    before.ends_with(b",") || after.starts_with(b" : ") || before.ends_with(b" :")
}

/// What a `log_format` line of nginx's configuration has between its quotes; anything else as it is.
fn directive(format: &str) -> String {
    let format = format.trim().trim_end_matches(';');
    let Some(rest) = format.strip_prefix("log_format ") else {
        return format.to_owned();
    };
    let mut joined = String::new();
    let mut quote = None;
    for letter in rest.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => joined.push(letter),
            None if matches!(letter, '\'' | '"') => quote = Some(letter),
            None => {}
        }
    }
    joined
}

/// The texts and variables of a format string, in turn.
fn variables(format: &str, dialect: Dialect) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    let sign = if dialect == Dialect::Nginx { '$' } else { '%' };
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        if letter == '\\' {
            // As configuration files and shells escape.
            let next = after.chars().next().unwrap_or('\\');
            text.push(next);
            rest = after.get(next.len_utf8()..).unwrap_or_default();
            continue;
        }
        if letter != sign {
            text.push(letter);
            rest = after;
            continue;
        }
        if after.starts_with(sign) {
            text.push(sign);
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        let length = match dialect {
            Dialect::Nginx => nginx_name(after),
            Dialect::Haproxy => haproxy_name(after),
            Dialect::Apache => apache_name(after),
            Dialect::Envoy => envoy_name(after),
        };
        let name = after.get(..length).unwrap_or(after).to_owned();
        rest = after.get(length..).unwrap_or_default();
        found.push((std::mem::take(&mut text), Some(name)));
    }
    if !text.is_empty() {
        found.push((text, None));
    }
    found
}

fn word(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

/// `status`, `{status}`.
fn nginx_name(after: &str) -> usize {
    if after.starts_with('{') { through(after, '}') } else { word(after) }
}

/// `ST`, `[capture.req.hdr(0)]`, `{+Q}r`.
fn haproxy_name(after: &str) -> usize {
    let options = if after.starts_with('{') { through(after, '}') } else { 0 };
    let name = after.get(options..).unwrap_or_default();
    let length = if name.starts_with('[') { through(name, ']') } else { word(name) };
    options.saturating_add(length)
}

/// `>s`, `{Host}i`, `h`, `!200,304r`.
fn apache_name(after: &str) -> usize {
    let signs =
        |byte: &u8| matches!(byte, b'>' | b'<' | b'!' | b',' | b'^') || byte.is_ascii_digit();
    let prefix = after.bytes().take_while(signs).count();
    let rest = after.get(prefix..).unwrap_or_default();
    let braced = if rest.starts_with('{') { through(rest, '}') } else { 0 };
    let kind = rest.get(braced..).and_then(|kind| kind.chars().next()).map_or(0, char::len_utf8);
    prefix.saturating_add(braced).saturating_add(kind)
}

/// `RESPONSE_CODE%`, `START_TIME(%s.%3f)%`, with the sign at the end.
fn envoy_name(after: &str) -> usize {
    let name = word(after);
    let rest = after.get(name..).unwrap_or_default();
    let braced = if rest.starts_with('(') { through(rest, ')') } else { 0 };
    let length = rest.get(braced..).unwrap_or_default();
    // `:20` cuts a value.
    let cut = length.bytes().take_while(|byte| *byte == b':' || byte.is_ascii_digit()).count();
    let sign = usize::from(length.get(cut..).is_some_and(|end| end.starts_with('%')));
    name.saturating_add(braced).saturating_add(cut).saturating_add(sign)
}

/// Length up to and with the first `end`.
fn through(text: &str, end: char) -> usize {
    text.find(end).map_or(text.len(), |at| at.saturating_add(end.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, line: &str) -> Option<String> {
        let pattern = FormatString::new(format).unwrap();
        let (fields, _) = pattern.fields(line.as_bytes())?;
        Some(format!(
            "{:?} {:?}",
            fields.of(Slot::Status).map(String::from_utf8_lossy),
            fields.of(Slot::Backends).map(String::from_utf8_lossy)
        ))
    }

    #[test]
    fn lists_of_attempts_keep_their_spaces() {
        let format = "$msec $upstream_addr $upstream_status $status";
        let found = read(
            format,
            "1795191922.259 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 502, 502 : 200 200",
        );
        assert_eq!(found.unwrap(), r#"Some("200") Some("10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80")"#);
    }

    #[test]
    fn a_log_format_line_is_taken_as_it_stands_in_nginx_conf() {
        let format = "log_format main escape=json '$msec \"$request\" '\n  '$status';";
        assert_eq!(
            read(format, "1795191922.259 \"GET /a\\\" HTTP/1.1\" 502").unwrap(),
            r#"Some("502") None"#
        );
    }

    #[test]
    fn a_format_without_time_or_without_bounds_is_refused() {
        assert_eq!(FormatString::new("$status $request").unwrap_err(), BadFormat::Lacks("time"));
        assert!(matches!(FormatString::new("$msec$status"), Err(BadFormat::Touching(..))));
        assert_eq!(FormatString::new("combined").unwrap_err(), BadFormat::Nothing);
    }
}
