//! Listeners as people name them.

use super::Endpoint;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `[ADDR][:PORT]`: an address, a port, or both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndpointPattern {
    /// Any address if `None`.
    pub addr: Option<IpAddr>,
    /// Any port if `None`.
    pub port: Option<u16>,
}

impl EndpointPattern {
    /// The listener is one of those that it names.
    pub fn matches(self, endpoint: Endpoint) -> bool {
        self.addr.is_none_or(|addr| addr == endpoint.addr)
            && self.port.is_none_or(|port| port == endpoint.port)
    }

    /// The one listener it names, if it names one.
    pub fn endpoint(self) -> Option<Endpoint> {
        Some(Endpoint { addr: self.addr?, port: self.port? })
    }
}

/// As it was written.
impl fmt::Display for EndpointPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.addr, self.port) {
            (Some(addr), Some(port)) => Endpoint { addr, port }.fmt(f),
            (Some(addr), None) => addr.fmt(f),
            (None, Some(port)) => write!(f, ":{port}"),
            (None, None) => f.write_str("anything"),
        }
    }
}

/// Says what is wrong with a pattern, and how it is written.
impl FromStr for EndpointPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |port: &str| {
            port.parse::<u16>()
                .map_err(|_| format!("'{port}' is no port: want a number up to 65535"))
        };
        let addr = |addr: &str| {
            addr.parse::<IpAddr>().map_err(|_| {
                format!("'{addr}' is no address: want 10.0.0.1, [2001:db8::1] or :8080")
            })
        };
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            return Err(format!("a port alone is written ':{text}'"));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let Some((inside, after)) = rest.split_once(']') else {
                return Err("no ']' after the IPv6 address".to_owned());
            };
            let port = match after.strip_prefix(':') {
                Some(digits) => Some(port(digits)?),
                None if after.is_empty() => None,
                None => return Err(format!("'{after}' after ']': want ':PORT'")),
            };
            return Ok(Self { addr: Some(addr(inside)?), port });
        }
        match text.split_once(':') {
            Some(("", digits)) if !digits.starts_with(':') => {
                Ok(Self { addr: None, port: Some(port(digits)?) })
            }
            Some((host, digits)) if !digits.contains(':') => {
                Ok(Self { addr: Some(addr(host)?), port: Some(port(digits)?) })
            }
            _ => Ok(Self { addr: Some(addr(text)?), port: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_the_contract_writes_them() {
        let parse = |text: &str| text.parse::<EndpointPattern>();
        let addr = |text: &str| Some(text.parse().unwrap());
        assert_eq!(parse(":8080"), Ok(EndpointPattern { addr: None, port: Some(8080) }));
        assert_eq!(parse("10.0.0.1"), Ok(EndpointPattern { addr: addr("10.0.0.1"), port: None }));
        assert_eq!(
            parse("10.0.0.1:80"),
            Ok(EndpointPattern { addr: addr("10.0.0.1"), port: Some(80) })
        );
        assert_eq!(parse("[::1]:80"), Ok(EndpointPattern { addr: addr("::1"), port: Some(80) }));
        assert_eq!(parse("[::1]"), Ok(EndpointPattern { addr: addr("::1"), port: None }));
        assert_eq!(
            parse("2001:db8::7"),
            Ok(EndpointPattern { addr: addr("2001:db8::7"), port: None })
        );
        assert_eq!(parse("8080"), Err("a port alone is written ':8080'".to_owned()));
        for wrong in ["", "host:80", "10.0.0.1:99999", "[::1", "[::1]80", ":"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
