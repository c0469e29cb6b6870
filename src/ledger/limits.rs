//! Bounds on what is kept.

/// Bounds on what is kept.
#[derive(Clone, Copy, Debug)]
pub struct LedgerLimits {
    /// Failures kept with their evidence; all are counted.
    pub failures: usize,
    /// Listeners, whoever they are.
    pub listeners: usize,
    /// Proxies of one listener.
    pub proxies: usize,
    /// Proxies of all listeners: one that connects to ten of them counts ten times.
    pub pairs: usize,
    /// Connections whose begin and end are remembered, to find what explains many failures.
    pub spans: usize,
}

impl Default for LedgerLimits {
    fn default() -> Self {
        Self { failures: 20_000, listeners: 12_288, proxies: 1_024, pairs: 24_576, spans: 1 << 18 }
    }
}
