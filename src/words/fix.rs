//! What to change: a sentence, and what is known of it beside the sentence.

use serde::Serialize;

/// Something to change. What is not known otherwise than in the sentence is `None`: nothing here is guessed.
#[derive(Clone, Debug, Default, Serialize)]
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
    #[serde(rename = "where")]
    pub place: Option<String>,
    /// The line to be written there.
    pub line: Option<String>,
    /// Why that value, or that side.
    pub why: Option<String>,
    /// What people change in its place, and why that does not help.
    pub instead_of: Option<String>,
    /// The sentence without what stands beside it: the other ways, and how the product is known.
    #[serde(skip)]
    pub brief: Option<String>,
    /// What would help as well, on another side: one of them is enough.
    #[serde(skip)]
    pub or: Option<Box<Self>>,
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
    /// Of which the sentence is known, and who must be changed.
    pub fn on(side: FixSide, text: impl Into<String>) -> Self {
        Self { side: Some(side), ..Self::of_capture(text) }
    }

    /// What concerns none of the sides, but how they are watched.
    pub fn of_capture(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The fix, then what would help as well.
    pub fn each(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |fix| fix.or.as_deref())
    }

    /// Whether both are one change: they differ in times alone, or are wanted for the same reason.
    pub fn is_like(&self, other: &Self) -> bool {
        let why = self.why.as_deref().zip(other.why.as_deref());
        (self.side, &self.setting, &self.line) == (other.side, &other.setting, &other.line)
            && (timeless(&self.text) == timeless(&other.text)
                || why.is_some_and(|(one, two)| timeless(one) == timeless(two)))
    }

    /// Adds why that value, or that side.
    #[must_use]
    pub fn why(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    /// Adds what people change in its place, and why that does not help.
    #[must_use]
    pub fn instead_of(self, what: impl Into<String>) -> Self {
        Self { instead_of: Some(what.into()), ..self }
    }
}

/// The words of a sentence without times of day and durations.
fn timeless(text: &str) -> Vec<&str> {
    let is_time = |word: &&str| {
        let plain = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        let begins = plain.starts_with(|letter: char| letter.is_ascii_digit());
        !begins && !matches!(plain, "s" | "ms" | "µs" | "min")
    };
    text.split(' ').filter(is_time).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_that_differs_in_times_alone_is_of_one_kind() {
        let fix = |text: &str| Fix::on(FixSide::Backend, text);
        let first = fix("check the log at 16:27:29 UTC (closed 52.3 ms after it)");
        assert!(first.is_like(&fix("check the log at 16:27:30 UTC (closed 1.20 s after it)")));
        assert!(!first.is_like(&fix("check the log at 16:27:29 UTC for a crash")));
        let lined = Fix { line: Some("keepalive_timeout 5s;".to_owned()), ..first.clone() };
        assert!(!first.is_like(&lined));
        let other = Fix::on(FixSide::Proxy, first.text.clone());
        assert!(!first.is_like(&other));
        let idle = |text: &str, why: &str| fix(text).why(why);
        let lower = idle("lower it below 2.00 s", "it closed after 2.00 s");
        assert!(idle("lower it, and check", "it closed after 36.3 ms").is_like(&lower));
        assert!(!idle("lower it, and check", "a limit counts").is_like(&lower));
    }
}
