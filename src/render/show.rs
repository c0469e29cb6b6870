//! One failure: its timeline, the proof in numbered sentences, the display filters for it.

use super::page::ladder::crossings;
use super::page::ladder_layout::{LadderLayout, layout};
use super::page::scene::PageScene;
use super::page::steps::steps;
use super::rows::fitted;
use super::{show_ladder, text_idle_gaps};
use crate::base::wrap::{BOLD, DIM, TextPage};
use crate::report::Report;
use crate::report::model::FailureRecord;
use crate::verdict::Cause;
use crate::words::ladder::ladder_caption;
use crate::words::page::capital;
use crate::words::show as said;
use std::io::{self, Write};

/// Writes a failure of a report, which has this `number` in it.
///
/// # Errors
/// When writing fails.
pub fn write(
    report: &Report,
    number: usize,
    failure: &FailureRecord,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let page = &mut TextPage::new(out, width);
    let width = page.width();
    for line in fitted(&heading(number, failure), ["", "    "], width, 4) {
        writeln!(page, "{BOLD}{line}{BOLD:#}")?;
    }
    if let Some(ends) = said::ends(failure.proxy, failure.backend) {
        writeln!(page, "  {DIM}{ends}{DIM:#}")?;
    }
    for line in fitted(&said::happened(failure.at, &failure.summary), ["  ", "  "], width, 8) {
        writeln!(page, "{line}")?;
    }
    let scene = PageScene::of(report, 0);
    let names = scene.names_of(failure);
    let backend = report.backend_of(failure);
    let drawn = layout(failure, backend.map(|backend| backend.vantage));
    if let Some(drawn) = &drawn {
        writeln!(page)?;
        let both = [capital(&names.proxy), capital(&names.backend)];
        let both = [both[0].as_str(), both[1].as_str()];
        show_ladder::write(failure, drawn, both, width, page)?;
        let measured = ladder_caption(drawn.measured, drawn.at_backend);
        for line in fitted(measured, ["  ", "  "], width, 3) {
            writeln!(page, "{DIM}{line}{DIM:#}")?;
        }
        if !crossings(drawn).is_empty() {
            writeln!(page, "  {DIM}{}{DIM:#}", said::CROSSED)?;
        }
    }
    writeln!(page)?;
    for (place, step) in steps(failure, &names, drawn.as_ref()).iter().enumerate() {
        let number = place.saturating_add(1);
        let frames = said::frames(step.frames);
        let text = format!("{}{frames}", step.plain());
        for line in fitted(&text, [&format!("  {number}. "), "     "], width, 6) {
            writeln!(page, "{line}")?;
        }
    }
    change(report, failure, width, page)?;
    filters(failure, drawn.as_ref(), width, page)?;
    match (failure.cause, backend) {
        (Cause::KeepaliveRace | Cause::StaleReuse, Some(backend)) => {
            writeln!(page)?;
            text_idle_gaps::write(backend, page)
        }
        _ => Ok(()),
    }
}

/// Number, request, ends and cause.
fn heading(number: usize, failure: &FailureRecord) -> String {
    let request = failure.request.as_ref();
    let method = request.and_then(|request| request.method.as_deref());
    let target = request.and_then(|request| request.target.as_deref());
    said::heading(number, [method, target], failure.cause, failure.certainty)
}

/// What to change against its cause, and how to see whether that helped.
fn change(
    report: &Report,
    failure: &FailureRecord,
    width: usize,
    page: &mut TextPage<'_>,
) -> io::Result<()> {
    let ways = failure.advice.each().filter(|fix| !fix.text.is_empty()).enumerate();
    let ways = ways.map(|(place, fix)| said::change(place, failure.cause, fix));
    let check = report.how_to_check_one(failure).map(|check| said::helped(&check));
    for (place, text) in ways.chain(check).enumerate() {
        if place == 0 {
            writeln!(page)?;
        }
        for line in fitted(&text, ["", "           "], width, 6) {
            writeln!(page, "{line}")?;
        }
    }
    Ok(())
}

/// The filters for the frames of the proof, and for the whole connection.
fn filters(
    failure: &FailureRecord,
    drawn: Option<&LadderLayout<'_>>,
    width: usize,
    page: &mut TextPage<'_>,
) -> io::Result<()> {
    let capture = failure.frames.first().map(|frame| frame.capture);
    let one = failure.frames.iter().all(|frame| Some(frame.capture) == capture);
    let mut numbers: Vec<u64> = failure.frames.iter().map(|frame| frame.number).collect();
    if one {
        let shown = drawn.iter().flat_map(|drawn| &drawn.arrows);
        let own = shown.filter(|arrow| Some(arrow.segment.frame.capture) == capture);
        numbers.extend(own.map(|arrow| arrow.segment.frame.number));
    }
    numbers.sort_unstable();
    numbers.dedup();
    writeln!(page)?;
    if one && !numbers.is_empty() {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        writeln!(page, "{}", said::proof_filter(&numbers.join(",")))?;
    }
    if let Some(filter) = &failure.filter {
        // A filter is copied whole: it is broken at its spaces alone.
        for line in fitted(&said::connection_filter(filter), ["", "           "], width, usize::MAX)
        {
            writeln!(page, "{line}")?;
        }
    }
    Ok(())
}
