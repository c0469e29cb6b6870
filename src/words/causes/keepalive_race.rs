//! `keepalive_race`: a close of the backend and a request of the proxy were under way at the same time.

use super::cause_words::CauseWords;
use crate::exchange::ServerKind;
use crate::verdict::Detail;
use crate::words::phrases::duration;
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["keep-alive race", "keep-alive races"],
    page: include_str!("keepalive_race.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let (backend, close, idle) = (failure.server, subject.closed(), subject.closed_after());
    match failure.verdict.detail {
        Detail::LostInHost { timer } => format!(
            "the backend {backend} {close} the connection{idle} just as the proxy reused it for \
             {request}; its keep-alive timer of {} fired just as the request arrived, and it closed without an answer",
            duration(timer)
        ),
        Detail::Unread { timer, .. } => format!(
            "the backend {backend} {close} the connection{idle} just as the proxy reused it for \
             {request}, which lay in its kernel{}",
            timer.map_or_else(String::new, |timer| {
                format!("; its keep-alive timer of {} fired just then", duration(timer))
            })
        ),
        _ => format!(
            "the backend {backend} {close} the connection{idle} just as the proxy reused it for \
             {request}; its {} and the request crossed on the way{}",
            subject.close_flag(),
            failure.unasked.map_or_else(String::new, |status| {
                format!(", behind a {status} that answers nothing: its parting word")
            })
        ),
    }
}

/// The side that sends requests must give up an idle connection first.
fn fix(subject: &Subject<'_>) -> String {
    let context = &subject.failure.context;
    if let Some(limit) = context.request_limit {
        return format!(
            "the backend closes a connection after {} requests: raise that limit, set the proxy's own \
             limit below it, or let the backend announce its last answer with `Connection: close`",
            limit.requests
        );
    }
    if let Some(age) = context.age_limit {
        return format!(
            "the backend closes connections at the age of {}, whatever is asked on them: raise that, or \
             let the proxy renew its connections sooner",
            duration(age)
        );
    }
    let here = subject
        .failure
        .verdict
        .closed_after
        .map(|after| format!(" (about {} here)", duration(after)));
    let proxy = settings::proxy_of(context).map(|(known, _)| known);
    let seconds = settings::longer_than(context.proxy_idle, proxy);
    let setting = match settings::server_of(context) {
        Some((known, how)) if known.knob.is_empty() => format!("{}, as {how}", known.fix),
        Some((known, how)) => format!("`{}`, as {how}", known.fix_for(seconds)),
        None => {
            let node = settings::known_server(ServerKind::Node).map(|node| node.fix_for(65));
            format!("for Node behind a 60 s proxy `{}`", node.unwrap_or_default())
        }
    };
    format!(
        "let the backend keep idle connections longer than the proxy does: raise its keep-alive timeout{} \
         above the proxy's idle timeout, {setting}; {}",
        here.unwrap_or_default(),
        match settings::proxy_of(context).filter(|(known, _)| known.knob.is_empty()) {
            // Google's load balancers, for one: there only the backend can.
            Some((known, _)) => format!("no setting of the proxy's own is known ({})", known.name),
            None => match settings::bounds_answer(context) {
                Some(known) => {
                    format!(
                        "do not lower that of the {} instead: {}",
                        known.name,
                        settings::ITS_LIMIT
                    )
                }
                None =>
                    format!("or lower the proxy's below it{}", settings::proxy_setting(context)),
            },
        }
    )
}
