//! What to change: a sentence, and what is known of it beside the sentence.

/// Something to change. What is not known is `None`: nothing here is guessed.
#[derive(Clone, Debug, Default)]
pub struct Fix {
    /// One sentence.
    pub text: String,
    /// On which side; `None` where the next capture should be another one.
    pub side: Option<FixSide>,
    /// In which program.
    pub product: Option<&'static str>,
    /// Which setting.
    pub setting: Option<String>,
    /// The value to set.
    pub value: Option<String>,
    /// In which file, or at which place, the setting stands.
    pub place: Option<String>,
    /// The line to be written there.
    pub line: Option<String>,
    /// Why that value, or that side.
    pub why: Option<String>,
    /// What people change in its place, and why that does not help.
    pub instead_of: Option<String>,
}

/// Where something is to be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FixSide {
    /// In the backend's own program, or on its host.
    Backend,
    /// In the proxy.
    Proxy,
    /// Between the two.
    Path,
    /// In the settings of the server that the backend runs in.
    Server,
}

impl FixSide {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Proxy => "proxy",
            Self::Path => "path",
            Self::Server => "server",
        }
    }
}

impl Fix {
    /// Of which only the sentence is known.
    pub fn saying(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
