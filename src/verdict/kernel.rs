//! What the kernel of an end's own host says of a failure, held against what the packets show.
//!
//! Packets tell what arrived at a host, not what its processes made of it: whether the request had
//! been read when the connection was closed, by whom and how it was closed, and why a reset was sent.
//! Where the kernel's word settles such a question it revises the verdict. It never makes a failure,
//! and what does not fit the packets, in time and in number, is not believed: another connection can
//! have had the same addresses and ports.

use super::{
    Certainty, Drop, Finding, InFlight, Race, ResetBy, Retry, RetryReason, Standstill, Vanished,
    Verdict, reused,
};
use crate::base::time::Timestamp;
use crate::facts::Tried;
use crate::facts::closing::{Close, Closer, Received};
use crate::facts::kernel::{Closed, End, Ends, How, ResetReason};
use crate::flow::{Connection, Side};
use crate::packet::SeqNum;
use crate::verdict::{Evidence, Shows};
use std::time::Duration;

/// The failed request, as the ends of its connection number it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// The number on the wire of its first byte.
    pub first: SeqNum,
    /// Bytes of the request, as far as they were sent.
    pub length: u64,
    /// Another exchange came before it on this connection.
    pub reused: bool,
    /// The answer before announced that the connection would be closed; `None` where that is not known.
    pub announced: Option<bool>,
    /// Where the request begins and where it ends could be read.
    pub readable: bool,
}

/// How far a fact of the kernel may lie from the frame that shows the same. A close or a reset leaves
/// the host as it is decided upon; the clocks of capture and kernel are not the same one.
const SAME: Duration = Duration::from_secs(1);

impl Sent {
    /// The request of an attempt; `None` of a connect, and where no number of it is known.
    pub fn of(tried: Tried<'_>, connection: &Connection) -> Option<Self> {
        let Tried::Exchange(exchange) = tried else { return None };
        let request = &exchange.request;
        // What was not captured may have announced it.
        let whole = connection.half(Side::Server).gaps == 0;
        Some(Self {
            first: connection.half(Side::Client).wire(request.start)?,
            length: request.end.since(request.start),
            reused: exchange.ordinal > 0,
            announced: (exchange.close_announced || whole).then_some(exchange.close_announced),
            readable: request.unread.is_none(),
        })
    }

    /// How far from its first byte a number on the wire is. Numbers wrap; no window is larger than
    /// 1 GiB (RFC 7323, section 2.2), so that the nearer of the two readings is right.
    fn place(&self, number: SeqNum) -> i64 {
        i64::from(number.0.wrapping_sub(self.first.0).cast_signed())
    }

    /// The close is one of this connection, as far as numbers can tell: what had arrived by then ends
    /// somewhere in the request (its FIN takes a number more), and no more had been read than that.
    fn meets(&self, closed: &Closed) -> bool {
        let (read, received) = (self.place(closed.read_to), self.place(closed.received_to));
        let end = i64::try_from(self.length).unwrap_or(i64::MAX).saturating_add(1);
        (0..=end).contains(&received) && read <= received
    }

    /// How much of it had been read when the connection was closed. A byte that was only looked at
    /// (`MSG_PEEK`) counts as unread.
    pub fn read_by(&self, closed: &Closed) -> Received {
        let read = self.place(closed.read_to);
        if read <= 0 {
            Received::None
        } else if read >= i64::try_from(self.length).unwrap_or(i64::MAX) {
            Received::All
        } else {
            Received::Part
        }
    }

    /// Bytes that had arrived by then and not been read; the FIN is none.
    pub fn unread_at(&self, closed: &Closed) -> u64 {
        let end = i64::try_from(self.length).unwrap_or(i64::MAX);
        let received = self.place(closed.received_to).min(end);
        u64::try_from(received.saturating_sub(self.place(closed.read_to))).unwrap_or(0)
    }
}

/// Takes what the kernel says of the ends of the connection into a verdict that packets gave: those of the
/// facts that fit what the packets show.
pub(super) fn kernel_says(verdict: &mut Verdict, ends: &Ends, request: Option<&Sent>) {
    let was_closed = ends.server.as_ref().is_some_and(|end| end.closed.is_some());
    let ends = Ends {
        client: ends.client.clone().and_then(|end| fitting(end, Side::Client, verdict, None)),
        server: ends.server.clone().and_then(|end| fitting(end, Side::Server, verdict, request)),
    };
    if let Some(server) = &ends.server {
        if let Some(request) = request {
            unseen_close(verdict, server, request);
            closed(verdict, server, request);
        }
        if !was_closed {
            forgotten(verdict, server);
        }
        // A queue that was full when a connection of it had to wait leaves no other reading of the
        // repeated SYN+ACK: its loss, and that of the request behind it.
        if verdict.finding == Finding::AcceptQueueFull && server.queue.is_some() {
            verdict.certainty = Certainty::Proven;
        }
    }
    if let Some(client) = &ends.client {
        ended(verdict, client);
    }
    let known = ends.client.is_some() || ends.server.is_some();
    verdict.ends = known.then(|| Box::new(ends));
}

/// Whether two stamps can be those of one event.
fn same_time(one: Timestamp, other: Timestamp) -> bool {
    one.since(other).max(other.since(one)) <= SAME
}

/// What of an end's facts fits the frames; `None` where they are those of another connection.
fn fitting(mut end: End, side: Side, verdict: &Verdict, request: Option<&Sent>) -> Option<End> {
    let times = || verdict.evidence.iter().map(|one| one.frame.at);
    let (first, last) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
    let shown = |at: Timestamp, shows: &dyn Fn(Shows) -> bool| {
        let of = |one: &&Evidence| shows(one.shows);
        verdict.evidence.iter().filter(of).any(|one| same_time(one.frame.at, at))
    };
    if let Some(closed) = &end.closed {
        // Nobody answers, or asks, on a connection that was closed before.
        if closed.at.plus(SAME) < first {
            return None;
        }
        if shown(closed.at, &|shows| shows == Shows::Fin(side) || shows == Shows::Rst(side)) {
            if request.is_some_and(|request| !request.meets(closed)) {
                return None;
            }
        } else {
            end.closed = None;
        }
    }
    end.reset = end.reset.filter(|reset| shown(reset.at, &|shows| shows == Shows::Rst(side)));
    end.queue =
        end.queue.filter(|queue| queue.at.plus(SAME) >= first && queue.at <= last.plus(SAME));
    Some(end)
}

/// The backend's close was not captured, and its kernel says that it came before the request: what
/// packets alone take for a connection that was forgotten, or for a reset out of nowhere, is what it
/// would have been with that close. If it was a FIN, that the request does not acknowledge it shows in
/// the packets: an acknowledgement of what was not captured is a gap, and then this would be
/// `unproven`. If it was a reset, nothing would have been sent by a proxy whose kernel had it.
fn unseen_close(verdict: &mut Verdict, server: &End, request: &Sent) {
    let Some(closed) = &server.closed else { return };
    // Some of the request had arrived: then this close was not before it.
    if request.place(closed.received_to) > 0 || request.announced == Some(true) {
        return;
    }
    if is_forgotten(verdict.finding) && request.reused {
        verdict.finding = Finding::KeepaliveRace(Race::Crossing);
    } else if verdict.finding == Finding::ResetInFlight(ResetBy::Backend(InFlight::Fresh)) {
        verdict.finding = Finding::ClosedInFlight(InFlight::Fresh);
    } else {
        return;
    }
    verdict.certainty = most(verdict, request);
}

/// The surest that can be said: a request whose head could not be read may end elsewhere, and it is no
/// race where the answer before may have announced the close, or where there may have been none: a
/// connection begun before the capture may have been new.
fn most(verdict: &Verdict, request: &Sent) -> Certainty {
    let race = matches!(verdict.finding, Finding::KeepaliveRace(_));
    if race && !request.reused {
        Certainty::Possible
    } else if race && request.announced.is_none() || !request.readable {
        Certainty::Likely
    } else {
        Certainty::Proven
    }
}

/// A process of the backend's closed the connection: had it read the request?
fn closed(verdict: &mut Verdict, server: &End, request: &Sent) {
    let by_backend = |close: &Close| close.by == Closer::Backend;
    let (Some(closed), Some(close)) = (&server.closed, verdict.close.filter(by_backend)) else {
        return;
    };
    // A frame that acknowledges nothing of the request was sent when nothing had arrived.
    let nothing_arrived = close.received == Some(Received::None);
    if nothing_arrived && request.place(closed.received_to) > 0 {
        return;
    }
    let read = request.read_by(closed);
    if let Some(known) = verdict.finding.in_flight().filter(|known| known.is_by_packets()) {
        let fresh = known.is_fresh();
        if read == Received::None {
            unread(verdict, closed, request, fresh);
        } else {
            verdict.certainty = most(verdict, request);
            verdict.finding.set_in_flight(InFlight::Read { all: read == Received::All, fresh });
        }
    }
    advise(verdict, closed, read);
}

/// Nobody had read a byte of the request when the connection was closed.
///
/// On a connection that was used before, and soon after the request came, that is the second form of
/// the race: whoever closed it took it for idle. If the process ended, it did not choose to close an
/// idle connection; if the request had lain there for long, nobody was reading, and the close is only
/// the end of that; if the answer before had announced the close, the proxy knew. Then the cause
/// stays, and it is told that the request was unread.
fn unread(verdict: &mut Verdict, closed: &Closed, request: &Sent, fresh: bool) {
    let as_idle = match closed.how {
        How::Close | How::Shutdown => true,
        How::Exit { .. } => false,
        // Packets may make the race likely; this proves none.
        How::Untold => return,
    };
    let soon = verdict.wait.is_none_or(|wait| wait <= reused::LONGEST_UNREAD);
    if as_idle && soon && !fresh && request.announced != Some(true) {
        verdict.finding = Finding::KeepaliveRace(Race::Unread { timer: None });
    } else {
        verdict.finding.set_in_flight(InFlight::Unread { fresh });
    }
    verdict.certainty = most(verdict, request);
}

/// Whether the request may be sent again, by what had been read of it.
fn advise(verdict: &mut Verdict, closed: &Closed, read: Received) {
    // After `shutdown()` it may still have been read, and after a close that is not told apart.
    let for_good = matches!(closed.how, How::Close | How::Exit { .. });
    let unanswered = matches!(
        verdict.finding,
        Finding::KeepaliveRace(_)
            | Finding::StaleReuse
            | Finding::ClosedInFlight(_)
            | Finding::ResetInFlight(_)
    );
    if !unanswered {
        return;
    }
    match read {
        Received::None if for_good && verdict.retry != Retry::Safe => {
            (verdict.retry, verdict.retry_reason) = (Retry::Safe, RetryReason::ClosedUnread);
        }
        Received::All => {
            (verdict.retry, verdict.retry_reason) = (Retry::Unsafe, RetryReason::Read);
        }
        Received::None | Received::Part => {}
    }
}

/// The reply was a reset of the backend's own kernel, which had no such connection, and no process is
/// known to have closed one. Nobody between sent it, and no FIN was missed: its kernel would still have
/// known that one.
fn forgotten(verdict: &mut Verdict, server: &End) {
    let unknown = server.reset.is_some_and(|reset| reset.why == ResetReason::NoSocket);
    if is_forgotten(verdict.finding) && unknown {
        verdict.certainty = Certainty::Proven;
    }
}

/// The other end no longer knew the connection, as packets show.
const fn is_forgotten(finding: Finding) -> bool {
    matches!(finding, Finding::SilentDrop(Vanished { form: Drop::Forgotten, .. }))
}

/// The proxy closed first because its process ended: that it lost patience, or that its client left,
/// is no more than possible. What the backend's window shows stays as it is.
fn ended(verdict: &mut Verdict, client: &End) {
    let by_proxy = verdict.close.is_some_and(|close| close.by == Closer::Proxy);
    let exited = client.closed.as_ref().is_some_and(|one| matches!(one.how, How::Exit { .. }));
    let gave_up = matches!(
        verdict.finding,
        Finding::ResponseTimeout(_)
            | Finding::ClientGone(_)
            | Finding::Stalled(Standstill { zero_window: false, .. })
    );
    if by_proxy && exited && gave_up {
        verdict.certainty = Certainty::Possible;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cause;
    use super::super::finding::tests::one_of_each;
    use super::*;
    use crate::facts::closing::CloseKind;
    use crate::facts::kernel::{Queue, Reset};
    use crate::knowledge::Knowledge;
    use crate::knowledge::timers::Timer;
    use crate::packet::FrameRef;

    const MILLISECOND: u64 = 1_000_000;
    /// The backend closed a used connection, and packets tell no more.
    const CLOSED: Finding = Finding::ClosedInFlight(InFlight::Used);
    /// When the backend's close was captured.
    const CLOSE: u64 = 5_000 * MILLISECOND;

    fn frame(at: u64) -> FrameRef {
        FrameRef { capture: 0, number: 1 + at / MILLISECOND, at: Timestamp::from_nanos(at) }
    }

    fn evidence(at: u64, shows: Shows) -> Evidence {
        Evidence { frame: frame(at), shows }
    }

    /// A request of 80 bytes on a used connection that got no answer but the backend's FIN, 2 ms later.
    fn verdict(finding: Finding) -> Verdict {
        Verdict {
            close: Some(Close {
                by: Closer::Backend,
                kind: CloseKind::Fin,
                frame: frame(CLOSE),
                received: Some(Received::All),
            }),
            idle_gap: Some(Duration::from_secs(2)),
            wait: Some(Duration::from_millis(2)),
            closed_after: Some(Duration::from_secs(2)),
            ..Verdict::of(
                finding,
                Certainty::Likely,
                (Retry::Unsafe, RetryReason::AllReceived),
                vec![
                    evidence(CLOSE - 2_000 * MILLISECOND, Shows::LastAnswer),
                    evidence(CLOSE - 2 * MILLISECOND, Shows::Request),
                    evidence(CLOSE, Shows::Fin(Side::Server)),
                ],
            )
        }
    }

    const SENT: Sent = Sent {
        first: SeqNum(0xffff_ffd0),
        length: 80,
        reused: true,
        announced: Some(false),
        readable: true,
    };

    fn closed_by(how: How, read: u32) -> Closed {
        Closed {
            at: Timestamp::from_nanos(CLOSE),
            by: None,
            how,
            read_to: SENT.first.plus(read),
            received_to: SENT.first.plus(80),
        }
    }

    fn server(closed: Closed) -> Ends {
        Ends { client: None, server: Some(End { closed: Some(closed), ..End::default() }) }
    }

    fn said(mut verdict: Verdict, ends: Ends, sent: Sent) -> (Verdict, Ends) {
        kernel_says(&mut verdict, &ends, Some(&sent));
        let fitting = verdict.ends.as_deref().cloned().unwrap_or_default();
        (verdict, fitting)
    }

    #[test]
    fn numbers_are_held_against_the_request_across_their_wrap() {
        for (read, expected, unread) in [
            (0_u32, Received::None, 80),
            (1, Received::Part, 79),
            (79, Received::Part, 1),
            (80, Received::All, 0),
        ] {
            let closed = closed_by(How::Close, read);
            assert!(SENT.meets(&closed), "{read}");
            assert_eq!((SENT.read_by(&closed), SENT.unread_at(&closed)), (expected, unread));
        }
        let mut earlier = closed_by(How::Close, 0);
        // Bytes of the request before were not read either.
        earlier.read_to = SeqNum(SENT.first.0 - 10);
        assert!(SENT.meets(&earlier));
        assert_eq!((SENT.read_by(&earlier), SENT.unread_at(&earlier)), (Received::None, 90));
        let mut with_fin = closed_by(How::Close, 80);
        with_fin.received_to = SENT.first.plus(81);
        assert!(SENT.meets(&with_fin));
        assert_eq!((SENT.read_by(&with_fin), SENT.unread_at(&with_fin)), (Received::All, 0));
        for (read, received) in [(0, 82), (81, 80), (0, 0x8000_0000), (0_u32, 0xffff_ffff)] {
            let mut other = closed_by(How::Close, read);
            other.received_to = SENT.first.plus(received);
            assert!(!SENT.meets(&other), "{read} {received}");
        }
    }

    fn fires_at(timer: Duration) -> Knowledge {
        Knowledge { timers: [None, Some(Timer::told(timer))], ..Knowledge::default() }
    }

    #[test]
    fn what_a_timer_makes_likely_the_kernel_has_proven_or_refuted() {
        let timer = Duration::from_secs(2);
        let of = |how, read| {
            let in_flight = verdict(Finding::ClosedInFlight(InFlight::MaybeUnread));
            let (mut verdict, _) = said(in_flight, server(closed_by(how, read)), SENT);
            reused::by_timer(&mut verdict, &fires_at(timer));
            verdict
        };
        let unread = of(How::Close, 0);
        let race = Finding::KeepaliveRace(Race::Unread { timer: Some(timer) });
        assert_eq!((unread.finding, unread.certainty), (race, Certainty::Proven));
        assert_eq!((unread.retry, unread.retry_reason), (Retry::Safe, RetryReason::ClosedUnread));
        let read = of(How::Close, 80);
        assert_eq!((read.cause(), read.certainty), (Cause::ClosedInFlight, Certainty::Proven));
        assert_eq!((read.retry, read.retry_reason), (Retry::Unsafe, RetryReason::Read));
        let ended = of(How::Exit { signal: None }, 0);
        assert_eq!((ended.cause(), ended.retry), (Cause::ClosedInFlight, Retry::Safe));
        let untold = of(How::Untold, 0);
        assert_eq!((untold.cause(), untold.certainty), (Cause::KeepaliveRace, Certainty::Likely));
        assert_eq!(untold.retry, Retry::Unsafe);
    }

    #[test]
    fn the_timer_is_added_to_a_race_that_the_kernel_proved() {
        let in_flight = verdict(CLOSED);
        let (race, _) = said(in_flight, server(closed_by(How::Close, 0)), SENT);
        for (timer, known) in [(2, Some(Duration::from_secs(2))), (3, None)] {
            let mut race = race.clone();
            reused::by_timer(&mut race, &fires_at(Duration::from_secs(timer)));
            assert_eq!(race.finding, Finding::KeepaliveRace(Race::Unread { timer: known }));
            assert_eq!(race.certainty, Certainty::Proven);
        }
    }

    /// Told twice it says the same.
    #[test]
    fn the_kernels_word_changes_a_verdict_once() {
        let hows = [How::Close, How::Shutdown, How::Exit { signal: Some(9) }, How::Untold];
        for (how, read) in hows.into_iter().flat_map(|how| [(how, 0), (how, 40), (how, 80)]) {
            let in_flight = verdict(CLOSED);
            let (once, fitting) = said(in_flight, server(closed_by(how, read)), SENT);
            let (twice, again) = said(once.clone(), fitting.clone(), SENT);
            assert_eq!((once.finding, once.certainty), (twice.finding, twice.certainty));
            assert_eq!((once.retry, once.retry_reason), (twice.retry, twice.retry_reason));
            assert_eq!(fitting, again);
        }
    }

    #[test]
    fn what_is_not_known_of_the_request_costs_certainty() {
        let in_flight = || verdict(CLOSED);
        let of = |sent: Sent| said(in_flight(), server(closed_by(How::Close, 0)), sent).0;
        let unreadable = of(Sent { readable: false, ..SENT });
        assert_eq!(
            (unreadable.cause(), unreadable.certainty),
            (Cause::KeepaliveRace, Certainty::Likely)
        );
        let unseen = of(Sent { announced: None, ..SENT });
        assert_eq!((unseen.cause(), unseen.certainty), (Cause::KeepaliveRace, Certainty::Likely));
        let told = of(Sent { announced: Some(true), ..SENT });
        assert_eq!((told.cause(), told.retry), (Cause::ClosedInFlight, Retry::Safe));
        // Begun before the capture: whether it was used is not known.
        let first = of(Sent { reused: false, ..SENT });
        assert_eq!((first.cause(), first.certainty), (Cause::KeepaliveRace, Certainty::Possible));
        assert_eq!(first.retry, Retry::Safe);
    }

    #[test]
    fn a_frame_that_acknowledges_nothing_contradicts_a_kernel_that_had_received() {
        let crossed = Finding::KeepaliveRace(Race::Crossing);
        let mut crossing = verdict(crossed);
        crossing.close =
            crossing.close.map(|close| Close { received: Some(Received::None), ..close });
        (crossing.retry, crossing.retry_reason) = (Retry::Unknown, RetryReason::NotRefused);
        let (kept, _) = said(crossing, server(closed_by(How::Close, 0)), SENT);
        assert_eq!((kept.retry, kept.finding), (Retry::Unknown, crossed));
    }

    #[test]
    fn no_other_cause_is_touched_by_a_close() {
        for finding in one_of_each() {
            let cause = finding.cause();
            let about = [
                Cause::KeepaliveRace,
                Cause::StaleReuse,
                Cause::ClosedInFlight,
                Cause::ResetInFlight,
            ];
            if about.contains(&cause) {
                continue;
            }
            let (after, fitting) =
                said(verdict(finding), server(closed_by(How::Exit { signal: Some(9) }, 0)), SENT);
            assert_eq!(after.finding, finding);
            assert_eq!(
                (after.certainty, after.retry),
                (Certainty::Likely, Retry::Unsafe),
                "{cause:?}"
            );
            assert!(fitting.server.is_some_and(|end| end.closed.is_some()));
        }
    }

    /// The proxy closed, and its process ended: who did not choose to close did not give up.
    #[test]
    fn the_end_of_the_proxys_process_makes_only_giving_up_less_sure() {
        let not_read = Standstill { silence: Duration::ZERO, zero_window: true };
        let exit = How::Exit { signal: None };
        for finding in one_of_each().into_iter().chain([Finding::Stalled(not_read)]) {
            for (by, how) in [
                (Closer::Proxy, exit),
                (Closer::Proxy, How::Close),
                (Closer::Backend, exit),
                (Closer::Path, exit),
            ] {
                let mut given_up = verdict(finding);
                given_up.close = given_up.close.map(|close| Close { by, ..close });
                given_up.evidence.push(evidence(CLOSE, Shows::Fin(Side::Client)));
                let closed = Some(closed_by(how, 0));
                let ends = Ends { client: Some(End { closed, ..End::default() }), server: None };
                let (after, _) = said(given_up, ends, SENT);
                let patience = match finding.cause() {
                    Cause::ResponseTimeout | Cause::ClientGone => true,
                    Cause::Stalled => finding != Finding::Stalled(not_read),
                    _ => false,
                };
                let lower = patience && by == Closer::Proxy && how == exit;
                let wanted = if lower { Certainty::Possible } else { Certainty::Likely };
                let what = format!("{finding:?} {by:?} {how:?}");
                assert_eq!((after.cause(), after.certainty), (finding.cause(), wanted), "{what}");
            }
        }
    }

    /// The clocks of capture and kernel may disagree by a second, and no more.
    #[test]
    fn a_clock_that_disagrees_is_believed_within_a_second() {
        let second = 1_000 * MILLISECOND;
        let reset = ResetReason::NoSocket;
        for (off, believed) in
            [(0, true), (second, true), (second + 1, false), (3_600 * second, false)]
        {
            for at in [CLOSE + off, CLOSE.saturating_sub(off)].map(Timestamp::from_nanos) {
                let mut failed = verdict(CLOSED);
                failed.evidence.push(evidence(CLOSE, Shows::Rst(Side::Server)));
                let closed = Closed { at, ..closed_by(How::Close, 80) };
                let end = End {
                    closed: Some(closed),
                    reset: Some(Reset { at, why: reset }),
                    ..End::default()
                };
                let ends = Ends { client: None, server: Some(end) };
                let (after, fitting) = said(failed, ends, SENT);
                let found = fitting.server.unwrap_or_default();
                assert_eq!((found.closed.is_some(), found.reset.is_some()), (believed, believed));
                let read = InFlight::Read { all: true, fresh: false };
                assert_eq!(after.finding == Finding::ClosedInFlight(read), believed, "{off}");
            }
        }
    }

    #[test]
    fn facts_of_another_time_are_dropped() {
        let of = |change: &dyn Fn(&mut End)| {
            let mut end = End {
                closed: Some(closed_by(How::Close, 0)),
                reset: Some(Reset { at: Timestamp::from_nanos(CLOSE), why: ResetReason::TimeWait }),
                queue: Some(Queue { at: Timestamp::from_nanos(CLOSE), length: 9, most: 8 }),
                ..End::default()
            };
            change(&mut end);
            let ends = Ends { client: None, server: Some(end) };
            let fitting = said(verdict(Finding::StaleReuse), ends, SENT).1;
            fitting
                .server
                .map(|end| (end.closed.is_some(), end.reset.is_some(), end.queue.is_some()))
        };
        let at = Timestamp::from_nanos;
        let close = |end: &mut End, when| {
            end.closed = end.closed.take().map(|closed| Closed { at: at(when), ..closed });
        };
        // No reset of the backend was captured.
        assert_eq!(of(&|_| {}), Some((true, false, true)));
        assert_eq!(of(&|end| close(end, CLOSE + 900 * MILLISECOND)), Some((true, false, true)));
        // A close that shows in no frame, within the failure and after it.
        assert_eq!(of(&|end| close(end, CLOSE - 1_500 * MILLISECOND)), Some((false, false, true)));
        assert_eq!(of(&|end| close(end, CLOSE + 60_000 * MILLISECOND)), Some((false, false, true)));
        // Closed before the last answer: that was another connection.
        assert_eq!(of(&|end| close(end, MILLISECOND)), None);
        let queue = |end: &mut End, when| {
            end.queue = end.queue.map(|queue| Queue { at: at(when), ..queue });
        };
        assert_eq!(of(&|end| queue(end, CLOSE + 1_100 * MILLISECOND)), Some((true, false, false)));
        assert_eq!(of(&|end| queue(end, MILLISECOND)), Some((true, false, false)));
    }
}
