//! Timeouts in words: how each is called, which side closes first, what was told and is not in effect.

use super::phrases::{duration, plural};
use crate::knowledge::SettingOrigin;
use crate::knowledge::idle_gaps::Ordering;
use std::net::IpAddr;
use std::time::Duration;

/// What servers add to their default: Node a second since 20.19.
const BUFFER: Duration = Duration::from_millis(1_200);

/// Which timeout is spoken of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimerName {
    /// How long a backend keeps an idle connection.
    BackendKeepAlive,
    /// How long a proxy does.
    ProxyIdle,
    /// How long a proxy waits for a response.
    ProxyRead,
    /// How long a proxy waits for a connection.
    ProxyConnect,
}

impl TimerName {
    /// The short name, where it is clear whose timeout it is.
    pub const fn short(self) -> &'static str {
        match self {
            Self::BackendKeepAlive => "keep-alive",
            Self::ProxyIdle => "idle",
            Self::ProxyRead => "read",
            Self::ProxyConnect => "connect",
        }
    }

    /// The name with the side that has the timeout: `proxy idle`.
    pub fn with_side(self) -> String {
        let side = match self {
            Self::BackendKeepAlive => "backend",
            Self::ProxyIdle | Self::ProxyRead | Self::ProxyConnect => "proxy",
        };
        format!("{side} {}", self.short())
    }

    /// What a side with this timeout does for so long.
    const fn does(self) -> &'static str {
        match self {
            Self::BackendKeepAlive | Self::ProxyIdle => "keeps idle connections for",
            Self::ProxyRead => "waits for a response for",
            Self::ProxyConnect => "waits for a connection for",
        }
    }
}

/// A timeout as it was told, and as it was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ToldAndSeen {
    /// As told.
    pub told: Duration,
    /// By what.
    pub by: Option<SettingOrigin>,
    /// As seen.
    pub seen: Duration,
    /// In so many closes.
    pub closes: u64,
}

/// Which side closes idle connections first, in a sentence; `None` where that is not known.
pub const fn ordering(ordering: Ordering) -> Option<&'static str> {
    match ordering {
        Ordering::Race => Some(
            "The backend closes idle connections before the proxy does: a request sent at that moment \
             fails.",
        ),
        Ordering::Tie => Some(
            "Both sides close idle connections after about the same time: a request sent at that moment \
             fails.",
        ),
        Ordering::Safe => Some("The proxy closes idle connections before the backend does."),
        Ordering::Unknown => None,
    }
}

/// What was told is not what is seen, and what that may come from. `proxy` is whose timeout it is, unless
/// it is the backend's.
pub fn not_in_effect(timer: TimerName, proxy: Option<IpAddr>, values: &ToldAndSeen) -> String {
    let ToldAndSeen { told, by, seen, closes } = *values;
    let who = proxy.map_or_else(|| "the backend".to_owned(), |proxy| format!("the proxy {proxy}"));
    let later = seen.saturating_sub(told);
    let buffered = !later.is_zero() && later <= BUFFER;
    let (by, setting) = match by {
        Some(SettingOrigin::Server(_)) if buffered => {
            ("Default", "Its timer may add a second, as Node's does")
        }
        Some(SettingOrigin::Proxy(_) | SettingOrigin::Server(_)) => {
            ("Default", "It is configured differently")
        }
        Some(SettingOrigin::Config) => ("Configured", "The setting is not active"),
        Some(SettingOrigin::Option) | None => ("You gave", "The setting is not active"),
    };
    // Apache's `ttl` is looked at when the next request comes, other pools are swept.
    let why = if seen > told {
        "it is checked only now and then"
    } else {
        "something else closes the connection first"
    };
    format!(
        "{by} {}; the capture shows {} ({}): {who} {} that long. {setting}, or {why}.",
        duration(told),
        duration(seen),
        plural(closes, "close"),
        timer.does()
    )
}

/// Connections that were closed after another time than the others.
pub fn second_timeout(after: Duration, closes: u64) -> String {
    format!(
        "A second timeout may exist: {} closed after {} idle (perhaps another server behind this \
         address).",
        plural(closes, "connection"),
        duration(after)
    )
}

/// The backend closed too few connections to tell when it does.
pub fn keepalive_unknown(closes: u64) -> String {
    format!(
        "Keep-alive timeout of the backend: unknown (it closed only {}).",
        plural(closes, "idle connection")
    )
}

/// Requests that came when the backend's timer was about to fire.
pub fn near_misses(requests: u64) -> String {
    format!(
        "{} came shortly before the close (within 10 % of the timeout).",
        plural(requests, "request")
    )
}

/// How long a proxy waits for a connection that nobody answers: longer than one time and shorter than
/// another. `syns` are the times after which it asked again.
pub fn gives_up(
    proxy: IpAddr,
    [longer, shorter]: [Duration; 2],
    attempts: u64,
    syns: &[Duration],
) -> String {
    let syns: Vec<String> = syns.iter().map(|after| duration(*after)).collect();
    let again = match syns.is_empty() {
        true => "one SYN each".to_owned(),
        false => format!("SYN retransmitted after {}", syns.join(", ")),
    };
    format!(
        "Connect timeout of the proxy {proxy}: between {} and {} ({}, {again}).",
        duration(longer),
        duration(shorter),
        plural(attempts, "attempt")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

    #[test]
    fn names_tell_the_side_where_it_is_not_clear() {
        let all = [
            (TimerName::BackendKeepAlive, "backend keep-alive"),
            (TimerName::ProxyIdle, "proxy idle"),
            (TimerName::ProxyRead, "proxy read"),
            (TimerName::ProxyConnect, "proxy connect"),
        ];
        for (timer, name) in all {
            assert_eq!(timer.with_side(), name);
            assert!(name.ends_with(timer.short()));
        }
    }

    #[test]
    fn the_side_that_closes_first_is_told() {
        assert_eq!(
            ordering(Ordering::Race),
            Some(
                "The backend closes idle connections before the proxy does: a request sent at that \
                 moment fails."
            )
        );
        assert_eq!(
            ordering(Ordering::Tie),
            Some(
                "Both sides close idle connections after about the same time: a request sent at that \
                 moment fails."
            )
        );
        assert_eq!(
            ordering(Ordering::Safe),
            Some("The proxy closes idle connections before the backend does.")
        );
        assert_eq!(ordering(Ordering::Unknown), None);
    }

    #[test]
    fn a_setting_that_is_not_in_effect_is_told_with_its_origin() {
        let values = |by, told, seen| ToldAndSeen {
            told: Duration::from_millis(told),
            by,
            seen: Duration::from_millis(seen),
            closes: 2,
        };
        let node = Some(SettingOrigin::Server("node"));
        let backend =
            |values: &ToldAndSeen| not_in_effect(TimerName::BackendKeepAlive, None, values);
        assert_eq!(
            backend(&values(node, 5_000, 6_000)),
            "Default 5.00 s; the capture shows 6.00 s (2 closes): the backend keeps idle connections for \
             that long. Its timer may add a second, as Node's does, or it is checked only now and then."
        );
        assert_eq!(
            backend(&values(node, 5_000, 2_000)),
            "Default 5.00 s; the capture shows 2.00 s (2 closes): the backend keeps idle connections for \
             that long. It is configured differently, or something else closes the connection first."
        );
        let file = values(Some(SettingOrigin::Config), 60_000, 62_000);
        assert_eq!(
            not_in_effect(TimerName::ProxyIdle, Some(PROXY), &file),
            "Configured 60.0 s; the capture shows 62.0 s (2 closes): the proxy 10.0.0.9 keeps idle \
             connections for that long. The setting is not active, or it is checked only now and then."
        );
        let given = values(Some(SettingOrigin::Option), 30_000, 10_000);
        assert_eq!(
            not_in_effect(TimerName::ProxyRead, Some(PROXY), &given),
            "You gave 30.0 s; the capture shows 10.0 s (2 closes): the proxy 10.0.0.9 waits for a \
             response for that long. The setting is not active, or something else closes the connection \
             first."
        );
    }

    #[test]
    fn what_else_was_seen_of_timers_is_told() {
        assert_eq!(
            second_timeout(Duration::from_secs(30), 3),
            "A second timeout may exist: 3 connections closed after 30.0 s idle (perhaps another server \
             behind this address)."
        );
        assert_eq!(
            keepalive_unknown(1),
            "Keep-alive timeout of the backend: unknown (it closed only 1 idle connection)."
        );
        assert_eq!(
            near_misses(2),
            "2 requests came shortly before the close (within 10 % of the timeout)."
        );
    }

    #[test]
    fn a_connect_that_is_given_up_is_told_with_its_syns() {
        let between = [3, 7].map(Duration::from_secs);
        assert_eq!(
            gives_up(PROXY, between, 4, &[1, 3].map(Duration::from_secs)),
            "Connect timeout of the proxy 10.0.0.9: between 3.00 s and 7.00 s (4 attempts, SYN \
             retransmitted after 1.00 s, 3.00 s)."
        );
        assert_eq!(
            gives_up(PROXY, between, 1, &[]),
            "Connect timeout of the proxy 10.0.0.9: between 3.00 s and 7.00 s (1 attempt, one SYN each)."
        );
    }
}
