//! What is said of one cause: the form that every file here fills.

/// What is said of one cause.
pub struct CauseWords {
    /// The name in sentences, of one and of many.
    pub noun: [&'static str; 2],
    /// The page, in Markdown.
    pub page: &'static str,
    /// What the proxy's client is likely to have got, the likeliest first. Most proxies answer 502;
    /// Envoy answers a lost connection with 503, HAProxy a refused one.
    pub expected_status: &'static [u16],
    /// How the next capture shows that the change helped; `None` where the next capture is what is to be changed.
    pub helped: Option<&'static str>,
}

impl CauseWords {
    /// What happened, in one sentence without a full stop: the page begins with it.
    pub fn happened(&self) -> String {
        let mut lines =
            self.page.lines().skip_while(|line| line.is_empty() || line.starts_with('#'));
        let lines: Vec<&str> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        lines.join(" ").trim_end_matches('.').to_owned()
    }
}
