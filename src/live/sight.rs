//! What can be seen from the interfaces that are watched: of which kind each is, by /sys.

use super::listeners::Listeners;
use crate::facts::listening::ListeningProgram;
use crate::packet::EndpointPattern;
use crate::words::sight::{self as words, InterfaceKind};
use std::fs;
use std::path::Path;

/// What the interfaces show, and what listens on this host.
pub(super) struct Sight {
    /// Each of them, by name.
    interfaces: Vec<(String, InterfaceKind)>,
    /// What listens here, as far as it was named or may be a backend.
    listening: Vec<ListeningProgram>,
    /// Ports that were named, and at which nothing listens here.
    elsewhere: Vec<u16>,
}

impl Sight {
    /// Looks at each of `interfaces`, and at what listens, of which only what was `named` is of interest
    /// where something was.
    pub(super) fn look(
        interfaces: &[String],
        listeners: &mut Listeners,
        named: &[EndpointPattern],
    ) -> Self {
        let kinds = interfaces.iter().map(|name| (name.clone(), kind(name)));
        let listening = listeners.likely(named);
        let ports = named.iter().filter_map(|pattern| pattern.port);
        let here = |port: &u16| listening.iter().any(|program| program.at.port == *port);
        let mut elsewhere: Vec<u16> = ports.filter(|port| !here(port)).collect();
        elsewhere.sort_unstable();
        elsewhere.dedup();
        Self { interfaces: kinds.collect(), listening, elsewhere }
    }

    /// What there is to say of it, in a few lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let shown = self.interfaces.iter().map(|(name, kind)| words::shown(name, *kind));
        shown.chain(words::ports(&self.interfaces, &self.listening, &self.elsewhere)).collect()
    }
}

/// The kind of an interface of this host.
fn kind(name: &str) -> InterfaceKind {
    if name == "any" {
        return InterfaceKind::Any;
    }
    kind_at(&Path::new("/sys/class/net").join(name))
}

/// The kind of the interface that the kernel describes in `folder`.
fn kind_at(folder: &Path) -> InterfaceKind {
    /// `ARPHRD_LOOPBACK` of `linux/if_arp.h`.
    const LOOPBACK: &str = "772";
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    if read("type").trim() == LOOPBACK {
        return InterfaceKind::Loopback;
    }
    if folder.join("bridge").is_dir() {
        return InterfaceKind::Bridge;
    }
    let (own, other) = (read("ifindex"), read("iflink"));
    // A VLAN also has the number of another; its parent is on this host and is named in a link.
    let has_parent = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| file.file_name().to_str().is_some_and(|name| name.starts_with("lower_")));
    if !own.is_empty() && own != other && !has_parent && !folder.join("device").exists() {
        return InterfaceKind::Veth;
    }
    InterfaceKind::Other
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// The kind of an interface that is described by these files; those that end in `/` are folders.
    fn of(files: &[(&str, &str)]) -> InterfaceKind {
        let folder = TempDir::new().unwrap();
        for (name, content) in files {
            match name.strip_suffix('/') {
                Some(name) => fs::create_dir(folder.path().join(name)).unwrap(),
                None => fs::write(folder.path().join(name), content).unwrap(),
            }
        }
        kind_at(folder.path())
    }

    #[test]
    fn the_kernel_tells_of_which_kind_an_interface_is() {
        let numbers = [("type", "1\n"), ("ifindex", "4\n"), ("iflink", "4\n")];
        assert_eq!(of(&[("type", "772\n")]), InterfaceKind::Loopback);
        assert_eq!(of(&[numbers[0], ("bridge/", "")]), InterfaceKind::Bridge);
        assert_eq!(of(&numbers), InterfaceKind::Other);
        let veth = [numbers[0], numbers[1], ("iflink", "9\n")];
        assert_eq!(of(&veth), InterfaceKind::Veth);
        let [kind, own, other] = veth;
        assert_eq!(of(&[kind, own, other, ("lower_eth0/", "")]), InterfaceKind::Other, "a VLAN");
        assert_eq!(of(&[]), InterfaceKind::Other, "none such");
    }

    #[test]
    fn loopback_and_any_are_told_by_their_names_too() {
        assert_eq!(kind("any"), InterfaceKind::Any);
        assert_eq!(kind("lo"), InterfaceKind::Loopback);
    }
}
