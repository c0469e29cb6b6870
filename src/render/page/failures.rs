//! The failures one by one: filters, drawings, and rows of those without a drawing.

use super::ladder::{self, LadderScene};
use super::ladder_layout;
use super::parts::{code_box, end, pieces, with_code};
use super::scene::PageScene;
use super::steps;
use crate::report::model::{EvidenceKind, FailureRecord, RequestRecord};
use crate::report::{Report, UserSaw};
use crate::verdict::{Cause, Certainty};
use crate::words::ladder as ladder_words;
use crate::words::phrases::{grouped, sentence};
use crate::words::{self, failure_section, page};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Drawings of each cause.
const DRAWN: usize = 20;
/// Drawings of a page.
const MOST_DRAWN: usize = 100;

/// From so many failures on they are searched.
const WORTH_FINDING: usize = 4;

/// Which of the failures have a drawing.
pub(super) fn drawn(report: &Report) -> Vec<bool> {
    let mut of_cause: BTreeMap<Cause, usize> = BTreeMap::new();
    let mut all = 0_usize;
    let each = report.failures.iter().map(|failure| {
        let count = of_cause.entry(failure.cause).or_default();
        *count = count.saturating_add(1);
        let drawn = *count <= DRAWN && all < MOST_DRAWN;
        all = all.saturating_add(usize::from(drawn));
        drawn
    });
    each.collect()
}

/// What users saw of a failure, as the filters name it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    User,
    Left,
    Hidden,
    Again,
    NotAgain,
}

impl Seen {
    fn of(failure: &FailureRecord) -> Self {
        match failure.user_saw() {
            UserSaw::Status(_) | UserSaw::Nothing | UserSaw::Cut(_) => Self::User,
            UserSaw::Left => Self::Left,
            UserSaw::Hidden(_) => Self::Hidden,
            UserSaw::SentAgain(_) => Self::Again,
            UserSaw::Unknown => Self::NotAgain,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Left => "left",
            Self::Hidden => "hidden",
            Self::Again => "again",
            Self::NotAgain => "not-again",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::User => page::FILTER_USERS,
            Self::Left => page::FILTER_LEFT,
            Self::Hidden => page::FILTER_HIDDEN,
            Self::Again => page::FILTER_AGAIN,
            Self::NotAgain => page::FILTER_NOT_AGAIN,
        }
    }
}

pub(super) fn section(scene: &PageScene<'_>) -> Markup {
    let failures = &scene.report.failures;
    if failures.is_empty() {
        return html! {};
    }
    let id = scene.id("h-f");
    let drawn = drawn(scene.report);
    // The eye goes down in time.
    let mut order: Vec<(usize, &FailureRecord)> = failures.iter().enumerate().collect();
    order.sort_by_key(|(_, failure)| failure.at);
    let is_drawn = |place: usize| drawn.get(place).copied().unwrap_or_default();
    let (with, without): (Vec<_>, Vec<_>) =
        order.into_iter().partition(|(place, _)| is_drawn(*place));
    html! {
        section.failures aria-labelledby=(id) {
            h2 id=(id) { (page::failures_heading(failures.len())) }
            (filters(scene))
            @for (number, (_, failure)) in with.iter().enumerate() { (one(scene, failure, number)) }
            @if !without.is_empty() {
                p.note { (page::rows_intro(without.len())) }
                div.rows {
                    @for (_, failure) in &without { (row(failure, scene.causes.len() > 1)) }
                }
            }
        }
    }
}

fn filters(scene: &PageScene<'_>) -> Markup {
    let failures = &scene.report.failures;
    let mut seen: Vec<(Seen, usize)> = Vec::new();
    let mut backends: BTreeMap<String, usize> = BTreeMap::new();
    for failure in failures {
        let one = Seen::of(failure);
        match seen.iter_mut().find(|(known, _)| *known == one) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => seen.push((one, 1)),
        }
        if let Some(backend) = failure.backend {
            let count = backends.entry(backend.to_string()).or_default();
            *count = count.saturating_add(1);
        }
    }
    let causes: Vec<(Cause, usize)> = scene
        .causes
        .iter()
        .map(|(cause, _)| (*cause, failures.iter().filter(|one| one.cause == *cause).count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let (by_seen, by_cause) = (seen.len() > 1, causes.len() > 1);
    html! {
        div.bar2 role="group" aria-label=(page::FIND) hidden {
            @if by_seen {
                button.chip type="button" data-f="all" aria-pressed="true" {
                    (page::FILTER_ALL) " " (grouped(failures.len() as u64))
                }
                @for (one, count) in &seen {
                    button.chip type="button" data-f=(one.name()) aria-pressed="false" {
                        (one.label()) " " (grouped(*count as u64))
                    }
                }
            }
            @if by_cause {
                label.pick {
                    span { (page::CAUSE_LABEL) }
                    select data-by="cause" {
                        option value="" { (page::EVERY) }
                        @for (cause, count) in &causes {
                            option value=(cause.name()) { (words::words(*cause).noun[0]) " (" (count) ")" }
                        }
                    }
                }
            }
            @if backends.len() > 1 {
                label.pick {
                    span { (page::BACKEND_LABEL) }
                    select data-by="backend" {
                        option value="" { (page::EVERY) }
                        @for (backend, count) in &backends {
                            option value=(backend) { (backend) " (" (count) ")" }
                        }
                    }
                }
            }
            @if failures.len() >= WORTH_FINDING {
                label.find {
                    span { (page::FIND) }
                    input type="search" placeholder=(page::FIND_HINT) autocomplete="off";
                }
            }
            span.shown role="status" {}
        }
    }
}

/// What is searched: method, target, ends, cause.
fn text(failure: &FailureRecord) -> String {
    let ends = [failure.proxy, failure.backend];
    let ends = ends.into_iter().flatten().map(|end| end.to_string());
    let status = failure.client.as_ref().and_then(|client| client.status);
    let mut text = request(failure);
    for more in
        ends.chain([failure.cause.name().to_owned()]).chain(status.map(|one| one.to_string()))
    {
        text.push(' ');
        text.push_str(&more);
    }
    text.to_lowercase()
}

fn request(failure: &FailureRecord) -> String {
    match &failure.request {
        Some(RequestRecord { method: None, target: None, .. }) => page::UNREAD_REQUEST.to_owned(),
        Some(request) => {
            failure_section::request(request.method.as_deref(), request.target.as_deref())
        }
        None => failure.proxy.map(|one| page::connection_from(&end(one))).unwrap_or_default(),
    }
}

/// When, what, and what became of it; and why, where there are `several` causes.
fn head(failure: &FailureRecord, several: bool) -> Markup {
    let request = failure.request.as_ref();
    let answered = failure.response.and_then(|response| response.status);
    let pill = match (failure.user_saw(), failure.sent_again) {
        (UserSaw::Status(status), _) => page::user_got(status),
        (UserSaw::Nothing, _) => page::USER_GOT_NOTHING.to_owned(),
        (UserSaw::Cut(status), _) => page::user_got_cut(status),
        (UserSaw::Left, _) => page::USER_LEFT.to_owned(),
        (UserSaw::Hidden(status), _) => page::hidden_by_retry(status),
        (UserSaw::SentAgain(status), _) => page::sent_again_pill(Some(status)),
        (UserSaw::Unknown, Some(again)) => page::sent_again_pill(again.status),
        (UserSaw::Unknown, None) => match answered.filter(|_| failure.cause == Cause::BackendError)
        {
            Some(status) => page::backend_answered(status),
            None => page::NOT_SENT_AGAIN.to_owned(),
        },
    };
    let well = matches!(Seen::of(failure), Seen::Hidden | Seen::Again);
    html! {
        span.when { (failure.at.precise_time_of_day().get(..12).unwrap_or_default()) }
        span.req {
            @match request {
                Some(RequestRecord { method: Some(method), target, .. }) => {
                    b { (method) } " " (target.as_deref().unwrap_or("…"))
                },
                Some(_) => { (page::UNREAD_REQUEST) },
                None => { (self::request(failure)) },
            }
        }
        @if several { span.cause { (words::words(failure.cause).noun[0]) } }
        @if failure.certainty != Certainty::Proven { span.sure { (failure.certainty.name()) } }
        @if failure.cause != Cause::HealthCheckFailing {
            span.pill.ok[well].lost[!well] { (pill) }
        }
    }
}

fn row(failure: &FailureRecord, several: bool) -> Markup {
    let backend = failure.backend.map(|backend| backend.to_string());
    html! {
        div.row data-got=(Seen::of(failure).name()) data-cause=(failure.cause.name())
            data-backend=(backend.unwrap_or_default()) {
            (head(failure, several))
        }
    }
}

fn one(scene: &PageScene<'_>, failure: &FailureRecord, number: usize) -> Markup {
    let names = scene.names_of(failure);
    let backend = scene.backend_of(failure.backend);
    let vantage = backend.map(|backend| backend.vantage);
    let layout = ladder_layout::layout(failure, vantage);
    let steps = steps::steps(failure, &names, layout.as_ref());
    let id = scene.id(&format!("l{number}"));
    let backend = failure.backend.map(|backend| backend.to_string()).unwrap_or_default();
    html! {
        details.fail data-got=(Seen::of(failure).name()) data-cause=(failure.cause.name())
            data-backend=(backend) data-text=(text(failure)) open[number == 0] {
            summary { (head(failure, scene.causes.len() > 1)) }
            div.body {
                @if let Some(layout) = &layout {
                    figure.drawing {
                        (ladder::drawn(&LadderScene { failure, names: &names, layout, steps: &steps, id }))
                        figcaption {
                            span {
                                (ladder_words::ladder_caption(layout.measured, layout.at_backend))
                                @if !ladder::crossings(layout).is_empty() { " " (ladder_words::CROSSING) }
                            }
                        }
                    }
                }
                div.side {
                    p.what { (with_code(&sentence(&failure.summary))) }
                    ol.steps {
                        @for step in &steps {
                            li class=(step.class) {
                                @if let Some(at) = step.at { span.tm { (at.precise_time_of_day()) } }
                                (pieces(&step.said))
                                @if let [proxy, backend] = step.frames && let Some(frames) = ladder_words::frames(proxy, backend) {
                                    " " span.fr { (frames) }
                                }
                            }
                        }
                    }
                    (change(scene, failure))
                    (wireshark(failure))
                }
            }
        }
    }
}

/// What to change, where it is not what stands above for all.
fn change(scene: &PageScene<'_>, failure: &FailureRecord) -> Markup {
    let above = &scene.report.answer.fixes;
    let is_above = above.iter().any(|fix| fix.text == failure.fix);
    html! {
        @if !failure.fix.is_empty() && !is_above {
            h4 { (failure_section::before_fix(failure.cause)) }
            p.do { (with_code(&sentence(&failure.fix))) }
        }
    }
}

/// Display filters to copy.
fn wireshark(failure: &FailureRecord) -> Markup {
    let shown = failure
        .frames
        .iter()
        .filter(|one| !matches!(one.kind, EvidenceKind::ClientLeft) && one.capture == 0);
    let numbers: Vec<String> = shown.map(|one| one.number.to_string()).collect();
    html! {
        @if let Some(filter) = &failure.filter {
            div.flt {
                h4 { (page::IN_WIRESHARK) }
                (code_box(filter))
                @if !numbers.is_empty() {
                    h4 { (page::PROOF_ALONE) }
                    (code_box(&format!("frame.number in {{{}}}", numbers.join(", "))))
                }
            }
        }
    }
}
