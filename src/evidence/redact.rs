//! What may be kept of a frame: headers of the network, and of what was sent the bytes that a parser calls harmless.
//!
//! All else is a secret until a parser says otherwise, so that nothing shows where one fails, or has not read yet
//! what came too early. What is left out is overwritten in place, so that lengths and numbers stay right. A frame
//! ends with the last span that a parser marked in it. Checksums are left as they were, and so no longer fit.

use crate::exchange::{HarmlessSpan, HarmlessSpans, each_harmless};
use crate::flow::{Place, StreamPos};
use crate::packet::{Frame, FrameRef, LinkType, Segment};

/// Stands in place of what is left out.
const FILLER: u8 = b'x';

/// What is kept of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redacted<'a> {
    pub(super) reference: FrameRef,
    pub(super) link: LinkType,
    pub(super) wire_len: u32,
    pub(super) bytes: &'a [u8],
}

impl<'a> Redacted<'a> {
    /// All of it.
    pub(super) fn whole(frame: &Frame<'a>) -> Self {
        let Frame { reference, link, wire_len, bytes } = *frame;
        Self { reference, link, wire_len, bytes }
    }
}

/// What may be kept of a frame with a segment. `scratch` is memory to use.
pub(super) fn segment<'a>(
    frame: &Frame<'a>,
    segment: &Segment<'_>,
    place: &Place<HarmlessSpans>,
    scratch: &'a mut Vec<u8>,
) -> Redacted<'a> {
    let payload = segment.payload;
    // The payload is a part of the frame: how far in?
    let before = payload.as_ptr().addr().saturating_sub(frame.bytes.as_ptr().addr());
    let before = if payload.is_empty() { frame.bytes.len() } else { before };
    let headers = frame.bytes.get(..before).unwrap_or(frame.bytes);
    scratch.clear();
    scratch.extend_from_slice(headers);
    for span in place.marks.iter() {
        let Some((from, to)) = place.pos.and_then(|start| within(span, start, payload.len()))
        else {
            continue;
        };
        let begin = before.saturating_add(from);
        scratch.resize(before.saturating_add(to).max(scratch.len()), FILLER);
        let part = payload.get(from..to).unwrap_or_default();
        let kept = scratch.get_mut(begin..).unwrap_or_default();
        each_harmless(&span, part, &mut |range| {
            if let (Some(kept), Some(part)) = (kept.get_mut(range.clone()), part.get(range)) {
                kept.copy_from_slice(part);
            }
        });
    }
    let Frame { reference, link, wire_len, .. } = *frame;
    Redacted { reference, link, wire_len, bytes: scratch }
}

/// Where in a payload that begins at `start` a span lies.
fn within(span: HarmlessSpan, start: StreamPos, len: usize) -> Option<(usize, usize)> {
    let from = usize::try_from(span.start.0.checked_sub(start.0)?).ok()?;
    let to = from.checked_add(usize::try_from(span.len).ok()?)?.min(len);
    (from < to).then_some((from, to))
}
