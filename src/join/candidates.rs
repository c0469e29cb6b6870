//! What a line can be of: by an id, by the proxy's own port, by what was asked, by the backend.
//!
//! All that it can be of is in runs of rows. Where they are few, they are listed; of a crowd the nearest are,
//! and what is said of such a line stays: ambiguous, unless its times point at one and all others are far.

use super::clock_offset::ClockOffset;
use super::fit::{fits_backend, is_listed};
use super::hits::{Candidates, Hit, MAX_ATTEMPTS};
use super::index::{Index, LookedUpBy};
use super::lines::KeptLine;
use super::rows::RowRun;
use super::time_window::TimeWindow;
use crate::logs::{LineKind, Says};
use crate::topology::request_key::MatchedBy;
use std::cmp::Reverse;

/// Places of one row looked at for one line, and rows: only a log or a capture made for it has more that are
/// near and are not it.
const LOOKED_AT: usize = 4_096;

/// What the ids of a line say of what it is of.
enum ByIds {
    /// Exchanges that it is of.
    Certain(Vec<Hit>),
    /// An exchange that has this id, if it is of any: none of them alone has it. There are such (`same`) that
    /// were asked the same.
    Among { id: u64, same: bool },
    /// No exchange has one of its ids.
    Unknown,
}

/// One line, and what it is looked for by.
struct Sought<'a, 'i> {
    index: &'a Index<'i>,
    line: &'a KeptLine,
    clock: &'a ClockOffset,
    window: TimeWindow,
    by_ids: ByIds,
}

impl Index<'_> {
    /// The candidates of a line, and how they were found. `Id` and `SourcePort` are certain of the
    /// exchange, the others are not.
    pub(super) fn candidates(&self, line: &KeptLine, clock: &ClockOffset) -> Option<Candidates> {
        if !line.has_time() {
            return None;
        }
        let window = TimeWindow::of(line, clock);
        let by_ids = match self.by_ids(line, &window) {
            ByIds::Certain(hits) => {
                return Some(Candidates { by: MatchedBy::Id, hits, crowd: Box::default() });
            }
            other => other,
        };
        Sought { index: self, line, clock, window, by_ids }.candidates()
    }

    /// Failed connects that could be a line's, as far as they are listed.
    pub(super) fn connects_in(&self, line: &KeptLine, clock: &ClockOffset) -> Vec<Hit> {
        let (window, by_ids) = (TimeWindow::of(line, clock), ByIds::Unknown);
        let sought = Sought { index: self, line, clock, window, by_ids };
        sought
            .among(sought.connects(), MatchedBy::BackendAndTime)
            .map_or(Vec::new(), |one| one.hits)
    }

    /// Exchanges that have an id of the line. An id that several requests carry is none of them's, but still
    /// leaves out all others.
    fn by_ids(&self, line: &KeptLine, window: &TimeWindow) -> ByIds {
        let mut by_ids = ByIds::Unknown;
        for id in &line.ids {
            let whole = LookedUpBy::IdWhole(*id, line.asked.whole);
            // One trace can be of several requests.
            let same = self.rows(whole).next().is_some();
            let key = if same { whole } else { LookedUpBy::Id(*id) };
            let rows: Vec<RowRun> = self.rows(key).map(|(run, _)| run).take(LOOKED_AT).collect();
            if rows.is_empty() {
                continue;
            }
            let count = rows.iter().fold(0, |sum: usize, run| sum.saturating_add(run.len()));
            let alone =
                self.lines_of_id.get(&(*id, line.asked.whole)).is_none_or(|lines| *lines < 2);
            if alone && count <= MAX_ATTEMPTS {
                let chain = self.in_order(&rows, None);
                let inside = self.in_order(&rows, Some(window));
                let only = inside.is_empty() && count == 1;
                let found = if only { chain.clone() } else { inside };
                if self.is_chain(&chain) && !found.is_empty() {
                    return ByIds::Certain(found.into_iter().rev().collect());
                }
            }
            by_ids = ByIds::Among { id: *id, same };
        }
        by_ids
    }

    /// All that is in some runs, in the order of time.
    fn in_order(&self, runs: &[RowRun], window: Option<&TimeWindow>) -> Vec<Hit> {
        let all =
            runs.iter().flat_map(|run| (run.from..run.to).filter_map(|at| self.entry(run.of, at)));
        let held = |hit: &Hit| {
            let (begun, ended) = self.times(*hit);
            window.is_none_or(|window| window.holds(begun, ended))
        };
        let mut hits: Vec<Hit> = all.filter(held).collect();
        hits.sort_unstable_by_key(|hit| (self.times(*hit).0, *hit));
        hits
    }
}

impl Sought<'_, '_> {
    fn candidates(&self) -> Option<Candidates> {
        let line = self.line;
        if let Some(found) = self.by_port() {
            return Some(found);
        }
        let connecting = line.says.is_some_and(Says::is_connect)
            || line.attempts.last().is_some_and(|last| last.connected == Some(false));
        let target = self.by_target();
        // Of several attempts some may be exchanges and some connects.
        let listed = is_listed(line);
        if !connecting || listed {
            let mut fitting = self.rows(target, true);
            if self.among(fitting.clone(), MatchedBy::TargetAndTime).is_some() {
                if listed {
                    fitting.extend(self.connects());
                }
                return self.among(fitting, MatchedBy::TargetAndTime);
            }
            // For a line of an error that names no target.
            let unnamed = line.asked.path == 0 && line.error && !line.kept;
            let failed = self.rows(Some(LookedUpBy::Failed).filter(|_| unnamed), false);
            if let Some(found) = self.among(failed, MatchedBy::BackendAndTime) {
                return Some(found);
            }
        }
        let may_connect = connecting || line.error && line.says.is_none();
        if may_connect && !line.kept {
            let found = self.among(self.connects(), MatchedBy::BackendAndTime);
            if found.is_some() {
                return found;
            }
        }
        // Nothing that went wrong: then the proxy made an error of an answer that was none.
        let alone = line.kind == LineKind::Access && line.error && !line.kept;
        let sound = self.rows(target.filter(|_| alone && (!connecting || listed)), false);
        self.among(sound, MatchedBy::TargetAndTime)
    }

    /// Exchanges that the proxy made from the port that the line names; those whose status fits, if one's
    /// does.
    fn by_port(&self) -> Option<Candidates> {
        let (source, path) = (self.line.source()?, self.line.asked.path);
        let keys = match path {
            0 => [Some(LookedUpBy::Source(source)), None],
            path => [path, 0].map(|path| Some(LookedUpBy::SourcePath(source, path))),
        };
        let rows = |by_status: bool| -> Vec<RowRun> {
            keys.into_iter().flat_map(|key| self.rows(key, by_status)).collect()
        };
        self.among(rows(true), MatchedBy::SourcePort)
            .or_else(|| self.among(rows(false), MatchedBy::SourcePort))
    }

    /// By what exchanges are known that were asked what the line was, and that its ids leave.
    fn by_target(&self) -> Option<LookedUpBy> {
        let (asked, alike) = (self.line.asked, self.index.alike(self.line)?);
        match (alike, &self.by_ids) {
            (LookedUpBy::Whole(_), ByIds::Among { id, same }) => {
                same.then_some(LookedUpBy::IdWhole(*id, asked.whole))
            }
            (LookedUpBy::Path(_), ByIds::Among { id, same }) => {
                (!same).then_some(LookedUpBy::IdPath(*id, asked.path))
            }
            _ => Some(alike),
        }
    }

    /// The rows of a key whose exchanges are with a backend of the line, and (`by_status`) have its status.
    fn rows(&self, key: Option<LookedUpBy>, by_status: bool) -> Vec<RowRun> {
        let rows = key.into_iter().flat_map(|key| self.index.rows(key)).take(LOOKED_AT);
        let fits = |hit: Hit| self.index.fits_exchange(self.line, hit, by_status);
        rows.filter(|(_, first)| fits(*first)).map(|(run, _)| run).collect()
    }

    /// The rows of failed connects with a backend of the line.
    fn connects(&self) -> Vec<RowRun> {
        let fits = |hit: Hit| match hit {
            Hit::Connect(place) => self
                .index
                .connect(place)
                .is_some_and(|connect| fits_backend(self.line, connect.server)),
            Hit::Exchange(_) => false,
        };
        let rows = self.index.rows(LookedUpBy::Connect).take(LOOKED_AT);
        rows.filter(|(_, first)| fits(*first)).map(|(run, _)| run).collect()
    }

    /// What of some rows the line can be of, by its time; `None` where that is nothing.
    fn among(&self, rows: Vec<RowRun>, by: MatchedBy) -> Option<Candidates> {
        let mut hits: Vec<Hit> = Vec::new();
        let mut crowd: Vec<(RowRun, RowRun)> = Vec::new();
        for row in rows {
            let run = self.index.rows_of(row).inside(row, &self.window);
            if run.is_empty() {
                continue;
            }
            let room = MAX_ATTEMPTS.saturating_add(1).saturating_sub(hits.len());
            let held = self.index.rows_of(run).held(run, &self.window).take(LOOKED_AT);
            let held = held.map(|place| Index::hit(run.of, place));
            let before = hits.len();
            hits.extend(held.filter(|hit| self.leaves(*hit, by)).take(room));
            if hits.len() > before || room == 0 {
                crowd.push((row, run));
            }
        }
        if hits.is_empty() {
            return None;
        }
        if hits.len() > MAX_ATTEMPTS {
            let hits = self.nearest(&crowd, by);
            return Some(Candidates {
                by,
                hits,
                crowd: crowd.into_iter().map(|(_, run)| run).collect(),
            });
        }
        // The latest exchanges first, then connects.
        let latest = |hit: &Hit| match hit {
            Hit::Exchange(_) => (None, Some(Reverse((self.index.times(*hit).0, *hit)))),
            Hit::Connect(place) => (Some(*place), None),
        };
        hits.sort_by_key(latest);
        hits.shrink_to_fit();
        Some(Candidates { by, hits, crowd: Box::default() })
    }

    /// Of a crowd, those that are nearest to where the line's times put what it is of.
    fn nearest(&self, crowd: &[(RowRun, RowRun)], by: MatchedBy) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for (row, run) in crowd {
            let rows = self.index.rows_of(*row);
            let anchor = Index::anchor(self.line, run.of, self.clock);
            let near = rows.around(*row, anchor).take(LOOKED_AT);
            let near = near.map(|place| Index::hit(run.of, place)).filter(|hit| {
                let (begun, ended) = self.index.times(*hit);
                self.window.holds(begun, ended) && self.leaves(*hit, by)
            });
            hits.extend(near.take(MAX_ATTEMPTS));
        }
        hits.sort_by_cached_key(|hit| (self.index.distance(self.line, *hit, self.clock), *hit));
        hits.truncate(MAX_ATTEMPTS);
        hits.shrink_to_fit();
        hits
    }

    /// The line's ids leave that it is of this hit: rows by what was asked are of exchanges that they leave, and
    /// those of failures and connects are for lines of which no more is known.
    fn leaves(&self, hit: Hit, by: MatchedBy) -> bool {
        let (ByIds::Among { id, same }, Hit::Exchange(place), MatchedBy::SourcePort) =
            (&self.by_ids, hit, by)
        else {
            return true;
        };
        let asked = self.line.asked.whole;
        self.index
            .get(place)
            .is_some_and(|seen| seen.ids.contains(id) && (!same || seen.asked.whole == asked))
    }
}
