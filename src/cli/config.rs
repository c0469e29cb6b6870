//! What the arguments and the configuration file mean: the settings of the layers, and where the
//! answer goes.

use super::config_file::{self, Error};
use crate::analysis::{RecordOptions, Settings};
use crate::base::zone::{self, DisplayZone, UnknownZone};
use crate::cli::{OutputFormat, Shared, When, Where};
use crate::knowledge::{Configured, OfBackend, OfProxy, Setting, SettingOrigin, Timeouts};
use crate::report::Style;
use crate::timeouts::{Limit, Product};
use crate::topology::roles;
use crate::topology::vantage::Vantage;
use anstream::ColorChoice;
use config_file::File;
use std::time::Duration;

/// A configuration file with every key, and what it means.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The settings of an analysis, of `several` captures or of one.
///
/// # Errors
/// When the configuration file cannot be read or is wrong.
pub fn settings(typed: &Shared, several: bool) -> Result<Settings, Error> {
    let file = typed.config.as_deref().map(config_file::read).transpose()?.unwrap_or_default();
    let by_record = typed.format.is_by_record();
    let fronts = typed.front.iter().chain(&file.fronts).copied().collect();
    Ok(Settings {
        told: roles::ToldRoles { backends: typed.backend.clone(), fronts },
        style: Style {
            show_secrets: typed.show_secrets,
            vantage: typed.vantage.map(|place| match place {
                Where::Proxy => Vantage::Proxy,
                Where::Backend => Vantage::Backend,
                Where::Between => Vantage::Between,
                Where::SameHost => Vantage::SameHost,
            }),
            what_if: typed.what_if.map(|wanted| Timeouts {
                backend_keepalive: wanted.backend_keepalive,
                proxy_idle: wanted.proxy_idle,
                ..Timeouts::default()
            }),
        },
        known: told(typed, &file),
        records: RecordOptions {
            exchanges: by_record && typed.exchanges,
            connections: by_record && typed.connections,
            failures: by_record,
            revisions: by_record,
            several,
        },
        ..Settings::default()
    })
}

/// What counts of all that was said of one timeout: an option before the file, the file before the
/// default of a known kind. A default of zero is none: such a server closes after each answer.
fn first(
    option: Option<Duration>,
    file: Option<Duration>,
    default: Option<(Limit<Duration>, SettingOrigin)>,
) -> Option<Setting> {
    let told = |value: Duration, by| Setting { value, by };
    let default = default.and_then(|(limit, by)| {
        let value = limit.value().filter(|value| !value.is_zero())?;
        Some(told(value, by))
    });
    option
        .map(|value| told(value, SettingOrigin::Option))
        .or(file.map(|value| told(value, SettingOrigin::Config)))
        .or(default)
}

/// What is told of each backend and proxy, by options and the file.
fn told(typed: &Shared, file: &File) -> Configured {
    let backend = |entry: Option<&config_file::BackendSection>| {
        let kind: Option<&'static Product> = typed.server.or(entry.and_then(|entry| entry.kind));
        let accepted = entry.and_then(|entry| entry.accepted.as_ref());
        OfBackend {
            name: entry.and_then(|entry| entry.name.clone()),
            kind: kind.map(|kind| kind.id),
            keepalive: first(
                typed.backend_keepalive,
                entry.and_then(|entry| entry.keepalive),
                kind.map(|kind| (kind.idle, SettingOrigin::Server(kind.id))),
            ),
            accepted: typed.health_expect.as_ref().or(accepted).cloned(),
        }
    };
    let proxy = |entry: Option<&config_file::ProxySection>| {
        let kind: Option<&'static Product> = typed.proxy.or(entry.and_then(|entry| entry.kind));
        let default = |limit: fn(&Product) -> Limit<Duration>| {
            kind.map(|kind| (limit(kind), SettingOrigin::Proxy(kind.id)))
        };
        let of = |value: fn(&config_file::ProxySection) -> Option<Duration>| entry.and_then(value);
        OfProxy {
            name: entry.and_then(|entry| entry.name.clone()),
            kind: kind.map(|kind| kind.id),
            idle: first(typed.proxy_idle, of(|entry| entry.idle), default(|kind| kind.idle)),
            read: first(typed.proxy_read, of(|entry| entry.read), default(|kind| kind.read)),
            connect: first(
                typed.proxy_connect,
                of(|entry| entry.connect),
                default(|kind| kind.connect),
            ),
            accepted: kind.and_then(|kind| kind.accepts?.parse().ok()),
        }
    };
    Configured {
        any_backend: backend(None),
        any_proxy: proxy(None),
        backends: file.backends.iter().map(|one| (one.listen, backend(Some(one)))).collect(),
        proxies: file.proxies.iter().map(|one| (one.address, proxy(Some(one)))).collect(),
        ..Configured::default()
    }
}

/// Has times shown in the zone that was asked for, from now on. What scripts read stays in UTC.
///
/// # Errors
/// When there is no such zone.
pub fn show_times(typed: &Shared) -> Result<(), UnknownZone> {
    let zone = DisplayZone::named(&typed.timezone)?;
    if typed.format == OutputFormat::Text {
        zone::show_in(zone);
    }
    Ok(())
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
pub fn progress(typed: &Shared) -> Option<bool> {
    match typed.progress {
        When::Auto if typed.quiet => Some(false),
        When::Auto => None,
        When::Always => Some(true),
        When::Never => Some(false),
    }
}
