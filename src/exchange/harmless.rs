//! Which bytes are harmless among those that a parser marked.

use super::http1;
use super::marks::{HarmlessSpan, ReadAs};
use std::ops::Range;

/// Calls `keep` with each range of harmless bytes in a span, in order and without overlap. `bytes` are those of the
/// span, or as many of the first as were captured.
pub fn each_harmless(span: &HarmlessSpan, bytes: &[u8], keep: &mut dyn FnMut(Range<usize>)) {
    let begins = match span.read_as {
        ReadAs::HeadBegins => true,
        ReadAs::HeadGoesOn => false,
    };
    http1::each_harmless(bytes, begins, keep);
}
