//! The two hellos are read, as far as they were captured.

use super::cursor::Cursor;
use super::facts::TlsVersion;

/// What makes a ServerHello a HelloRetryRequest (RFC 8446, section 4.1.3).
const RETRY: &[u8; 32] = b"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\
    \xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// What a client offers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientHello<'a> {
    /// The highest version.
    pub(super) version: Option<TlsVersion>,
    pub(super) sni: Option<&'a [u8]>,
    /// The names of protocols, each after its length.
    pub(super) alpn: &'a [u8],
    pub(super) psk: bool,
    pub(super) early_data: bool,
    pub(super) ech: bool,
    /// All of it was captured.
    pub(super) whole: bool,
}

/// What a server chooses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServerHello<'a> {
    /// `None` where its extensions were cut, which may name another than its head.
    pub(super) version: Option<TlsVersion>,
    pub(super) retry: bool,
    pub(super) cipher: Option<u16>,
    pub(super) alpn: Option<&'a [u8]>,
    pub(super) psk: bool,
}

impl<'a> ClientHello<'a> {
    pub(super) fn read(body: &'a [u8], whole: bool) -> Self {
        let mut hello = Self::default();
        let mut rest = Cursor(body);
        hello.version = rest.u16().map(TlsVersion);
        hello.whole = whole && hello.extensions(rest).is_some();
        if !whole {
            // What there is counts.
            let _ = hello.extensions(rest);
        }
        hello
    }

    /// Reads what follows the version; `None` where it ends early.
    fn extensions(&mut self, mut rest: Cursor<'a>) -> Option<()> {
        rest.take(32)?;
        let session = rest.u8()?;
        rest.take(session.into())?;
        let suites = rest.u16()?;
        rest.take(suites.into())?;
        let compressions = rest.u8()?;
        rest.take(compressions.into())?;
        if rest.0.is_empty() {
            // Before TLS 1.0 there were none.
            return Some(());
        }
        each_extension(rest, |kind, body| match kind {
            SERVER_NAME => self.sni = server_name(body),
            ALPN => self.alpn = body.get(2..).unwrap_or_default(),
            PRE_SHARED_KEY => self.psk = true,
            EARLY_DATA => self.early_data = true,
            ENCRYPTED_CLIENT_HELLO => self.ech = true,
            SUPPORTED_VERSIONS => {
                let offered = body.get(1..).unwrap_or_default().as_chunks().0.iter();
                let highest = offered.map(|pair| TlsVersion(u16::from_be_bytes(*pair)));
                let highest = highest.filter(|version| version.is_known()).max_by_key(|v| v.rank());
                self.version = highest.or(self.version);
            }
            _ => {}
        })
    }
}

impl<'a> ServerHello<'a> {
    pub(super) fn read(body: &'a [u8], whole: bool) -> Self {
        let mut hello = Self::default();
        if hello.fields(Cursor(body)).is_none() || !whole {
            // The version that counts from 1.3 on was not captured.
            let hidden = |version: &TlsVersion| *version == TlsVersion::TLS_1_2;
            hello.version = hello.version.filter(|version| !hidden(version));
        }
        hello
    }

    fn fields(&mut self, mut rest: Cursor<'a>) -> Option<()> {
        self.version = Some(TlsVersion(rest.u16()?));
        self.retry = rest.take(32)? == RETRY;
        // Drafts of TLS 1.3 before the 22nd had no session here.
        if self.version.is_none_or(|version| !version.is_draft()) {
            let session = rest.u8()?;
            rest.take(session.into())?;
            self.cipher = Some(rest.u16()?);
            rest.take(1)?;
        } else {
            self.cipher = Some(rest.u16()?);
        }
        if rest.0.is_empty() {
            return Some(());
        }
        each_extension(rest, |kind, body| match kind {
            ALPN => self.alpn = protocols(body.get(2..).unwrap_or_default()).next(),
            PRE_SHARED_KEY => self.psk = true,
            SUPPORTED_VERSIONS => {
                self.version = Cursor(body).u16().map(TlsVersion).or(self.version);
            }
            _ => {}
        })
    }
}

/// Calls `tell` with every extension that is there; `None` where one is not whole.
fn each_extension<'a>(mut rest: Cursor<'a>, mut tell: impl FnMut(u16, &'a [u8])) -> Option<()> {
    let len = rest.u16()?;
    let (list, whole) = rest.some(len.into());
    let mut list = Cursor(list);
    while !list.0.is_empty() {
        let kind = list.u16()?;
        let len = list.u16()?;
        tell(kind, list.take(len.into())?);
    }
    whole.then_some(())
}

/// The host's name (RFC 6066, section 3).
fn server_name(body: &[u8]) -> Option<&[u8]> {
    let mut rest = Cursor(body);
    rest.u16()?;
    while let Some(kind) = rest.u8() {
        let len = rest.u16()?;
        let name = rest.take(len.into())?;
        if kind == 0 {
            return Some(name);
        }
    }
    None
}

/// Names of protocols, each after its length (RFC 7301, section 3.1).
pub(super) fn protocols(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Cursor(list);
    std::iter::from_fn(move || {
        let len = rest.u8()?;
        rest.take(len.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).unwrap();
        [&kind.to_be_bytes()[..], &len.to_be_bytes(), body].concat()
    }

    fn client(extensions: &[u8]) -> Vec<u8> {
        let len = u16::try_from(extensions.len()).unwrap();
        let head = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
        [&head[..], &len.to_be_bytes(), extensions].concat()
    }

    #[test]
    fn a_client_says_what_it_offers() {
        let name = extension(0, b"\0\x0c\0\0\x09localhost");
        let alpn = extension(16, b"\0\x0c\x02h2\x08http/1.1");
        let versions = extension(43, &[6, 0x0a, 0x0a, 3, 4, 3, 3]);
        let all = client(&[name, alpn, versions, extension(42, &[]), extension(41, &[1])].concat());
        let hello = ClientHello::read(&all, true);
        assert_eq!(hello.version, Some(TlsVersion::TLS_1_3));
        assert_eq!(hello.sni, Some(&b"localhost"[..]));
        assert_eq!(protocols(hello.alpn).collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
        assert!(hello.early_data && hello.psk && !hello.ech && hello.whole);
        let cut = ClientHello::read(&all[..all.len() - 3], false);
        assert_eq!((cut.sni, cut.whole, cut.psk), (hello.sni, false, false));
        let mut some = 0;
        for len in 0..all.len() {
            some += usize::from(ClientHello::read(&all[..len], false).sni.is_some());
        }
        assert!(some > 30);
    }

    #[test]
    fn a_server_says_what_it_chooses() {
        let head = [&[3, 3][..], &[7; 32], &[0, 0xc0, 0x2f, 0]].concat();
        let old = ServerHello::read(&head, true);
        assert_eq!((old.version, old.cipher), (Some(TlsVersion::TLS_1_2), Some(0xc02f)));
        let with = |random: &[u8; 32], extensions: &[u8]| {
            let len = u8::try_from(extensions.len()).unwrap();
            [&[3, 3][..], random, &[0, 0x13, 1, 0, 0, len], extensions].concat()
        };
        let version = extension(43, &[3, 4]);
        let new = with(&[7; 32], &[version.clone(), extension(41, &[0, 0])].concat());
        let new = ServerHello::read(&new, true);
        assert!(new.version == Some(TlsVersion::TLS_1_3) && new.psk && !new.retry);
        assert!(ServerHello::read(&with(RETRY, &version), true).retry);
        let cut = with(&[7; 32], &version);
        for len in 2..cut.len() {
            let read = ServerHello::read(&cut[..len], false);
            assert_ne!(read.version, Some(TlsVersion::TLS_1_2), "{len}");
        }
        let alpn = with(&[7; 32], &extension(16, b"\0\x03\x02h2"));
        assert_eq!(ServerHello::read(&alpn, true).alpn, Some(&b"h2"[..]));
    }
}
