//! Certificates are read, as far as they were captured: who, by whom, for which names, and until when.
//!
//! Own code, and no more than that: those that matter here may be cut by the snap length or made in odd ways,
//! and what parses whole and well-formed certificates says nothing of them.

use super::cursor::Cursor;
use super::facts::{CertificateFacts, MAX_CERTIFICATES, MAX_NAMES, capped};
use jiff::civil::DateTime;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 29, 17];

/// A chain as a server sends it, and whether each certificate is followed by its issuer's.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) certificates: Vec<CertificateFacts>,
    /// `None` where some of it was not captured, or is left out.
    pub(super) in_order: Option<bool>,
}

impl Chain {
    /// Reads the body of a Certificate message (RFC 5246, section 7.4.2).
    pub(super) fn read(body: &[u8]) -> Self {
        let mut chain = Self::default();
        let mut rest = Cursor(body);
        let Some(len) = rest.u24() else { return chain };
        let (list, mut whole) = rest.some(len);
        let mut list = Cursor(list);
        let mut issuer: Option<&[u8]> = None;
        let mut in_order = true;
        while !list.0.is_empty() {
            let Some(len) = list.u24() else {
                whole = false;
                break;
            };
            if chain.certificates.len() >= MAX_CERTIFICATES {
                whole = false;
                break;
            }
            let (der, all) = list.some(len);
            let read = Certificate::read(der);
            in_order &= issuer.is_none_or(|issuer| Some(issuer) == read.subject);
            issuer = read.issuer;
            whole &= all && issuer.is_some();
            chain.certificates.push(read.facts);
        }
        chain.in_order = (whole && !chain.certificates.is_empty()).then_some(in_order);
        chain
    }
}

/// One certificate (RFC 5280, section 4.1), with the names by which a chain hangs together.
#[derive(Default)]
struct Certificate<'a> {
    subject: Option<&'a [u8]>,
    issuer: Option<&'a [u8]>,
    facts: CertificateFacts,
}

impl<'a> Certificate<'a> {
    fn read(der: &'a [u8]) -> Self {
        let mut certificate = Self::default();
        let _ = certificate.fields(der);
        certificate
    }

    /// Reads what there is; `None` where it ends early.
    fn fields(&mut self, der: &'a [u8]) -> Option<()> {
        let mut outer = Cursor(der);
        let mut signed = Cursor(sequence(&mut outer)?);
        let mut fields = Cursor(sequence(&mut signed)?);
        let first = element(&mut fields)?;
        if first.tag == VERSION {
            element(&mut fields)?;
        }
        element(&mut fields)?;
        let issuer = element(&mut fields)?;
        self.facts.issuer = name(issuer.content, COMMON_NAME);
        self.facts.issuer_organization = name(issuer.content, ORGANIZATION);
        self.issuer = issuer.whole.then_some(issuer.content);
        let mut validity = Cursor(element(&mut fields)?.content);
        self.facts.not_before = element(&mut validity).and_then(time);
        self.facts.not_after = element(&mut validity).and_then(time);
        let subject = element(&mut fields)?;
        self.facts.subject = name(subject.content, COMMON_NAME);
        self.subject = subject.whole.then_some(subject.content);
        self.facts.self_issued = self.subject.zip(self.issuer).map(|(one, other)| one == other);
        element(&mut fields)?;
        while !fields.0.is_empty() {
            let field = element(&mut fields)?;
            if field.tag == EXTENSIONS {
                self.extensions(field.content);
            }
        }
        Some(())
    }

    fn extensions(&mut self, content: &[u8]) -> Option<()> {
        let mut list = Cursor(sequence(&mut Cursor(content))?);
        while !list.0.is_empty() {
            let mut extension = Cursor(sequence(&mut list)?);
            let kind = element(&mut extension)?.content;
            let mut value = element(&mut extension)?;
            if value.tag == BOOLEAN {
                value = element(&mut extension)?;
            }
            if kind == ALTERNATIVE_NAMES {
                self.names(sequence(&mut Cursor(value.content))?);
            }
        }
        Some(())
    }

    fn names(&mut self, content: &[u8]) {
        let mut list = Cursor(content);
        let facts = &mut self.facts;
        while facts.dns.len().saturating_add(facts.ips.len()) < MAX_NAMES
            && let Some(name) = element(&mut list).filter(|name| name.whole)
        {
            match name.tag {
                DNS_NAME => facts.dns.push(capped(name.content)),
                IP_ADDRESS => facts.ips.extend(address(name.content)),
                _ => {}
            }
        }
    }
}

/// A value and its tag.
#[derive(Clone, Copy)]
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    /// All of the content is there.
    whole: bool,
}

/// The next value, its end perhaps cut off. Tags of more than one byte, and lengths that are not told, do not
/// stand where this reads.
fn element<'a>(rest: &mut Cursor<'a>) -> Option<Element<'a>> {
    let tag = rest.u8()?;
    let len = match rest.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => rest.u8()?.into(),
        0x82 => rest.u16()?.into(),
        0x83 => rest.u24()?,
        _ => return None,
    };
    let (content, whole) = rest.some(len);
    Some(Element { tag, content, whole })
}

fn sequence<'a>(rest: &mut Cursor<'a>) -> Option<&'a [u8]> {
    element(rest).filter(|element| element.tag == SEQUENCE).map(|element| element.content)
}

/// The last attribute of this kind in a name: the most specific one.
fn name(content: &[u8], wanted: &[u8]) -> Option<Box<[u8]>> {
    let mut found = None;
    let mut sets = Cursor(content);
    while let Some(set) = element(&mut sets) {
        let mut pairs = Cursor(set.content);
        while let Some(pair) = sequence(&mut pairs) {
            let mut pair = Cursor(pair);
            let (Some(kind), Some(value)) = (element(&mut pair), element(&mut pair)) else {
                break;
            };
            if kind.content == wanted && value.whole {
                found = Some(text(value));
            }
        }
    }
    found
}

/// Text as it was sent; that of Windows' tools, two bytes a character, in UTF-8.
fn text(value: Element<'_>) -> Box<[u8]> {
    if value.tag != BMP_STRING {
        return capped(value.content);
    }
    let pairs = value.content.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair));
    let text: String = char::decode_utf16(pairs).map(|read| read.unwrap_or('\u{fffd}')).collect();
    capped(text.as_bytes())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).into());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).into())).ok()
}

/// Seconds since 1970 (RFC 5280, section 4.1.2.5).
fn time(value: Element<'_>) -> Option<i64> {
    let mut digits = value.content.iter();
    let mut two = || {
        let mut digit = || digits.next().filter(|byte| byte.is_ascii_digit()).map(|byte| byte & 15);
        Some(digit()?.checked_mul(10)?.checked_add(digit()?)?.cast_signed())
    };
    let year = match value.tag {
        UTC_TIME => {
            let year = i16::from(two()?);
            year.checked_add(if year < 50 { 2000 } else { 1900 })?
        }
        GENERALIZED_TIME => i16::from(two()?).checked_mul(100)?.checked_add(two()?.into())?,
        _ => return None,
    };
    let (month, day, hour, minute) = (two()?, two()?, two()?, two()?);
    // Early certificates have no seconds.
    let second = two().unwrap_or(0);
    let time = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let len = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &len, content].concat()
    }

    fn seq(parts: &[&[u8]]) -> Vec<u8> {
        tlv(SEQUENCE, &parts.concat())
    }

    fn named(common: &[u8]) -> Vec<u8> {
        let attribute =
            |kind: &[u8], tag, value| tlv(0x31, &seq(&[&tlv(6, kind), &tlv(tag, value)]));
        let organization = attribute(ORGANIZATION, 0x0c, b"Example Ltd");
        seq(&[&organization, &attribute(COMMON_NAME, 0x13, common)])
    }

    fn made(subject: &[u8], issuer: &[u8]) -> Vec<u8> {
        let validity =
            seq(&[&tlv(UTC_TIME, b"201128093000Z"), &tlv(GENERALIZED_TIME, b"20500101000000Z")]);
        let names = [tlv(DNS_NAME, b"a.example"), tlv(IP_ADDRESS, &[127, 0, 0, 1])].concat();
        let names = tlv(4, &tlv(SEQUENCE, &names));
        let names = seq(&[&tlv(6, ALTERNATIVE_NAMES), &tlv(BOOLEAN, &[255]), &names]);
        let other = seq(&[&tlv(6, &[0x55, 29, 15]), &tlv(4, &[3, 2, 5, 160])]);
        let extensions = tlv(EXTENSIONS, &seq(&[&other, &names]));
        let (issuer, subject) = (named(issuer), named(subject));
        let version = tlv(VERSION, &tlv(2, &[2]));
        let key = seq(&[]);
        let fields: [&[u8]; 8] =
            [&version, &tlv(2, &[9]), &key, &issuer, &validity, &subject, &key, &extensions];
        seq(&[&seq(&fields), &key])
    }

    fn chain(list: &[Vec<u8>]) -> Vec<u8> {
        let u24 = |len: usize| u32::try_from(len).unwrap().to_be_bytes()[1..].to_vec();
        let list: Vec<u8> =
            list.iter().flat_map(|der| [u24(der.len()), der.clone()].concat()).collect();
        [u24(list.len()), list].concat()
    }

    #[test]
    fn a_certificate_says_who_by_whom_and_until_when() {
        let chain = Chain::read(&chain(&[made(b"leaf", b"ca"), made(b"ca", b"ca")]));
        assert_eq!(chain.in_order, Some(true));
        let leaf = &chain.certificates[0];
        assert_eq!(leaf.subject.as_deref(), Some(&b"leaf"[..]));
        assert_eq!(leaf.issuer.as_deref(), Some(&b"ca"[..]));
        assert_eq!(leaf.issuer_organization.as_deref(), Some(&b"Example Ltd"[..]));
        assert_eq!((leaf.not_before, leaf.not_after), (Some(1_606_555_800), Some(2_524_608_000)));
        assert_eq!(leaf.dns, [Box::from(&b"a.example"[..])]);
        assert_eq!(leaf.ips, [IpAddr::from([127, 0, 0, 1])]);
        assert_eq!(leaf.self_issued, Some(false));
        assert_eq!(chain.certificates[1].self_issued, Some(true));
    }

    #[test]
    fn a_chain_in_the_wrong_order_is_told() {
        let read = Chain::read(&chain(&[made(b"ca", b"ca"), made(b"leaf", b"ca")]));
        assert_eq!(read.in_order, Some(false));
        assert_eq!(Chain::read(&chain(&[])).in_order, None);
        let many = Chain::read(&chain(&vec![made(b"ca", b"ca"); MAX_CERTIFICATES + 1]));
        assert_eq!((many.certificates.len(), many.in_order), (MAX_CERTIFICATES, None));
    }

    #[test]
    fn of_a_certificate_that_was_cut_the_beginning_is_read() {
        let whole = chain(&[made(b"leaf", b"ca")]);
        let dated = (0..whole.len())
            .map(|len| Chain::read(&whole[..len]))
            .filter(|chain| chain.certificates.first().is_some_and(|leaf| leaf.not_after.is_some()))
            .inspect(|chain| assert_eq!(chain.in_order, None))
            .count();
        assert!(dated > 100, "{dated}");
    }

    #[test]
    fn odd_times_are_none() {
        let read = |tag, content: &[u8]| time(Element { tag, content, whole: true });
        assert_eq!(read(UTC_TIME, b"991231235959Z"), Some(946_684_799));
        assert_eq!(read(UTC_TIME, b"9912312359Z"), Some(946_684_740));
        assert_eq!(read(UTC_TIME, b"991331235959Z"), None);
        assert_eq!(read(GENERALIZED_TIME, b"99991231235959Z"), Some(253_402_300_799));
        assert_eq!(read(GENERALIZED_TIME, b"2x50"), None);
        assert_eq!(read(4, b"20500101000000Z"), None);
    }

    #[test]
    fn windows_writes_two_bytes_a_character() {
        let value = Element { tag: BMP_STRING, content: &[0, b'a', 0x20, 0xac], whole: true };
        assert_eq!(&*text(value), "a€".as_bytes());
    }
}
