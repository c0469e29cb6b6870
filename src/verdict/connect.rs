//! Connects that fail: `connection_refused`, `unreachable`, `connect_timeout`.

use super::{
    Certainty, Fate, Finding, InFlight, NoWay, Retry, RetryReason, UnansweredSyns, Verdict, failed,
    handshake, invalid,
};
use crate::base::time::Timestamp;
use crate::exchange::Ended;
use crate::facts::Tried;
use crate::facts::closing::{self, Close, CloseKind, Closer};
use crate::flow::{Connection, Side, Start, StreamPos, UnansweredNeighbour};
use crate::knowledge::tolerance::tolerance;
use crate::knowledge::{Knowledge, Timeouts};
use crate::packet::FrameRef;
use crate::packet::icmp::Unreachable;
use crate::verdict::{Evidence, Shows};
use std::time::Duration;

/// What became of a connection as such: refused, never answered, not understood, or established.
pub(super) fn judge(ended: &Ended, connection: &Connection, knowledge: &Knowledge) -> Fate {
    if let Some(mismatch) = &ended.mismatch {
        return Fate::Failed(Box::new(invalid::mismatch(mismatch, connection)));
    }
    if let Some(verdict) = handshake::judge(ended, connection) {
        return failed(verdict);
    }
    let client = connection.half(Side::Client);
    // Bytes or an acknowledgement from the client mean that it saw a SYN+ACK, captured or not.
    let established = connection.syn_ack.is_some()
        || connection.established.is_some()
        || client.next > StreamPos::default();
    if connection.start == Start::Midstream || established {
        return match (reset_at_once(ended, connection), closed_at_once(ended, connection)) {
            (Some(reset), _) => failed(reset),
            // A port that speaks something else may close rightly.
            (None, Some(closed)) if knowledge.answers => failed(closed),
            (None, Some(_)) => Fate::Undecided,
            (None, None) => Fate::Sound,
        };
    }
    if connection.given_up {
        return Fate::Open;
    }
    if let Some(asked) = connection.no_neighbour.as_deref() {
        return failed(never_left(connection, asked));
    }
    let Some(rst) = connection.half(Side::Server).rst else {
        return connection.unreachable.as_deref().map_or_else(
            || unanswered(connection, &knowledge.timeouts),
            |unreachable| undelivered(connection, unreachable),
        );
    };
    // `localhost` stands for two addresses, of which the second one tried was meant.
    if knowledge.taken_beside {
        return Fate::Sound;
    }
    let mut evidence = Vec::new();
    if let Some(syn) = connection.syn {
        evidence.push(Evidence { frame: syn, shows: Shows::Syn });
    }
    evidence.push(Evidence { frame: rst.frame, shows: Shows::Rst(Side::Server) });
    // The SYN may be missing from the capture; a reset of this form, which a closed port sends (RFC 9293,
    // section 3.10.7.1), answers nothing else.
    let certainty = if connection.syn.is_some() { Certainty::Proven } else { Certainty::Likely };
    failed(Verdict {
        close: Some(Close {
            by: Closer::Backend,
            kind: CloseKind::Rst,
            frame: rst.frame,
            received: None,
        }),
        wait: connection.syn.map(|syn| rst.frame.at.since(syn.at)),
        ..Verdict::of(
            Finding::ConnectionRefused { syns: connection.syns },
            certainty,
            (Retry::Safe, RetryReason::NothingSent),
            evidence,
        )
    })
}

/// What a single connect seems to show, and all of them together do not.
pub(super) fn among_others(verdict: &mut Verdict, tried: Tried<'_>, knowledge: &Knowledge) {
    // Where no word of any backend was captured, that of this one may be what is missing; but a kernel
    // that repeats its SYN did not get one either.
    let once = matches!(verdict.finding, Finding::ConnectTimeout(UnansweredSyns { syns: 1, .. }));
    if once && knowledge.deaf {
        verdict.certainty = Certainty::Possible;
    }
    // Among connections that work it is likely that there was no room for this one.
    let unasked = matches!(tried, Tried::Connect(_));
    if verdict.finding == Finding::AcceptQueueFull && unasked && knowledge.answers {
        verdict.certainty = verdict.certainty.max(Certainty::Likely);
    }
}

/// The backend's kernel reset the connection right after the handshake, before anything was asked: it
/// does so where its queue of connections is full (`tcp_abort_on_overflow`), and forwarders do that have
/// nobody to forward to.
fn reset_at_once(ended: &Ended, connection: &Connection) -> Option<Verdict> {
    let (client, server) = (connection.half(Side::Client), connection.half(Side::Server));
    let nothing = StreamPos::default();
    let (rst, established, syn) = (server.rst?, connection.established?, connection.syn?);
    let silent = client.sent == nothing && client.next == nothing && server.next == nothing;
    let first = closing::first(connection).is_some_and(|close| close.by == Side::Server);
    let way = connection.round_trip().unwrap_or_default().saturating_mul(2).max(AT_ONCE);
    let soon = connection.span(established, rst.frame).is_some_and(|after| after <= way);
    let own = server.ttl.is_none_or(|usual| usual == rst.ttl);
    if !(silent && first && soon && own) || ended.exchanges > 0 || server.fin.is_some() {
        return None;
    }
    // A request, had it been missed, could have come before the reset, unless that came sooner than any
    // proxy sends, or says that it did not.
    let first = rst.frame.at.since(established.at) < SOONEST || rst.ack == Some(nothing);
    let (retry, retry_reason) = if first {
        (Retry::Safe, RetryReason::NothingSent)
    } else {
        (Retry::Unknown, RetryReason::NotTold)
    };
    Some(Verdict {
        retry,
        retry_reason,
        ..ended_at_once(Finding::AcceptQueueFull, CloseKind::Rst, syn, rst.frame)
    })
}

/// The backend closed the connection in order right after the handshake, and the proxy, which had sent
/// nothing, closed then as well. A kernel whose queue is full does not do that: a process does that takes
/// no more connections or none of this peer's, or one that forwards and found nobody. Whether the proxy
/// had something to ask does not show. Both closes are numbered as where nothing was ever sent, so that
/// no request can be missing.
fn closed_at_once(ended: &Ended, connection: &Connection) -> Option<Verdict> {
    let (client, server) = (connection.half(Side::Client), connection.half(Side::Server));
    let nothing = StreamPos::default();
    let (fin, established, syn) = (server.fin?, connection.established?, connection.syn?);
    let close = closing::first(connection)?;
    let own = close.by == Side::Server && close.kind == CloseKind::Fin && !close.contested;
    let followed = client.fin.or(client.rst)?;
    let silent = client.bytes == 0 && server.bytes == 0 && ended.exchanges == 0;
    let numbers = [fin.pos, fin.ack?, followed.pos].iter().all(|pos| *pos == nothing);
    let way = connection.round_trip().unwrap_or_default().saturating_mul(2).max(AT_ONCE);
    let soon = connection.span(established, fin.frame).is_some_and(|after| after <= way);
    if !(own && silent && numbers && soon) || connection.has_gaps() || server.rst.is_some() {
        return None;
    }
    let finding = Finding::ClosedInFlight(InFlight::Fresh);
    Some(ended_at_once(finding, CloseKind::Fin, syn, fin.frame))
}

/// The backend ended a new connection before anything was asked on it, as far as was captured.
fn ended_at_once(finding: Finding, kind: CloseKind, syn: FrameRef, end: FrameRef) -> Verdict {
    let shows = match kind {
        CloseKind::Fin => Shows::Fin(Side::Server),
        CloseKind::Rst => Shows::Rst(Side::Server),
    };
    Verdict {
        close: Some(Close { by: Closer::Backend, kind, frame: end, received: None }),
        wait: Some(end.at.since(syn.at)),
        ..Verdict::of(
            finding,
            Certainty::Possible,
            (Retry::Safe, RetryReason::NothingSent),
            vec![Evidence { frame: syn, shows: Shows::Syn }, Evidence { frame: end, shows }],
        )
    }
}

/// A proxy is told of its connection, and sends on it, no sooner than this.
const SOONEST: Duration = Duration::from_micros(50);
/// So soon a kernel resets what it does not want.
const AT_ONCE: Duration = Duration::from_millis(5);

/// Nobody has the backend's address: its host was asked for until the proxy's gave up.
fn never_left(connection: &Connection, asked: &UnansweredNeighbour) -> Verdict {
    let error = connection.unreachable.as_deref().map(|unreachable| unreachable.frame);
    let shown = [(asked.first, Shows::NeighbourAsked), (asked.last, Shows::NeighbourAskedLast)];
    let error = error.map(|frame| Evidence { frame, shows: Shows::Unreachable });
    Verdict {
        wait: Some(asked.last.at.since(asked.first.at)),
        ..Verdict::of(
            Finding::Unreachable(NoWay::NoNeighbour { about: asked.about, times: asked.times }),
            Certainty::Proven,
            (Retry::Safe, RetryReason::NothingSent),
            shown
                .into_iter()
                .map(|(frame, shows)| Evidence { frame, shows })
                .chain(error)
                .collect(),
        )
    }
}

/// Somebody on the way said that the SYN cannot be delivered, and quoted what was sent and not yet
/// acknowledged (RFC 5927, section 4): nobody else is believed.
fn undelivered(connection: &Connection, unreachable: &Unreachable) -> Fate {
    let syn = connection.syn.map(|frame| Evidence { frame, shows: Shows::Syn });
    let error = Evidence { frame: unreachable.frame, shows: Shows::Unreachable };
    Fate::Failed(Box::new(Verdict {
        wait: connection.syn.map(|syn| unreachable.frame.at.since(syn.at)),
        ..Verdict::of(
            Finding::Unreachable(NoWay::Told(*unreachable)),
            Certainty::Proven,
            (Retry::Safe, RetryReason::NothingSent),
            syn.into_iter().chain([error]).collect(),
        )
    }))
}

/// Tries after which a host means it: Linux sends the third SYN 3 s after the first.
const ENOUGH_TRIES: u32 = 3;
/// How long the capture must go on after the last SYN for its silence to mean something.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// SYNs without an answer. Giving up puts nothing on the wire.
fn unanswered(connection: &Connection, timeouts: &Timeouts) -> Fate {
    let (Some(syn), Some(last)) = (connection.syn, connection.last_syn) else {
        return Fate::Open;
    };
    let client = connection.half(Side::Client);
    let server = connection.half(Side::Server);
    if !server.is_unheard() || client.rst.is_some() {
        return Fate::Open;
    }
    let watched = connection.seen_until.since(last.at);
    // Each try waits twice as long as the one before (RFC 6298, section 5); if the next did not come, the
    // host gave up.
    let next_try = last.at.since(syn.at).saturating_mul(9).checked_div(4).unwrap_or_default();
    let certainty = match connection.syns {
        ENOUGH_TRIES.. => Certainty::Proven,
        2 if watched >= next_try.min(LONG_ENOUGH) => Certainty::Likely,
        2 => Certainty::Possible,
        _ if watched >= LONG_ENOUGH => Certainty::Likely,
        _ => return Fate::Open,
    };
    let mut evidence = vec![Evidence { frame: syn, shows: Shows::Syn }];
    if last != syn {
        evidence.push(Evidence { frame: last, shows: Shows::LastSyn });
    }
    Fate::Failed(Box::new(Verdict {
        wait: Some(last.at.since(syn.at)),
        ..Verdict::of(
            Finding::ConnectTimeout(UnansweredSyns {
                syns: connection.syns,
                challenged: u64::from(server.strays) > server.rsts,
                fits_connect_timeout: timeouts
                    .proxy_connect
                    .is_some_and(|timeout| fits(timeout, syn.at, last.at, connection)),
            }),
            certainty,
            (Retry::Safe, RetryReason::NothingSent),
            evidence,
        )
    }))
}

/// Nothing is sent when a proxy gives up on a connect; but no SYN comes after that, and the next one
/// would have been due by then. Each try waits twice as long as the one before.
fn fits(timeout: Duration, first: Timestamp, last: Timestamp, connection: &Connection) -> bool {
    let tried = last.since(first);
    let doubled = 1_u32.checked_shl(connection.syns.saturating_sub(1)).unwrap_or(u32::MAX);
    let unit = tried.checked_div(doubled.saturating_sub(1)).unwrap_or(Duration::from_secs(1));
    let next = tried.saturating_add(unit.saturating_mul(doubled));
    let tolerance = tolerance(timeout);
    let watched = connection.seen_until.since(first);
    tried <= timeout.saturating_add(tolerance)
        && timeout <= next.saturating_add(tolerance)
        && watched >= next.saturating_add(tolerance)
}
