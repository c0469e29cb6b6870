//! What is known of this very host: what listens on it, and what its kernel says of connections.

use super::accept_queues::Queues;
use super::listeners::{Listeners, is_own};
use super::sight::Sight;
use crate::analysis::Host;
use crate::base::time::Timestamp;
use crate::cli::When;
use crate::ebpf::Sockets;
use crate::facts::kernel::{End, Ends};
use crate::facts::listening::Listening;
use crate::packet::{Endpoint, EndpointPattern};
use anyhow::{Result, bail};
use std::cell::RefCell;
use std::rc::Rc;

/// The host that this program runs on. Copies are of the same one: the analysis asks, the watch listens.
#[derive(Clone)]
pub(super) struct ThisHost(Rc<RefCell<HostState>>);

struct HostState {
    listeners: Listeners,
    queues: Option<Queues>,
    sockets: Option<Sockets>,
}

impl ThisHost {
    /// Opens all that tells of it, as far as that is allowed; and in a line what will not be told.
    ///
    /// # Errors
    /// When processes are always to be told, and cannot be.
    pub(super) fn look(processes: When) -> Result<(Self, Option<String>)> {
        let listeners = Listeners::look();
        let (sockets, untold) = match processes {
            When::Never => (None, None),
            When::Auto | When::Always => match Sockets::open() {
                Ok(sockets) => {
                    let missing = sockets.missing().join(", ");
                    let untold = format!("this kernel does not tell: {missing}");
                    (Some(sockets), (!missing.is_empty()).then_some(untold))
                }
                Err(why) if processes == When::Always => bail!("--processes always: {why}"),
                Err(why) => (None, Some(format!("whose connections are is not told: {why}"))),
            },
        };
        let queues = sockets.is_some().then(Queues::open).flatten();
        let known = HostState { listeners, queues, sockets };
        Ok((Self(Rc::new(RefCell::new(known))), untold))
    }

    /// What can be seen of it, and of others, from `interfaces`.
    pub(super) fn sight(&self, interfaces: &[String], named: &[EndpointPattern]) -> Sight {
        Sight::look(interfaces, &mut self.0.borrow_mut().listeners, named)
    }

    /// The kernel tells of processes.
    pub(super) fn knows_processes(&self) -> bool {
        self.0.borrow().sockets.is_some()
    }

    /// Takes what the kernel told since the last time.
    pub(super) fn drain(&self) {
        if let Some(sockets) = &mut self.0.borrow_mut().sockets {
            sockets.drain();
        }
    }

    /// Looks at what the kernel does not tell by itself; it costs a few system calls.
    pub(super) fn look_round(&self) {
        if let Some(queues) = &mut self.0.borrow_mut().queues {
            queues.look();
        }
    }
}

impl Host for ThisHost {
    fn listening(&mut self, refused: Endpoint) -> Option<Listening> {
        self.0.borrow_mut().listeners.instead_of(refused)
    }

    fn ends(&mut self, client: Endpoint, server: Endpoint, at: Timestamp) -> Option<Ends> {
        let known = &mut *self.0.borrow_mut();
        let ends = known.sockets.as_mut()?.ends(client, server, at);
        if ends.as_ref().is_some_and(|ends| ends.server.is_some()) || !is_own(server.addr) {
            return ends;
        }
        // There is no socket: it may have been turned away.
        let queue = known.queues.as_mut().and_then(|queues| queues.full(server, at));
        let Some(queue) = queue else { return ends };
        let server = Some(End { queue: Some(queue), ..End::default() });
        Some(Ends { server, ..ends.unwrap_or_default() })
    }
}
