//! Protocols that are known by what begins a message, and read no further.

use super::software::ServerKind;
use crate::flow::Side;

/// A protocol that is recognised and not read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KnownProtocol {
    /// FastCGI, version 1.
    FastCgi,
    /// PostgreSQL, protocol 3.
    PostgreSql,
    /// MySQL and MariaDB, protocol 10.
    MySql,
    /// Redis and Valkey, RESP.
    Redis,
    /// memcached, in text or binary.
    Memcached,
}

impl KnownProtocol {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FastCgi => "FastCGI",
            Self::PostgreSql => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::Redis => "Redis",
            Self::Memcached => "memcached",
        }
    }

    /// The server that speaks it, where there is one that counts.
    pub(crate) const fn server(self) -> Option<ServerKind> {
        match self {
            Self::FastCgi => None,
            Self::PostgreSql => Some(ServerKind::PostgreSql),
            Self::MySql => Some(ServerKind::MySql),
            Self::Redis => Some(ServerKind::Redis),
            Self::Memcached => Some(ServerKind::Memcached),
        }
    }

    /// The protocol whose message a side begins with these bytes, all of which came in one segment; `None` where
    /// another may begin so.
    pub(super) fn of(from: Side, bytes: &[u8]) -> Option<Self> {
        match from {
            Side::Client => of_client(bytes),
            Side::Server => is_mysql_greeting(bytes).then_some(Self::MySql),
        }
    }
}

fn of_client(bytes: &[u8]) -> Option<KnownProtocol> {
    if is_fastcgi(bytes) {
        return Some(KnownProtocol::FastCgi);
    }
    if is_postgresql(bytes) {
        return Some(KnownProtocol::PostgreSql);
    }
    if is_mysql_query(bytes) {
        return Some(KnownProtocol::MySql);
    }
    if is_redis(bytes) {
        return Some(KnownProtocol::Redis);
    }
    is_memcached(bytes).then_some(KnownProtocol::Memcached)
}

/// A record `FCGI_BEGIN_REQUEST` of the role of a responder, authorizer or filter.
fn is_fastcgi(bytes: &[u8]) -> bool {
    matches!(bytes, [1, 1, high, low, 0, 8, _, 0, 0, 1..=3, 0 | 1, 0, 0, 0, 0, 0, ..] if (*high, *low) != (0, 0))
}

/// A request for TLS or GSS, the beginning of a session, or a whole simple query ("Message Formats").
fn is_postgresql(bytes: &[u8]) -> bool {
    match bytes {
        [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f | 0x30] => true,
        [high, _, _, _, 0, 3, 0, _, .., 0, 0] if *high == 0 => be_len(bytes) == Some(bytes.len()),
        [b'Q', rest @ ..] => {
            let text = rest.get(4..).and_then(|text| text.strip_suffix(&[0]));
            be_len(rest) == Some(rest.len()) && text.is_some_and(is_text)
        }
        _ => false,
    }
}

fn be_len(bytes: &[u8]) -> Option<usize> {
    let len = u32::from_be_bytes(bytes.first_chunk().copied()?);
    usize::try_from(len).ok()
}

/// The first packet of a server of protocol 10: its version ends with a zero, and 8 bytes of a challenge behind the
/// thread's number do too.
fn is_mysql_greeting(bytes: &[u8]) -> bool {
    let [low, middle, high, 0, 10, version @ ..] = bytes else { return false };
    let end = version.iter().position(|byte| *byte == 0).unwrap_or_default();
    mysql_len([*low, *middle, *high]).checked_add(4) == Some(bytes.len())
        && version.get(..end).is_some_and(|text| !text.is_empty() && is_text(text))
        && version.get(end.saturating_add(13)) == Some(&0)
}

/// A packet with a query, and nothing else.
fn is_mysql_query(bytes: &[u8]) -> bool {
    let [low, middle, high, 0, 3, query @ ..] = bytes else { return false };
    mysql_len([*low, *middle, *high]).checked_add(4) == Some(bytes.len())
        && !query.is_empty()
        && is_text(query)
}

fn mysql_len([low, middle, high]: [u8; 3]) -> usize {
    usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16
}

/// An array of bulk strings: `*2\r\n$3\r\nGET\r\n` and so on.
fn is_redis(bytes: &[u8]) -> bool {
    let number = |bytes: &[u8]| {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (1..=9).contains(&digits).then_some(digits)
    };
    let after = |bytes: &[u8], mark: u8| -> Option<usize> {
        let rest = bytes.strip_prefix(&[mark])?;
        let digits = number(rest)?;
        rest.get(digits..)?.starts_with(b"\r\n").then_some(digits.saturating_add(3))
    };
    let array = after(bytes, b'*').and_then(|at| bytes.get(at..));
    array.is_some_and(|first| after(first, b'$').is_some())
}

/// A line that gets or stores keys, or a header of the binary protocol.
fn is_memcached(bytes: &[u8]) -> bool {
    if let [0x80, 0..=0x25, ..] = bytes {
        let body = bytes.get(8..).and_then(be_len);
        return bytes.get(6..8) == Some(&[0, 0])
            && body.is_some_and(|body| body.checked_add(24) == Some(bytes.len()));
    }
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else { return false };
    let line = bytes.get(..end).unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (command, rest) = (words.next().unwrap_or_default(), words);
    let words: Vec<&[u8]> = rest.collect();
    let is_key =
        |word: &&[u8]| (1..=250).contains(&word.len()) && word.iter().all(u8::is_ascii_graphic);
    let is_number = |word: &&[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    match command {
        b"get" | b"gets" => !words.is_empty() && words.iter().all(is_key),
        b"set" | b"add" | b"replace" | b"append" | b"prepend" => {
            (4..=5).contains(&words.len())
                && words.first().is_some_and(is_key)
                && words.iter().skip(1).take(3).all(is_number)
        }
        _ => false,
    }
}

fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        text.chars().all(|character| !character.is_control() || "\n\r\t".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::KnownProtocol::{self, FastCgi, Memcached, MySql, PostgreSql, Redis};
    use crate::flow::Side::{Client, Server};

    #[test]
    fn protocols_are_known_by_what_begins_their_messages() {
        let of = |bytes: &[u8]| KnownProtocol::of(Client, bytes);
        let begin = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01\x04";
        assert_eq!(of(begin), Some(FastCgi));
        assert_eq!(of(b"\0\0\0\x08\x04\xd2\x16\x2f"), Some(PostgreSql));
        assert_eq!(of(b"\0\0\0\x13\0\x03\0\0user\0root\0\0"), Some(PostgreSql));
        assert_eq!(of(b"Q\0\0\0\x0dselect 1\0"), Some(PostgreSql));
        assert_eq!(of(b"\x09\0\0\0\x03select 1"), Some(MySql));
        assert_eq!(of(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), Some(Redis));
        assert_eq!(of(b"get session:4\r\n"), Some(Memcached));
        assert_eq!(of(b"set a 0 60 1\r\n1\r\n"), Some(Memcached));
        let binary = b"\x80\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0a";
        assert_eq!(of(binary), Some(Memcached));
        let greeting = b"\x1e\0\0\0\x0a10.11.4-MariaDB\0\x05\0\0\0abcdefgh\0";
        assert_eq!(KnownProtocol::of(Server, greeting), Some(MySql));
    }

    #[test]
    fn what_begins_otherwise_or_breaks_off_is_not_known() {
        let unknown: [&[u8]; 12] = [
            b"",
            b"\x01\x01\0\0\0\x08\0\0\0\x01\0\0\0\0\0\0",
            b"\x01\x01\0\x01\0\x08",
            b"\0\0\0\x08\0\x03\0\0",
            b"Q\0\0\0\x0eselect 1\0",
            b"Q\0\0\0\x0dselec\x01 1\0",
            b"\x08\0\0\0\x03select 1",
            b"*2\r\nGET\r\n",
            b"*a\r\n$3\r\n",
            b"get \r\n",
            b"get /a HTTP/1.1",
            b"EHLO a.example\r\n",
        ];
        for bytes in unknown {
            assert_eq!(KnownProtocol::of(Client, bytes), None, "{bytes:?}");
        }
        assert_eq!(KnownProtocol::of(Server, b"220 a.example ESMTP\r\n"), None);
        assert_eq!(KnownProtocol::of(Server, b"\x09\0\0\0\x03select 1"), None);
    }
}
