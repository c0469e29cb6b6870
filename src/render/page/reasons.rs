//! Why it happens: the figure that explains the causes found, and when it happened.

use super::hero::is_of_idleness;
use super::scene::PageScene;
use super::{idle_chart, lanes, strip, tallies};
use crate::verdict::Cause;
use crate::words::{self, page};
use maud::{Markup, html};

/// Figures of a page.
const MOST: usize = 2;

/// What explains a cause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CauseFigure {
    IdleTimes,
    Statuses(Cause),
    Responses,
    Lanes(Cause),
    /// Nothing more than the drawing of each.
    Nothing,
}

impl CauseFigure {
    fn of(cause: Cause) -> Self {
        match cause {
            cause if is_of_idleness(cause) => Self::IdleTimes,
            Cause::BackendError | Cause::HealthCheckFailing => Self::Statuses(cause),
            Cause::TruncatedResponse => Self::Responses,
            Cause::Unproven => Self::Nothing,
            cause => Self::Lanes(cause),
        }
    }
}

pub(super) fn section(scene: &PageScene<'_>) -> Markup {
    let mut figures: Vec<(Option<Cause>, CauseFigure)> = Vec::new();
    for (cause, _) in &scene.causes {
        let figure = CauseFigure::of(*cause);
        if !figures.iter().any(|(_, known)| *known == figure) {
            figures.push((Some(*cause), figure));
        }
    }
    if scene.causes.is_empty() {
        figures.push((None, CauseFigure::IdleTimes));
    }
    figures.truncate(MOST);
    let drawn: Vec<(Option<Cause>, String)> = figures
        .into_iter()
        .map(|(cause, figure)| (cause, drawn(scene, figure).into_string()))
        .filter(|(_, drawn)| !drawn.is_empty())
        .collect();
    let strip = strip::figure(scene).into_string();
    let id = scene.id("h-why");
    let heading = if scene.causes.is_empty() { page::WHAT_WAS_SEEN } else { page::WHY_IT_HAPPENS };
    html! {
        @if !drawn.is_empty() || !strip.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (heading) }
                @for (cause, figure) in &drawn {
                    @if let Some(cause) = cause.filter(|_| scene.causes.len() > 1) {
                        h3.of-cause { (page::capital_letter(words::words(cause).noun[0])) }
                    }
                    (maud::PreEscaped(figure))
                }
                (maud::PreEscaped(&strip))
            }
        }
    }
}

fn drawn(scene: &PageScene<'_>, figure: CauseFigure) -> Markup {
    match figure {
        CauseFigure::IdleTimes => idle_chart::figure(scene),
        CauseFigure::Statuses(cause) => {
            let statuses = tallies::statuses(scene, cause);
            if statuses.0.is_empty() { lanes::figure(scene, cause) } else { statuses }
        }
        CauseFigure::Responses => tallies::responses(scene),
        CauseFigure::Lanes(cause) => lanes::figure(scene, cause),
        CauseFigure::Nothing => html! {},
    }
}
