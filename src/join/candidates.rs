//! What a line can be of: by an id, by the proxy's own port, by what was asked, by the backend.

use super::clock_offset::ClockOffset;
use super::fit::{fits_backend, fits_status, is_listed};
use super::hits::Hit;
use super::index::Index;
use super::lines::KeptLine;
use super::time_window::TimeWindow;
use crate::logs::{LineKind, Says};
use crate::topology::SeenExchange;
use crate::topology::request_key::MatchedBy;

/// More than that are no attempts of one request.
pub(super) const MAX_ATTEMPTS: usize = 16;

/// What the ids of a line say of what it is of.
enum ByIds {
    /// Exchanges that it is of.
    Certain(Vec<Hit>),
    /// An exchange at one of these places, if it is of any: none of them alone has the id.
    Among(Vec<usize>),
    /// No exchange has one of its ids.
    Unknown,
}

impl ByIds {
    /// The ids leave the exchange at this place.
    fn leaves(&self, place: usize) -> bool {
        match self {
            Self::Among(places) => places.contains(&place),
            Self::Certain(_) | Self::Unknown => true,
        }
    }
}

impl Index<'_> {
    /// The candidates of a line, and how they were found. `Id` and `SourcePort` are certain of the
    /// exchange, the others are not.
    pub(super) fn candidates(
        &self,
        line: &KeptLine,
        clock: &ClockOffset,
    ) -> Option<(MatchedBy, Vec<Hit>)> {
        if !line.has_time() {
            return None;
        }
        let window = TimeWindow::of(line, clock);
        let by_ids = match self.by_ids(line, &window) {
            ByIds::Certain(hits) => return Some((MatchedBy::Id, hits)),
            other => other,
        };
        if let Some(hits) = self.by_port(line, &window, &by_ids).and_then(exchanges) {
            return Some((MatchedBy::SourcePort, hits));
        }
        let connecting = line.says.is_some_and(Says::is_connect)
            || line.attempts.last().is_some_and(|last| last.connected == Some(false));
        let mut sound = Vec::new();
        // Of several attempts some may be exchanges and some connects.
        let listed = is_listed(line);
        if !connecting || listed {
            let (fitting, answered) = self.by_target(line, &window, &by_ids);
            sound = answered;
            if let Some(mut hits) = exchanges(fitting) {
                if listed {
                    hits.extend(self.connects_in(line, &window));
                }
                return Some((MatchedBy::TargetAndTime, hits));
            }
            if let Some(hits) = self.by_failure(line, &window).and_then(exchanges) {
                return Some((MatchedBy::BackendAndTime, hits));
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

    /// Exchanges that have an id of the line. An id that several requests carry is none of them's, but still
    /// leaves out all others.
    fn by_ids(&self, line: &KeptLine, window: &TimeWindow) -> ByIds {
        let mut by_ids = ByIds::Unknown;
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
                let inside = self.in_window(&places, window);
                let only = inside.is_empty() && places.len() == 1;
                let found = if only { places.clone() } else { inside };
                if let Some(hits) = exchanges(found) {
                    return ByIds::Certain(hits);
                }
            }
            by_ids = ByIds::Among(places);
        }
        by_ids
    }

    /// Exchanges that the proxy made from the port that the line names; those whose status fits, if one's
    /// does.
    fn by_port(&self, line: &KeptLine, window: &TimeWindow, by_ids: &ByIds) -> Option<Vec<usize>> {
        let places = self.sources.get(&line.source?)?;
        let same = |seen: &SeenExchange| {
            let unknown = line.asked.path == 0 || seen.asked.path == 0;
            fits_backend(line, seen.server) && (unknown || seen.asked.path == line.asked.path)
        };
        let mut inside = self.in_window(places, window);
        inside.retain(|place| self.get(*place).is_some_and(same) && by_ids.leaves(*place));
        let fitting = self.fitting(line, &inside);
        Some(if fitting.is_empty() { inside } else { fitting })
    }

    /// Exchanges that were asked what the line was: those whose status fits, and all of them.
    fn by_target(
        &self,
        line: &KeptLine,
        window: &TimeWindow,
        by_ids: &ByIds,
    ) -> (Vec<usize>, Vec<usize>) {
        let mut inside = self.in_window(self.alike(line), window);
        inside.retain(|place| {
            by_ids.leaves(*place)
                && self.get(*place).is_some_and(|seen| fits_backend(line, seen.server))
        });
        (self.fitting(line, &inside), inside)
    }

    /// Exchanges that failed, for a line of an error that names no target; `None` for any other line.
    fn by_failure(&self, line: &KeptLine, window: &TimeWindow) -> Option<Vec<usize>> {
        if !(line.asked.path == 0 && line.error && !line.kept) {
            return None;
        }
        let mut inside = self.in_window(&self.failed, window);
        inside.retain(|place| self.get(*place).is_some_and(|seen| fits_backend(line, seen.server)));
        Some(inside)
    }

    /// Exchanges, of those at some places, whose status is what the line says.
    fn fitting(&self, line: &KeptLine, places: &[usize]) -> Vec<usize> {
        let fits = |place: &&usize| self.get(**place).is_some_and(|seen| fits_status(line, seen));
        places.iter().filter(fits).copied().collect()
    }
}

/// The exchanges at these places; `None` where there are none.
fn exchanges(places: Vec<usize>) -> Option<Vec<Hit>> {
    (!places.is_empty()).then(|| places.into_iter().map(Hit::Exchange).collect())
}
