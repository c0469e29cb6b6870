//! One failure, told by several lines: messages of one request, and the access line of that request.
//!
//! The error log says why, the access log what the client got. What all lines of one request share (nginx's
//! `*number`, Apache's thread) makes a request's messages one; client, target and time find its access line.
//! Where several lines are alike, they are paired only in number, and no line is given another one's reason.

use super::clock_offset::ClockOffset;
use super::lines::{KeptLine, Lines};
use super::log_answer::{LinePart, LogAnswer};
use crate::base::time::Timestamp;
use crate::logs::{LineKind, Says};
use crate::packet::Endpoint;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// What follows so soon is of the same request, though nothing else says so.
const SAME_MOMENT: Duration = Duration::from_millis(20);
/// Messages of one request come so soon after each other, …
const AT_ONCE: Duration = Duration::from_secs(2);
/// … or when the next backend was waited for, by the usual timeout of proxies.
const NEXT_BACKEND: Duration = Duration::from_secs(65);
/// Access lines looked at for one request.
const LOOKED_AT: usize = 256;

/// The messages of one request.
struct RequestMessages {
    /// Places of the lines: the first, the last, and the one that says most.
    first: usize,
    last: usize,
    most: usize,
    begun: Timestamp,
    ended: Timestamp,
    client: Option<Endpoint>,
    whole: u64,
    path: u64,
    backend: Option<Endpoint>,
    /// Nothing was sent for it.
    kept: bool,
}

/// Tells of each line what it is to its failure.
pub(super) fn tell(lines: &Lines, clocks: &[ClockOffset], told: &mut [LogAnswer]) {
    let all = lines.errors();
    let at = |line: &KeptLine| ClockOffset::of(clocks, line).corrected(line.at());
    let mut requests: Vec<RequestMessages> = Vec::new();
    let mut open: HashMap<(usize, u64), usize> = HashMap::new();
    for (place, line) in all.iter().enumerate().filter(|(_, one)| one.kind == LineKind::Message) {
        let key = Some((line.file, line.thread)).filter(|_| line.thread != 0);
        let known = key.and_then(|key| open.get(&key)).copied();
        let known = known.and_then(|known| Some((known, requests.get_mut(known)?)));
        let Some((_, request)) = known.filter(|(_, one)| one.goes_on(line, at(line))) else {
            if let Some(key) = key {
                open.insert(key, requests.len());
            }
            requests.push(RequestMessages::new(place, line, at(line)));
            continue;
        };
        let repeats = request.repeats(all.get(request.most), line);
        let part =
            if repeats { LinePart::Repeats(request.last) } else { LinePart::Of(request.first) };
        request.add(place, line, at(line), all.get(request.most));
        if let Some(one) = told.get_mut(place) {
            one.part = part;
        }
        if let LinePart::Repeats(of) = part
            && let Some(first) = told.get_mut(of)
        {
            first.also.push(line.number);
        }
    }
    give_reasons(all, &requests, &at, told);
}

impl RequestMessages {
    fn new(place: usize, line: &KeptLine, at: Timestamp) -> Self {
        let asked = line.asked_by_client();
        Self {
            first: place,
            last: place,
            most: place,
            begun: at,
            ended: at,
            client: line.client,
            whole: asked.whole,
            path: asked.path,
            backend: line.backend(),
            kept: line.kept,
        }
    }

    /// A message is of this request.
    fn goes_on(&self, line: &KeptLine, at: Timestamp) -> bool {
        let asked = line.asked_by_client();
        let differs = |one: u64, other: u64| one != 0 && other != 0 && one != other;
        let clients = self.client.zip(line.client);
        let other_client = clients.is_some_and(|(one, other)| one != other);
        if differs(self.whole, asked.whole) || differs(self.path, asked.path) || other_client {
            return false;
        }
        let same_client = clients.is_some_and(|(one, _)| one.port != 0);
        let shares = same_client || self.whole != 0 && self.whole == asked.whole;
        let next = self.backend.zip(line.backend()).is_some_and(|(one, other)| one != other);
        let within = match (shares, next) {
            // A thread has the next request soon.
            (false, _) => SAME_MOMENT,
            (true, false) => AT_ONCE,
            (true, true) => NEXT_BACKEND,
        };
        at.since(self.ended) <= within
    }

    /// A message of this request says nothing that another one has not said: it names no backend, and no
    /// reason that is more than what is known.
    fn repeats(&self, most: Option<&KeptLine>, line: &KeptLine) -> bool {
        line.backend().is_none()
            && self.backend.is_some()
            && most.is_some_and(|most| says_much(line.says) <= says_much(most.says))
    }

    fn add(&mut self, place: usize, line: &KeptLine, at: Timestamp, most: Option<&KeptLine>) {
        let new = !self.repeats(most, line);
        let asked = line.asked_by_client();
        self.client = self.client.or(line.client);
        for (known, more) in [(&mut self.whole, asked.whole), (&mut self.path, asked.path)] {
            if *known == 0 {
                *known = more;
            }
        }
        self.ended = self.ended.max(at);
        if new {
            self.last = place;
            self.backend = line.backend().or(self.backend);
            self.kept = line.kept;
            if most.is_none_or(|most| says_much(line.says) >= says_much(most.says)) {
                self.most = place;
            }
        }
    }

    /// An access line can be that of this request. One of which it is not known whether its time is when the
    /// request came, or when it was over, may be from `before`.
    fn fits(&self, line: &KeptLine, at: Timestamp, before: Duration) -> bool {
        let asked = match (self.path, self.whole, line.asked.whole) {
            (0, ..) => true,
            (_, 0, _) | (.., 0) => self.path == line.asked.path,
            (_, whole, other) => whole == other,
        };
        let clients = self.client.zip(line.client);
        let client = clients.is_none_or(|(one, other)| one.addr == other.addr);
        let backend = match (line.backend(), self.backend) {
            (Some(one), Some(other)) => one == other,
            (Some(_), None) => !self.kept,
            (None, Some(_)) => line.attempts.is_empty(),
            (None, None) => true,
        };
        let slack = line.resolution.max(Duration::from_secs(1));
        let begin = earlier(at, line.duration.unwrap_or_default());
        let until = if line.is_time_open() { before } else { slack };
        let time = self.begun.plus(slack) >= begin && self.ended <= at.plus(until);
        asked && client && backend && time
    }
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
    Timestamp::from_nanos(at.as_nanos().saturating_sub(by))
}

/// How much a reason says: none, that no answer came or no connection, why.
const fn says_much(says: Option<Says>) -> u8 {
    match says {
        None => 0,
        Some(Says::Cut | Says::ConnectFailed | Says::Proxy) => 1,
        Some(_) => 2,
    }
}

/// The access lines of errors, by what messages know of them, in the order of time.
struct AccessLines<'a> {
    all: &'a [KeptLine],
    by_path: HashMap<u64, Vec<(Timestamp, usize)>>,
    by_client: HashMap<IpAddr, Vec<(Timestamp, usize)>>,
    by_exchange: HashMap<(u64, u32), usize>,
}

impl<'a> AccessLines<'a> {
    fn new(all: &'a [KeptLine], at: &dyn Fn(&KeptLine) -> Timestamp, told: &[LogAnswer]) -> Self {
        let (mut by_path, mut by_client) = (HashMap::new(), HashMap::new());
        let mut by_exchange = HashMap::new();
        for (place, line) in all.iter().enumerate().filter(|(_, one)| one.kind == LineKind::Access)
        {
            let at = at(line);
            let paths: &mut Vec<_> = by_path.entry(line.asked.path).or_default();
            paths.push((at, place));
            if let Some(client) = line.client {
                let lines: &mut Vec<_> = by_client.entry(client.addr).or_default();
                lines.push((at, place));
            }
            if let Some(exchange) = told.get(place).and_then(|one| one.exchange) {
                by_exchange.insert(exchange, place);
            }
        }
        by_path.values_mut().chain(by_client.values_mut()).for_each(|lines| lines.sort_unstable());
        Self { all, by_path, by_client, by_exchange }
    }

    /// Places of lines that can be that of a request: of those near to its messages, or, where there is none
    /// and what was asked is known, of those from before.
    fn of(&self, request: &RequestMessages, exchange: Option<(u64, u32)>) -> Vec<usize> {
        if let Some(place) = exchange.and_then(|exchange| self.by_exchange.get(&exchange)) {
            return vec![*place];
        }
        let by_client = || self.by_client.get(&request.client?.addr);
        let asked = request.path != 0;
        let lines = if asked { self.by_path.get(&request.path) } else { by_client() };
        let lines = lines.map(Vec::as_slice).unwrap_or_default();
        let since = |before: Duration| -> Vec<usize> {
            let first = earlier(request.ended, before.saturating_add(Duration::from_secs(1)));
            let from = lines.partition_point(|(at, _)| *at < first);
            let near = lines.iter().skip(from).take(LOOKED_AT);
            let fits = |(at, place): &&(Timestamp, usize)| {
                self.all.get(*place).is_some_and(|line| request.fits(line, *at, before))
            };
            near.filter(fits).map(|(_, place)| *place).collect()
        };
        let near = if asked { since(Duration::from_secs(1)) } else { Vec::new() };
        if near.is_empty() { since(NEXT_BACKEND) } else { near }
    }
}

/// Finds the access line of each request, which then has its reason: first by what was asked, then, where no
/// message says that, by the client alone.
fn give_reasons(
    all: &[KeptLine],
    requests: &[RequestMessages],
    at: &dyn Fn(&KeptLine) -> Timestamp,
    told: &mut [LogAnswer],
) {
    let access = AccessLines::new(all, at, told);
    let mut taken: Vec<bool> = all.iter().map(|_| false).collect();
    for by_asked in [true, false] {
        let requests = requests.iter().filter(|request| (request.path != 0) == by_asked);
        let found: Vec<(Vec<usize>, &RequestMessages)> = requests
            .map(|request| {
                let exchange = told.get(request.first).and_then(|one| one.exchange);
                let mut places = access.of(request, exchange);
                places.retain(|place| taken.get(*place) == Some(&false));
                (places, request)
            })
            .collect();
        pair(all, found, &mut taken, told, by_asked);
    }
}

/// Gives each request one of the lines that can be its; its reason only where all that can be of that line have
/// the same one.
fn pair(
    all: &[KeptLine],
    mut found: Vec<(Vec<usize>, &RequestMessages)>,
    taken: &mut [bool],
    told: &mut [LogAnswer],
    by_asked: bool,
) {
    let says = |request: &RequestMessages| all.get(request.most).and_then(|line| line.says);
    let mut said: HashMap<usize, Option<Option<Says>>> = HashMap::new();
    for (places, request) in &found {
        for place in places {
            let one = said.entry(*place).or_insert(Some(says(request)));
            *one = one.filter(|one| *one == says(request));
        }
    }
    // Where one line alone can be of a request, that is it; the others take what is left, in order.
    found.sort_by_key(|(places, _)| places.len());
    for (places, request) in found {
        let place = places.iter().find(|place| taken.get(**place) == Some(&false)).copied();
        // Of an answer that had begun, the access line most often has a status that is no error.
        let begun = matches!(says(request), Some(Says::Truncated | Says::Stalled));
        let Some(place) = place.filter(|_| by_asked || !begun) else { continue };
        if let Some(taken) = taken.get_mut(place) {
            *taken = true;
        }
        // The client alone does not decide between several.
        let known = by_asked || places.len() == 1;
        if let Some(first) = told.get_mut(request.first) {
            first.part = if known { LinePart::Of(place) } else { LinePart::OfOne };
        }
        if !known {
            continue;
        }
        let sure = said.get(&place).is_some_and(Option::is_some);
        if let Some(line) = told.get_mut(place).filter(|_| sure) {
            line.explained_by = Some(request.most);
        }
    }
}
