//! In which order connections were last heard of, by stage of their life.

use super::connection::{Connection, Half, Side, Start};

/// A stage in the life of a connection, each with its own patience.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LifeStage {
    /// SYNs, and no answer yet.
    Opening,
    /// Established, as far as is known.
    Open,
    /// The client has closed, and the server not.
    Left,
    /// One side has closed.
    Closing,
    /// Both have, or one has reset it.
    Closed,
    /// Judged; kept for stragglers only.
    Settled,
}

impl LifeStage {
    pub(super) const ALL: [Self; 6] =
        [Self::Opening, Self::Open, Self::Left, Self::Closing, Self::Closed, Self::Settled];

    /// The stage of a connection that is not settled.
    pub(super) fn of(connection: &Connection) -> Self {
        let (client, server) = (connection.half(Side::Client), connection.half(Side::Server));
        let closed = |half: &Half| half.fin.is_some() || half.rst.is_some();
        if connection.is_closed() {
            Self::Closed
        } else if closed(server) {
            Self::Closing
        } else if closed(client) {
            Self::Left
        } else if connection.start == Start::Handshake && server.is_unheard() {
            Self::Opening
        } else {
            Self::Open
        }
    }
}

/// The slots of the connection table, in one list per stage, from the one silent longest to the one
/// heard last. Every operation takes constant time.
#[derive(Debug, Default)]
pub(super) struct Recency {
    links: Vec<Link>,
    lists: [List; LifeStage::ALL.len()],
}

#[derive(Clone, Copy, Debug)]
struct Link {
    stage: LifeStage,
    older: Option<usize>,
    newer: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    oldest: Option<usize>,
    newest: Option<usize>,
    len: usize,
}

impl Recency {
    /// The slot of this stage that was silent longest.
    pub(super) fn oldest(&self, stage: LifeStage) -> Option<usize> {
        self.lists.get(stage as usize)?.oldest
    }

    /// The slots of this stage, from the one silent longest.
    pub(super) fn oldest_first(&self, stage: LifeStage) -> impl Iterator<Item = usize> {
        let newer = |slot: &usize| self.links.get(*slot)?.newer;
        std::iter::successors(self.oldest(stage), newer)
    }

    /// The slots of this stage, from the one heard last.
    pub(super) fn newest_first(&self, stage: LifeStage) -> impl Iterator<Item = usize> {
        let older = |slot: &usize| self.links.get(*slot)?.older;
        let newest = self.lists.get(stage as usize).and_then(|list| list.newest);
        std::iter::successors(newest, older)
    }

    /// Slots in this stage.
    pub(super) fn len(&self, stage: LifeStage) -> usize {
        self.lists.get(stage as usize).map_or(0, |list| list.len)
    }

    /// The stage of a slot that is in a list.
    fn stage(&self, slot: usize) -> Option<LifeStage> {
        self.links.get(slot).map(|link| link.stage)
    }

    /// Puts a slot that is in no list at the newest end of one.
    pub(super) fn insert(&mut self, slot: usize, stage: LifeStage) {
        let Some(list) = self.lists.get_mut(stage as usize) else {
            return;
        };
        let older = list.newest.replace(slot);
        list.oldest.get_or_insert(slot);
        list.len = list.len.saturating_add(1);
        let link = Link { stage, older, newer: None };
        match self.links.get_mut(slot) {
            Some(place) => *place = link,
            // Slots are numbered as they are made.
            None => self.links.push(link),
        }
        if let Some(older) = older.and_then(|older| self.links.get_mut(older)) {
            older.newer = Some(slot);
        }
    }

    /// Takes a slot out of its list.
    pub(super) fn remove(&mut self, slot: usize) {
        let Some(&Link { stage, older, newer }) = self.links.get(slot) else {
            return;
        };
        if let Some(older) = older.and_then(|older| self.links.get_mut(older)) {
            older.newer = newer;
        }
        if let Some(newer) = newer.and_then(|newer| self.links.get_mut(newer)) {
            newer.older = older;
        }
        if let Some(list) = self.lists.get_mut(stage as usize) {
            if older.is_none() {
                list.oldest = newer;
            }
            if newer.is_none() {
                list.newest = older;
            }
            list.len = list.len.saturating_sub(1);
        }
    }

    /// The slot was heard just now, and is in this stage.
    pub(super) fn touch(&mut self, slot: usize, stage: LifeStage) {
        let newest = self.lists.get(stage as usize).and_then(|list| list.newest);
        if newest != Some(slot) || self.stage(slot) != Some(stage) {
            self.remove(slot);
            self.insert(slot, stage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_the_one_heard_least_recently_in_its_stage() {
        let mut recency = Recency::default();
        for slot in 0..4 {
            recency.insert(slot, LifeStage::Open);
        }
        assert_eq!(recency.oldest(LifeStage::Open), Some(0));
        recency.touch(0, LifeStage::Open);
        assert_eq!(recency.oldest_first(LifeStage::Open).collect::<Vec<_>>(), [1, 2, 3, 0]);
        assert_eq!(recency.oldest(LifeStage::Open), Some(1));
        recency.touch(1, LifeStage::Closed);
        assert_eq!(
            (recency.oldest(LifeStage::Open), recency.oldest(LifeStage::Closed)),
            (Some(2), Some(1))
        );
        recency.remove(2);
        recency.remove(3);
        assert_eq!((recency.oldest(LifeStage::Open), recency.len(LifeStage::Open)), (Some(0), 1));
        recency.remove(0);
        assert_eq!((recency.oldest(LifeStage::Open), recency.len(LifeStage::Open)), (None, 0));
        recency.insert(2, LifeStage::Open);
        assert_eq!(recency.oldest(LifeStage::Open), Some(2));
    }
}
