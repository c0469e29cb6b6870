//! The fields of a line make an entry.

use super::{envoy, error_messages, haproxy, reasons};
use crate::base::time::Timestamp;
use crate::logs::entry::{Attempt, Entry, Says};
use crate::logs::fields::{
    Fields, Slot, Unfit, address, decimal, is_missing, nanos, request_line, seconds, status,
};
use crate::logs::times::LogTime;
use std::borrow::Cow;
use std::time::Duration;

impl<'l> Fields<'l> {
    /// The time of a kind, with the milliseconds that another field has.
    fn when(&self, slot: Slot) -> Option<LogTime> {
        if let (Slot::Ended, Some(date), Some(time)) =
            (slot, self.of(Slot::Date), self.of(Slot::TimeOfDay))
        {
            return LogTime::read(&[date, b"T", time, b"Z"].concat());
        }
        let value = self.of(slot)?;
        match self.of(Slot::Millis) {
            Some(millis) => LogTime::read(&[value, b".", millis].concat()),
            None => LogTime::read(value),
        }
    }

    fn duration(&self) -> Option<Duration> {
        let bare = |value: &[u8]| decimal::<u64>(value.strip_suffix(b"ms").unwrap_or(value));
        let whole = |slot| self.of(slot).and_then(bare);
        self.of(Slot::Seconds)
            .and_then(seconds)
            .or_else(|| whole(Slot::Micros).map(Duration::from_micros))
            .or_else(|| whole(Slot::Milliseconds).map(Duration::from_millis))
            .or_else(|| whole(Slot::Active).map(Duration::from_millis))
            .or_else(|| whole(Slot::Nanoseconds).map(Duration::from_nanos))
    }

    /// Makes the entry; an error when it has no time, or neither a request nor a status.
    pub(in crate::logs) fn entry(self) -> Result<Entry<'l>, Unfit> {
        let mut entry = Entry { duration: self.duration(), ..Entry::default() };
        self.times(&mut entry)?;
        self.filled(entry)
    }

    /// Makes the entry of a line whose format has no time.
    pub(in crate::logs) fn untimed_entry(self) -> Result<Entry<'l>, Unfit> {
        let entry = Entry { duration: self.duration(), ..Entry::default() };
        self.filled(entry)
    }

    fn filled(mut self, mut entry: Entry<'l>) -> Result<Entry<'l>, Unfit> {
        self.request(&mut entry);
        let status_known = self.has(Slot::Status);
        entry.status = self.of(Slot::Status).and_then(status);
        if entry.status.is_none() && !status_known && entry.target.is_empty() {
            return Err(Unfit::Request);
        }
        if self.of(Slot::Status).is_some_and(|value| decimal::<u16>(value).is_none()) {
            return Err(Unfit::Status);
        }
        entry.target_status = self.of(Slot::TargetStatus).and_then(status);
        entry.client = self.of(Slot::Client).and_then(address);
        if let (Some(client), Some(port)) =
            (&mut entry.client, self.of(Slot::ClientPort).and_then(decimal))
        {
            client.set_port(port);
        }
        while let Some(at) =
            self.0.iter().position(|(slot, value)| *slot == Slot::Id && !is_missing(value))
        {
            let (_, id) = self.0.swap_remove(at);
            if entry.ids.len() < 4 {
                entry.ids.push(id);
            }
        }
        self.source(&mut entry);
        if !self.has(Slot::Term)
            && let Some(server) = self.of(Slot::Server)
        {
            let backend = address(server).filter(|one| one.port() != 0);
            entry.attempts.push(Attempt { backend, ..Attempt::default() });
        } else if !self.has(Slot::Term) && self.has(Slot::Server) {
            // A server that is a dash was none.
            entry.kept = true;
            entry.says = match entry.status {
                Some(503) => Some(Says::NoBackend),
                Some(400..) => Some(Says::Proxy),
                _ => None,
            };
        }
        if self.has(Slot::Backends) || self.has(Slot::BackendStatuses) || self.has(Slot::Responses)
        {
            self.attempts(&mut entry);
        }
        if self.has(Slot::Term) {
            haproxy::understand(&mut self, &mut entry);
        } else if self.has(Slot::Flags) || self.has(Slot::Details) {
            envoy::understand(&mut self, &mut entry);
        } else if self.has(Slot::Reason) {
            let values = self.0.iter().filter(|(slot, _)| *slot == Slot::Reason);
            let says = values.filter_map(|(_, value)| reasons::says(value)).next();
            entry.says = says.or(entry.says);
            entry.code = self.take(Slot::Reason);
        } else if self.has(Slot::Error) {
            entry.says = self.of(Slot::Error).and_then(error_messages::says);
            entry.code = self.take(Slot::Error);
        }
        if entry.says.is_none() {
            entry.says = usual(&entry, self.has(Slot::Backends));
        }
        entry.kept |= entry.says.is_some_and(Says::is_kept);
        Ok(entry)
    }

    fn times(&self, entry: &mut Entry<'l>) -> Result<(), Unfit> {
        let ended = self.when(Slot::Ended);
        let accepted = self.when(Slot::Accepted).filter(|_| ended.is_none());
        let begun = self.when(Slot::Begun).or(accepted);
        let about = self.when(Slot::About);
        let when = ended.or(begun).or(about).ok_or(Unfit::Time)?;
        entry.resolution = when.resolution;
        entry.local = when.local;
        entry.begun = begun.map(|begun| begun.at);
        entry.ended = ended.map(|ended| ended.at);
        entry.floor = accepted.is_some() && begun == accepted;
        if entry.floor {
            return Ok(());
        }
        let took = entry.duration.unwrap_or_default();
        if about.is_some() && ended.is_none() && begun.is_none() {
            // Either end of it.
            entry.about = Some(when.at);
            entry.begun =
                Some(Timestamp::from_nanos(when.at.as_nanos().saturating_sub(nanos(took))));
            entry.ended = Some(when.at.plus(took));
        }
        if let (None, Some(ended), Some(took)) = (entry.begun, entry.ended, entry.duration) {
            entry.begun = Some(Timestamp::from_nanos(ended.as_nanos().saturating_sub(nanos(took))));
        }
        if let (Some(begun), None, Some(took)) = (entry.begun, entry.ended, entry.duration) {
            entry.ended = Some(begun.plus(took));
        }
        Ok(())
    }

    fn request(&mut self, entry: &mut Entry<'l>) {
        match self.take(Slot::Request) {
            Cow::Borrowed(line) => {
                let (method, target) = request_line(line);
                (entry.method, entry.target) = (method.into(), target.into());
            }
            Cow::Owned(line) => {
                let (method, target) = request_line(&line);
                (entry.method, entry.target) = (method.to_vec().into(), target.to_vec().into());
            }
        }
        if entry.method.is_empty() {
            entry.method = self.take(Slot::Method);
        }
        if entry.target.is_empty() {
            entry.target = self.take(Slot::Target);
            let query = self.take(Slot::Query);
            if !query.is_empty() && !entry.target.contains(&b'?') {
                let joint: &[u8] = if query.starts_with(b"?") { b"" } else { b"?" };
                entry.target = [&entry.target, joint, &query].concat().into();
            }
        }
        entry.host = self.take(Slot::Host);
    }

    fn source(&self, entry: &mut Entry<'l>) {
        entry.source = self.of(Slot::Source).and_then(address);
        if let Some(port) = self.of(Slot::SourcePort).and_then(decimal::<u16>)
            && let Some(source) = &mut entry.source
        {
            source.set_port(port);
        }
        entry.source = entry.source.filter(|source| source.port() != 0);
    }

    /// nginx's lists, one item an attempt.
    fn attempts(&self, entry: &mut Entry<'l>) {
        // A dash is an attempt that did not get so far; a field that is not logged is none.
        let list = |slot| {
            let value = self.0.iter().find(|(known, _)| *known == slot);
            let value = value.map(|(_, value)| items(value).take(MAX_ATTEMPTS));
            value.map(Iterator::collect::<Vec<&[u8]>>).unwrap_or_default()
        };
        let (backends, statuses) = (list(Slot::Backends), list(Slot::BackendStatuses));
        let (connects, responses) = (list(Slot::Connects), list(Slot::Responses));
        let headers = list(Slot::Headers);
        // An attempt has an address, or a status that is one.
        let count = if self.of(Slot::Backends).is_some() {
            backends.len()
        } else if self.of(Slot::BackendStatuses).is_some() {
            statuses.len()
        } else {
            0
        };
        let mut attempts = Vec::with_capacity(count);
        // The last attempt ended when the request did.
        let mut until = entry.ended;
        for place in (0..count).rev() {
            let took = responses.get(place).copied().and_then(seconds);
            let connect = connects.get(place).copied();
            let connected = connect.map(|connect| seconds(connect).is_some());
            let begun = until.zip(took).map(|(until, took)| {
                Timestamp::from_nanos(until.as_nanos().saturating_sub(nanos(took)))
            });
            let connect = connect.and_then(seconds).unwrap_or_default();
            attempts.push(Attempt {
                backend: backends
                    .get(place)
                    .copied()
                    .and_then(address)
                    .filter(|one| one.port() != 0),
                status: statuses.get(place).copied().and_then(status),
                begun,
                sent: begun.map(|begun| begun.plus(connect)),
                connected,
            });
            until = begun;
        }
        attempts.reverse();
        // A name in place of an address: nginx has no live server in that group.
        let named = backends.last().is_some_and(|last| {
            !last.contains(&b':') && !last.contains(&b'/') && address(last).is_none()
        });
        let no_live = named && attempts.last().is_some_and(|last| last.backend.is_none());
        if no_live && self.of(Slot::Backends).is_some() {
            attempts.pop();
            entry.says = Some(Says::NoBackend);
        }
        entry.kept |= attempts.is_empty() && (self.has(Slot::Backends) || no_live);
        if let Some(last) = attempts.last() {
            entry.target_status = entry.target_status.or(last.status);
            let header = headers.last().copied().and_then(seconds);
            entry.says = entry
                .says
                .or_else(|| by_times(entry.status, last, header, self.has(Slot::Headers)));
        }
        entry.attempts = attempts;
    }
}

/// nginx's lists: `a, b` for attempts, ` : ` where an internal redirect lies between.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .flat_map(|part| {
            // A colon with spaces; others are part of an address.
            let mut parts = Vec::new();
            let mut rest = part;
            while let Some(at) = rest.windows(3).position(|three| three == b" : ") {
                parts.push(rest.get(..at).unwrap_or_default());
                rest = rest.get(at.saturating_add(3)..).unwrap_or_default();
            }
            parts.push(rest);
            parts
        })
        .map(<[u8]>::trim_ascii)
}

/// More attempts than any proxy makes.
const MAX_ATTEMPTS: usize = 64;

/// What nginx's times say of an attempt that failed.
fn by_times(
    status: Option<u16>,
    last: &Attempt,
    header: Option<Duration>,
    headers: bool,
) -> Option<Says> {
    let answered = last.status?;
    match (status, answered) {
        (Some(499), _) => Some(Says::Client),
        (_, 502) if last.connected == Some(false) => Some(Says::ConnectFailed),
        (_, 504) if last.connected == Some(false) => Some(Says::ConnectTimeout),
        // A head came, so the status is the backend's own.
        (_, 500..) if header.is_some() => Some(Says::Backend),
        (_, 502) if headers => Some(Says::Cut),
        (_, 504) if headers => Some(Says::Timeout),
        _ => None,
    }
}

/// What a status alone says.
fn usual(entry: &Entry<'_>, backends: bool) -> Option<Says> {
    match entry.status {
        Some(499 | 460) => Some(Says::Client),
        Some(400..=599) if backends && entry.attempts.is_empty() => Some(Says::Proxy),
        Some(463 | 464) => Some(Says::Proxy),
        _ => None,
    }
}
