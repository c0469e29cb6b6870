//! A source without the frames that a pcap filter expression rejects. Frame numbers stay those of
//! the source.

use super::bpf::FilterProgram;
use super::{Block, CaptureFacts, Fill, Source, SourceError};
use crate::packet::{Frame, LinkType};
use std::cell::RefCell;

/// A pcap filter expression, with its programs for the link types met so far: what it names is
/// looked up once, for all captures.
pub struct Filter {
    expression: String,
    programs: RefCell<Vec<(LinkType, FilterProgram)>>,
}

impl Filter {
    /// What it is tried on before anything is read. Cooked captures alone know `inbound`,
    /// `outbound` and `ifindex`.
    const TRIED: [LinkType; 2] = [LinkType::ETHERNET, LinkType::LINUX_SLL2];

    /// Compiles the expression, to see whether it means anything.
    ///
    /// # Errors
    /// When libpcap can compile it for no link type that is tried, with its reason for Ethernet; and
    /// always in a program built without libpcap.
    pub fn new(expression: &str) -> Result<Self, SourceError> {
        let mut refused = None;
        for link in Self::TRIED {
            match FilterProgram::compile(expression, link) {
                Ok(program) => {
                    let programs = RefCell::new(vec![(link, program)]);
                    return Ok(Self { expression: expression.to_owned(), programs });
                }
                Err(reason) => refused = refused.or(Some(reason)),
            }
        }
        let reason = refused.unwrap_or_default();
        Err(SourceError::Filter { expression: expression.to_owned(), reason })
    }

    /// Makes sure that frames of this link type can be asked about.
    ///
    /// # Errors
    /// When the expression cannot be compiled for them.
    pub fn prepare(&self, link: LinkType) -> Result<(), SourceError> {
        self.program(link).map_err(|reason| {
            let expression = self.expression.clone();
            SourceError::Filter { expression, reason }
        })
    }

    /// Whether the expression accepts a frame; of a link type that was not prepared, none.
    pub fn keeps(&self, frame: &Frame<'_>) -> bool {
        let programs = self.programs.borrow();
        let program = programs.iter().find(|(link, _)| *link == frame.link);
        program.is_some_and(|(_, program)| program.keeps(frame.bytes))
    }

    /// Compiles the expression for a link type, unless that was done.
    fn program(&self, link: LinkType) -> Result<(), String> {
        let mut programs = self.programs.borrow_mut();
        if !programs.iter().any(|(known, _)| *known == link) {
            programs.push((link, FilterProgram::compile(&self.expression, link)?));
        }
        Ok(())
    }

    /// A source without the frames that the expression rejects.
    pub fn on<S: Source>(&self, source: S) -> Filtered<'_, S> {
        let facts = source.facts().clone();
        Filtered { source, filter: self, facts }
    }

    /// Removes what the expression rejects; returns how many frames that were. The error is a link
    /// type for which it cannot be compiled, and libpcap's reason.
    fn apply(&self, block: &mut Block) -> Result<u64, (LinkType, String)> {
        for frame in block.frames(0..block.len()) {
            self.program(frame.link).map_err(|reason| (frame.link, reason))?;
        }
        Ok(block.retain(|frame| self.keeps(frame)))
    }
}

/// A source seen through a filter.
pub struct Filtered<'f, S> {
    source: S,
    filter: &'f Filter,
    /// Facts of the source, and how many frames were removed.
    facts: CaptureFacts,
}

impl<S: Source> Source for Filtered<'_, S> {
    fn fill(&mut self, block: &mut Block) -> Result<Fill, SourceError> {
        let fill = self.source.fill(block)?;
        let removed = self.filter.apply(block).map_err(|(link, reason)| {
            let (path, expression) = (self.facts.path.clone(), self.filter.expression.clone());
            SourceError::FilterOnLink { path, expression, link: link.name().into_owned(), reason }
        })?;
        let filtered = self.facts.filtered.saturating_add(removed);
        self.facts.clone_from(self.source.facts());
        self.facts.filtered = filtered;
        Ok(fill)
    }

    fn facts(&self) -> &CaptureFacts {
        &self.facts
    }
}
