//! What a watch can see from its interfaces, and what not, in words.

use crate::base::escape;
use crate::facts::listening::ListeningProgram;
use crate::packet::Endpoint;

/// Programs named.
const NAMED: usize = 4;

/// What an interface is, as far as that decides what can be seen there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InterfaceKind {
    /// All of this network namespace at once.
    Any,
    /// What stays on this host.
    Loopback,
    /// What containers or machines on this host are plugged into.
    Bridge,
    /// One end of the pair that joins a container to its host.
    Veth,
    /// A card, or anything else that leads away from this host.
    Other,
}

/// What an interface of this kind shows, and what not.
pub fn shown(interface: &str, kind: InterfaceKind) -> String {
    match kind {
        InterfaceKind::Any => format!(
            "{interface} shows every interface of this network namespace. Not shown: connections inside a \
             container or pod (127.0.0.1 there)"
        ),
        InterfaceKind::Loopback => format!(
            "{interface} shows connections that stay on this host. Not shown: connections to other hosts \
             and containers (-i any)"
        ),
        InterfaceKind::Bridge => format!(
            "{interface} shows connections of the containers on this bridge. Not shown: connections within \
             this host or inside a container (-i any, -i lo)"
        ),
        InterfaceKind::Veth => format!(
            "{interface} shows connections to and from its one container. Not shown: those inside it, and \
             those of other containers"
        ),
        InterfaceKind::Other => format!(
            "{interface} shows connections to and from other hosts. Not shown: connections within this \
             host (-i lo) and between its containers (-i any)"
        ),
    }
}

/// What listens on this host, and which of it cannot be reached through what is watched. `elsewhere` are
/// the ports that were named and at which nothing listens here. `None` where there is nothing to say.
pub fn ports(
    interfaces: &[(String, InterfaceKind)],
    listening: &[ListeningProgram],
    elsewhere: &[u16],
) -> Option<String> {
    let sees_inside = interfaces
        .iter()
        .any(|(_, kind)| matches!(kind, InterfaceKind::Any | InterfaceKind::Loopback));
    let (hidden, open): (Vec<_>, Vec<_>) =
        listening.iter().partition(|program| !sees_inside && program.at.addr.is_loopback());
    let mut parts = Vec::new();
    if !open.is_empty() {
        parts.push(format!("listening on this host: {}", names(&open)));
    }
    if !hidden.is_empty() {
        let hidden = names(&hidden);
        parts.push(format!("never seen on this interface: {hidden} (add -i lo)"));
    }
    if !elsewhere.is_empty() {
        let ports: Vec<String> =
            elsewhere.iter().take(NAMED).map(|port| format!(":{port}")).collect();
        parts.push(format!("nothing on this host listens on {}", ports.join(", ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `nginx (812) on :80, node (90) on 127.0.0.1:3000 and 2 more`.
fn names(programs: &[&ListeningProgram]) -> String {
    let first = programs.iter().take(NAMED).map(|program| {
        let at = place(program.at);
        match &program.process {
            Some((number, name)) => format!("{} ({number}) on {at}", escape::text(name)),
            None => at,
        }
    });
    let first: Vec<String> = first.collect();
    match programs.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// An address, or the port alone where every address of the host will do.
fn place(at: Endpoint) -> String {
    if at.addr.is_unspecified() { format!(":{}", at.port) } else { at.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(at: &str, name: Option<&str>) -> ListeningProgram {
        let at: std::net::SocketAddr = at.parse().unwrap();
        let at = Endpoint { addr: at.ip(), port: at.port() };
        ListeningProgram { at, process: name.map(|name| (7, name.as_bytes().to_vec())) }
    }

    fn on(kind: InterfaceKind) -> Vec<(String, InterfaceKind)> {
        vec![("eth0".to_owned(), kind)]
    }

    #[test]
    fn every_kind_says_what_it_does_not_show() {
        use InterfaceKind::{Any, Bridge, Loopback, Other, Veth};
        for kind in [Any, Loopback, Bridge, Veth, Other] {
            let said = shown("x0", kind);
            assert!(said.starts_with("x0 shows ") && said.contains("Not shown: "), "{said}");
        }
    }

    #[test]
    fn what_listens_on_loopback_alone_is_seen_there_alone() {
        let listening = [program("0.0.0.0:80", Some("nginx")), program("127.0.0.1:3000", None)];
        assert_eq!(
            ports(&on(InterfaceKind::Other), &listening, &[]).unwrap(),
            "listening on this host: nginx (7) on :80; never seen on this interface: 127.0.0.1:3000 (add \
             -i lo)"
        );
        assert_eq!(
            ports(&on(InterfaceKind::Any), &listening, &[]).unwrap(),
            "listening on this host: nginx (7) on :80, 127.0.0.1:3000"
        );
    }

    #[test]
    fn a_port_that_was_named_and_is_not_here_is_told() {
        let said = ports(&on(InterfaceKind::Other), &[], &[8080]);
        assert_eq!(said.unwrap(), "nothing on this host listens on :8080");
        assert_eq!(ports(&on(InterfaceKind::Any), &[], &[]), None);
    }

    #[test]
    fn only_a_few_are_named() {
        let many: Vec<_> = (1..=6).map(|port| program(&format!("10.0.0.1:{port}"), None)).collect();
        let said = ports(&on(InterfaceKind::Any), &many, &[]).unwrap();
        assert!(said.ends_with("10.0.0.1:4 and 2 more"), "{said}");
    }
}
