//! What became of a request.

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It got its whole response.
    Answered,
    /// It got a part of its response, and the connection ended.
    Partial,
    /// It got nothing, and the connection ended.
    Unanswered,
    /// An answer came after the client had closed, which never took it.
    Late,
    /// It may have been answered; that cannot be read here.
    Unread(Unread),
}

/// Why an answer cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unread {
    /// It may lie in a gap of the capture.
    Gap,
    /// Its head was cut by the snap length, or is longer than any head should be.
    HeadCut,
    /// The snap length cut a body in chunks, and with it where it ends.
    BodyCut,
    /// What is there is no HTTP.
    NotHttp,
    /// Its lengths contradict each other, or it has none: readers differ in where it ends.
    Conflicting,
}
