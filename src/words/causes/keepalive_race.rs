//! `keepalive_race`: a close of the backend and a request of the proxy were under way at the same time.

use super::cause_words::CauseWords;
use crate::exchange::ServerKind;
use crate::knowledge::connection_ends::Context;
use crate::verdict::Race;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::settings;
use crate::words::subject::Subject;
use std::time::Duration;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["keep-alive race", "keep-alive races"],
    page: include_str!("keepalive_race.md"),
    expected_status: &[502, 503],
    helped: Some("no race, and the proxy closes first"),
};

pub(super) fn summary(subject: &Subject<'_>, race: Race) -> String {
    let Subject { request, failure, .. } = *subject;
    let (backend, close, idle) = (failure.server, subject.closed(), subject.closed_after());
    match race {
        Race::LostInHost { timer } => format!(
            "the backend {backend} {close} the connection{idle} just as {request} arrived: its keep-alive \
             timeout of {} expired, and it sent no response",
            duration(timer)
        ),
        Race::Unread { timer } => format!(
            "the backend {backend} {close} the connection{idle} while {request} waited unread in its \
             kernel{}",
            timer.map_or_else(String::new, |timer| {
                format!("; its keep-alive timeout of {} had just expired", duration(timer))
            })
        ),
        Race::Crossing => format!(
            "the backend {backend} {close} the connection{idle}, while the proxy was sending {request} on \
             it: the {} and the request crossed{}",
            subject.close_flag(),
            failure.unasked().map_or_else(String::new, |status| {
                format!(" (before the close, it sent an unasked {status})")
            })
        ),
    }
}

/// Whoever sends the requests must be the first to close an idle connection, however the two met.
pub(super) fn fix(subject: &Subject<'_>, race: Race) -> Fix {
    let context = &subject.failure.context;
    if let Some(limit) = context.request_limit {
        let text = format!(
            "the backend closes each connection after {} requests: raise that limit, set the proxy's own \
             limit below it, or make the backend send `Connection: close` with its last response",
            limit.requests
        );
        return of_limit(context, text)
            .instead_of("a longer keep-alive timeout: the limit counts requests");
    }
    if let Some(age) = context.age_limit {
        let text = format!(
            "the backend closes each connection at the age of {}, used or not: raise that limit, or limit \
             the age of connections in the proxy to less",
            duration(age)
        );
        return of_limit(context, text)
            .instead_of("a longer keep-alive timeout: the limit counts from the handshake");
    }
    let after = subject.failure.verdict().closed_after();
    if let (Race::Crossing, Some(after)) = (race, after.filter(|after| *after < SOON)) {
        return of_soon(subject, after);
    }
    let proxy = settings::proxy_of(context).map(|(known, _)| known);
    let seconds = settings::longer_than(context.proxy_idle, proxy);
    let fix = settings::longer_keepalive(context, text_on_order(subject, seconds));
    Fix {
        brief: Some(brief(context, after)),
        or: from_the_other_side(context, after).map(Box::new),
        ..fix
    }
}

/// A close sooner than this is hardly that of a timer: servers count theirs in seconds.
const SOON: Duration = Duration::from_secs(1);

/// What closes so soon after a response.
fn of_soon(subject: &Subject<'_>, after: Duration) -> Fix {
    let text = format!(
        "check the backend's log{} for a restart, or a worker that was recycled: it closed after {} idle, \
         sooner than keep-alive timeouts usually are; if it did not restart, raise its keep-alive timeout \
         above the proxy's idle timeout",
        subject.at_time(),
        duration(after)
    );
    Fix::on(FixSide::Backend, text)
}

/// The backend's part of it.
fn brief(context: &Context, after: Option<Duration>) -> String {
    let here = after.map_or_else(String::new, |after| format!(" (about {} here)", duration(after)));
    let instead = match settings::bounds_answer(context) {
        Some(known) => format!("; {}", settings::not_instead(known)),
        None => String::new(),
    };
    let node = settings::known_server(ServerKind::Node).map(|node| node.fix_for(65));
    let example = match settings::server_of(context) {
        Some(_) => String::new(),
        None => format!(", in Node for example `{}`", node.unwrap_or_default()),
    };
    format!(
        "raise the backend's keep-alive timeout{here} above the proxy's idle timeout{example}{instead}"
    )
}

/// What to change where the backend closes first, after so long, and no request has met it yet.
pub fn before_it_happens(context: &Context, after: Option<Duration>) -> Fix {
    let text = "raise the backend's keep-alive timeout above the proxy's idle timeout".to_owned();
    let fix = settings::longer_keepalive(context, text);
    Fix { or: from_the_other_side(context, after).map(Box::new), ..fix }
}

/// What to change where a log shows that the backend closes first, after so long.
pub fn longer_keepalive_by_log(context: &Context, after: Duration) -> Fix {
    let text = brief(context, Some(after));
    let fix = settings::longer_keepalive(context, text);
    Fix { or: from_the_other_side(context, Some(after)).map(Box::new), ..fix }
}

/// What the proxy can do, where it can.
fn from_the_other_side(context: &Context, after: Option<Duration>) -> Option<Fix> {
    let fixed = settings::proxy_of(context).is_some_and(|(known, _)| known.knob.is_empty());
    if fixed || settings::bounds_answer(context).is_some() {
        return None;
    }
    let below = after.map_or_else(|| "keep-alive timeout".to_owned(), duration);
    let text = format!("lower the proxy's idle timeout below the {below} of the backend");
    Some(settings::shorter_idle(context, after, text))
}

/// A limit of the server that is no timeout.
fn of_limit(context: &Context, text: String) -> Fix {
    Fix {
        product: settings::server_of(context).map(|(known, _)| known.name),
        ..Fix::on(FixSide::Server, text)
            .why("the backend must not be the first to close a connection in use")
    }
}

/// What brings the two timeouts into their order: the backend's to so many `seconds`.
fn text_on_order(subject: &Subject<'_>, seconds: u64) -> String {
    let context = &subject.failure.context;
    let here = subject.failure.verdict().closed_after();
    let here = here.map_or_else(String::new, |after| format!(" (about {} here)", duration(after)));
    let setting = match settings::server_of(context) {
        Some((known, how)) if known.knob.is_empty() => format!("{} ({how})", known.fix),
        Some((known, how)) => format!("`{}` ({how})", known.fix_for(seconds)),
        None => {
            let node = settings::known_server(ServerKind::Node).map(|node| node.fix_for(65));
            format!("in Node behind a proxy with 60 s `{}`", node.unwrap_or_default())
        }
    };
    format!(
        "raise the backend's keep-alive timeout{here} above the proxy's idle timeout: {setting}; {}",
        match settings::proxy_of(context).filter(|(known, _)| known.knob.is_empty()) {
            // Google's load balancers, for one: there only the backend can.
            Some((known, _)) => format!("{} has no setting for its side", known.name),
            None => match settings::bounds_answer(context) {
                Some(known) => settings::not_instead(known),
                None =>
                    format!("or lower the proxy's below it{}", settings::proxy_setting(context)),
            },
        }
    )
}
