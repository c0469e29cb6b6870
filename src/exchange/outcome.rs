//! What became of a request.

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The request got its whole response.
    Answered,
    /// The request got a part of its response, and the connection ended.
    Partial,
    /// The request got nothing, and the connection ended.
    Unanswered,
    /// An answer came after the client had closed, which never took it.
    Late,
    /// The request may have been answered; that cannot be read here.
    Unread(Unread),
}

/// Why an answer cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unread {
    /// A gap of the capture may hold the answer.
    Gap,
    /// The snap length cut the head, or it is longer than any head should be.
    HeadCut,
    /// The snap length cut a body in chunks, and with it where it ends.
    BodyCut,
    /// What is there is no HTTP.
    NotHttp,
    /// Who spoke when is all that is known, and does not tell.
    Turns,
    /// Lengths in the head contradict each other, or there are none: readers differ in where it ends.
    Conflicting,
}
