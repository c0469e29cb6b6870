//! What the arguments mean: the settings of the layers, and where the answer goes.

use crate::cli::{Analyze, Format, When};
use crate::pipeline::{Settings, Wanted};
use crate::report::Style;
use crate::roles::Told;
use crate::verdict::Timeouts;
use anstream::ColorChoice;

/// The settings of an analysis.
pub fn settings(typed: &Analyze) -> Settings {
    let jsonl = typed.format == Format::Jsonl;
    Settings {
        told: Told { backends: typed.backend.clone(), fronts: typed.front.clone() },
        style: Style {
            show_secrets: typed.show_secrets,
            timeouts: Timeouts {
                backend_keepalive: typed.backend_keepalive,
                proxy_idle: typed.proxy_idle,
                proxy_read: typed.proxy_read,
            },
            what_if: typed.what_if.map(|wanted| Timeouts {
                backend_keepalive: wanted.backend_keepalive,
                proxy_idle: wanted.proxy_idle,
                ..Timeouts::default()
            }),
        },
        accepted: typed.health_expect.clone(),
        records: Wanted {
            exchanges: jsonl && typed.exchanges,
            connections: jsonl && typed.connections,
            failures: jsonl,
            several: typed.captures.len() > 1,
        },
        ..Settings::default()
    }
}

/// Whether to colour; `None` leaves it to the output: a terminal, and no NO_COLOR.
pub fn color(when: When) -> Option<ColorChoice> {
    match when {
        When::Auto => None,
        When::Always => Some(ColorChoice::Always),
        When::Never => Some(ColorChoice::Never),
    }
}

/// Whether to show progress; `None` leaves it to standard error: a terminal.
pub fn progress(typed: &Analyze) -> Option<bool> {
    match typed.progress {
        When::Auto => None,
        When::Always => Some(true),
        When::Never => Some(false),
    }
}
