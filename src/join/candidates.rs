//! What a line can be of: by an id, by the proxy's own port, by what was asked, by the backend.

use super::clock_offset::ClockOffset;
use super::fit::{fits_backend, fits_status, is_listed};
use super::hits::Hit;
use super::index::Index;
use super::lines::KeptLine;
use super::time_window::TimeWindow;
use crate::logs::LineKind;
use crate::topology::exchanges::SeenExchange;
use crate::topology::request_key::MatchedBy;

/// More than that are no attempts of one request.
pub(crate) const MAX_ATTEMPTS: usize = 16;

impl Index<'_> {
    /// The candidates of a line, and how they were found. `Id` and `SourcePort` are certain of the
    /// exchange, the others are not.
    pub(crate) fn candidates(
        &self,
        line: &KeptLine,
        clock: &ClockOffset,
    ) -> Option<(MatchedBy, Vec<Hit>)> {
        let window = TimeWindow::of(line, clock);
        let exchanges = |places: Vec<usize>| {
            (!places.is_empty()).then(|| places.into_iter().map(Hit::Exchange).collect::<Vec<_>>())
        };
        // An id that several requests carry is none of them's, but still leaves out all others.
        let mut of_id: Option<Vec<usize>> = None;
        for id in &line.ids {
            let Some(places) = self.ids.get(id) else { continue };
            // One trace can be of several requests.
            let same = |place: &&usize| {
                self.get(**place).is_some_and(|seen| seen.asked.whole == line.asked.whole)
            };
            let same: Vec<usize> = places.iter().filter(same).copied().collect();
            let places = if same.is_empty() { places.clone() } else { same };
            let chain: Vec<Hit> = places.iter().map(|place| Hit::Exchange(*place)).collect();
            let alone =
                self.lines_of_id.get(&(*id, line.asked.whole)).is_none_or(|lines| *lines < 2);
            if alone && chain.len() <= MAX_ATTEMPTS && self.is_chain(&chain) {
                let inside = self.in_window(&places, &window);
                let only = inside.is_empty() && places.len() == 1;
                let found = if only { places.clone() } else { inside };
                if let Some(hits) = exchanges(found) {
                    return Some((MatchedBy::Id, hits));
                }
            }
            of_id = Some(places);
        }
        let may_be = |place: &usize| of_id.as_ref().is_none_or(|places| places.contains(place));
        let by_port = line.source.and_then(|source| self.sources.get(&source)).map(|places| {
            let same = |seen: &SeenExchange| {
                let unknown = line.asked.path == 0 || seen.asked.path == 0;
                fits_backend(line, seen.server) && (unknown || seen.asked.path == line.asked.path)
            };
            let mut inside = self.in_window(places, &window);
            inside.retain(|place| self.get(*place).is_some_and(same) && may_be(place));
            let fits = |place: &usize| self.get(*place).is_some_and(|seen| fits_status(line, seen));
            let fitting: Vec<usize> = inside.iter().filter(|place| fits(place)).copied().collect();
            if fitting.is_empty() { inside } else { fitting }
        });
        if let Some(hits) = by_port.and_then(exchanges) {
            return Some((MatchedBy::SourcePort, hits));
        }
        let connecting = line.says.is_some_and(crate::logs::Says::is_connect)
            || line.attempts.last().is_some_and(|last| last.connected == Some(false));
        let mut sound = Vec::new();
        // Of several attempts some may be exchanges and some connects.
        let listed = is_listed(line);
        if !connecting || listed {
            let by_target = || {
                let mut inside = self.in_window(self.alike(line), &window);
                inside.retain(|place| {
                    may_be(place)
                        && self.get(*place).is_some_and(|seen| fits_backend(line, seen.server))
                });
                let fitting: Vec<usize> = inside
                    .iter()
                    .filter(|place| self.get(**place).is_some_and(|seen| fits_status(line, seen)))
                    .copied()
                    .collect();
                (fitting, inside)
            };
            let (fitting, answered) = by_target();
            sound = answered;
            if let Some(mut hits) = exchanges(fitting) {
                if listed {
                    hits.extend(self.connects_in(line, &window));
                }
                return Some((MatchedBy::TargetAndTime, hits));
            }
            if line.asked.path == 0 && line.error && !line.kept {
                let mut inside = self.in_window(&self.failed, &window);
                inside.retain(|place| {
                    self.get(*place).is_some_and(|seen| fits_backend(line, seen.server))
                });
                if let Some(hits) = exchanges(inside) {
                    return Some((MatchedBy::BackendAndTime, hits));
                }
            }
        }
        let may_connect = connecting || line.error && line.says.is_none();
        if may_connect && !line.kept {
            let hits = self.connects_in(line, &window);
            if !hits.is_empty() {
                return Some((MatchedBy::BackendAndTime, hits));
            }
        }
        // Nothing that went wrong: then the proxy made an error of an answer that was none.
        let alone = line.kind == LineKind::Access && line.error && !line.kept;
        exchanges(sound).filter(|_| alone).map(|hits| (MatchedBy::TargetAndTime, hits))
    }
}
