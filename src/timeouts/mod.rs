//! Known proxies and servers: what their timeouts are unless somebody sets them, and how one does.
//!
//! Every value has the source in which it was read, and the day. What could not be found in one is
//! there all the same and marked: [`Product::verified`] is false. To add one, copy an entry of the list
//! that fits it (`clouds.rs`, `proxies.rs`, `clients.rs`; `servers.rs`, `jvm.rs`, `runtimes.rs`, `databases.rs`) and
//! leave out what is not known. A test holds what must be there.

mod clients;
mod clouds;
mod databases;
mod jvm;
pub mod observed;
mod product;
mod proxies;
mod runtimes;
mod servers;

use crate::base::similar;
pub use product::{Limit, Product, ProductSide};
use std::fmt;

/// All of them, proxies first.
pub fn all() -> impl Iterator<Item = &'static Product> {
    let proxies = [clouds::CLOUDS, proxies::PROXIES, clients::CLIENTS];
    let servers = [servers::SERVERS, jvm::JVM, runtimes::RUNTIMES, databases::DATABASES];
    proxies.into_iter().chain(servers).flatten()
}

/// The one of this id.
pub fn by_id(id: &str) -> Option<&'static Product> {
    all().find(|known| known.id == id)
}

/// What a name stands for.
#[derive(Debug)]
pub enum Lookup {
    /// One product; others have the name in theirs.
    One(&'static Product, Vec<&'static Product>),
    /// Any of these.
    Several(Vec<&'static Product>),
}

/// Whom a name means: an id, else an alias, else what has it in its name. `side` leaves out the
/// others.
///
/// # Errors
/// When it means nobody; the error names those that are near.
pub fn find(name: &str, side: Option<ProductSide>) -> Result<Lookup, UnknownProduct> {
    let among = || all().filter(|known| side.is_none_or(|side| known.side == side));
    let exactly = |known: &&Product| known.names().any(|one| similar::same(one, name));
    let mentioned: Vec<&'static Product> = among().filter(|known| known.mentions(name)).collect();
    let others = |one: &Product| {
        mentioned.iter().copied().filter(|other| other.id != one.id).collect::<Vec<_>>()
    };
    if let Some(one) = among().find(|known| similar::same(known.id, name)) {
        return Ok(Lookup::One(one, others(one)));
    }
    let called: Vec<&'static Product> = among().filter(exactly).collect();
    match (called.as_slice(), mentioned.as_slice()) {
        ([one], _) | ([], [one]) => Ok(Lookup::One(one, others(one))),
        ([], []) => Err(UnknownProduct::new(name, side, among())),
        ([], _) => Ok(Lookup::Several(mentioned)),
        _ => {
            let more = mentioned.iter().filter(|one| called.iter().all(|other| other.id != one.id));
            Ok(Lookup::Several(called.iter().chain(more).copied().collect()))
        }
    }
}

/// The one proxy or server that a name means.
///
/// # Errors
/// When it means nobody, or several.
pub fn the(name: &str, side: ProductSide) -> Result<&'static Product, UnknownProduct> {
    match find(name, Some(side))? {
        Lookup::One(known, _) => Ok(known),
        Lookup::Several(several) => Err(UnknownProduct {
            name: name.to_owned(),
            side: Some(side),
            near: several.iter().map(|known| known.id).collect(),
            several: true,
        }),
    }
}

/// Nobody has this name, or several have.
#[derive(Debug)]
pub struct UnknownProduct {
    name: String,
    side: Option<ProductSide>,
    near: Vec<&'static str>,
    several: bool,
}

impl UnknownProduct {
    fn new(
        name: &str,
        side: Option<ProductSide>,
        among: impl Iterator<Item = &'static Product>,
    ) -> Self {
        let near = similar::near(name, among.flat_map(Product::names));
        Self { name: name.to_owned(), side, near, several: false }
    }
}

impl fmt::Display for UnknownProduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        if self.several {
            return write!(f, "'{name}' could be {}: say which", self.near.join(" or "));
        }
        let who = self.side.map_or("known proxy or server", ProductSide::name);
        write!(f, "no {who} is called '{name}'; ")?;
        similar::offer(&self.near, f)?;
        f.write_str("'why502 timeouts' lists them all")
    }
}

impl std::error::Error for UnknownProduct {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_entry_says_what_it_must() {
        for known in all() {
            let id = known.id;
            assert!(!known.name.is_empty() && !known.source.is_empty(), "{id}");
            assert!(known.knob.is_empty() || !known.fix.is_empty(), "{id}: how is it set?");
            assert!(known.place.is_empty() || !known.knob.is_empty(), "{id}: the place of what?");
            assert_eq!(known.read_knob.is_empty(), known.read_place.is_empty(), "{id}: where?");
            assert!(known.verified || !known.note.is_empty(), "{id}: what is not verified?");
            assert!(
                !known.verified || known.source != "no primary source found",
                "{id}: verified where?"
            );
            assert_eq!(known.checked.len(), "2026-11-20".len(), "{id}");
            assert_eq!(
                known.side == ProductSide::Proxy,
                !known.retries.is_empty(),
                "{id}: retries"
            );
            let lone = known.fix.replace("{s}", "").replace("{ms}", "").replace("{hms}", "");
            assert!(!lone.contains("{s") && !lone.contains("{m") && !lone.contains("{h"), "{id}");
        }
    }

    #[test]
    fn every_name_means_one_of_its_side() {
        for side in [ProductSide::Proxy, ProductSide::Server] {
            let mut names = BTreeSet::new();
            for known in all().filter(|known| known.side == side) {
                for name in known.names() {
                    assert!(names.insert(similar::joined(name)), "{name}");
                    assert_eq!(the(name, side).unwrap().id, known.id, "{name}");
                }
            }
        }
        let ids: BTreeSet<&str> = all().map(|known| known.id).collect();
        assert_eq!(ids.len(), all().count());
    }

    #[test]
    fn names_are_found_by_id_alias_and_part() {
        let one = |name| match find(name, None).unwrap() {
            Lookup::One(known, _) => known.id,
            Lookup::Several(several) => panic!("{name}: {several:?}"),
        };
        for (name, id) in [
            ("alb", "aws-alb"),
            ("AWS_ALB", "aws-alb"),
            ("tomcat", "tomcat"),
            ("Spring Boot", "spring-boot-tomcat"),
            ("ingress", "ingress-nginx"),
            ("gunicorn", "gunicorn"),
            ("gcp", "gclb-global"),
            ("nginx", "nginx"),
        ] {
            assert_eq!(one(name), id);
        }
        for name in ["node", "puma", "apache", "go"] {
            assert!(matches!(find(name, None), Ok(Lookup::Several(_))), "{name}");
        }
        assert_eq!(the("node", ProductSide::Server).unwrap().id, "node-pre26");
        assert_eq!(the("nginx", ProductSide::Server).unwrap().id, "nginx-backend");
        let said = the("puma", ProductSide::Server).unwrap_err().to_string();
        assert_eq!(said, "'puma' could be puma-pre7 or puma-7: say which");
        let said = the("gunicron", ProductSide::Server).unwrap_err().to_string();
        assert!(said.contains("did you mean gunicorn"), "{said}");
    }

    #[test]
    fn a_line_of_configuration_takes_the_time_in_its_own_unit() {
        let fix = |id| by_id(id).unwrap().fix_for(65);
        assert_eq!(fix("node-pre26"), "server.keepAliveTimeout = 65000");
        assert_eq!(fix("uvicorn"), "uvicorn app:app --timeout-keep-alive 65");
        assert!(fix("iis").ends_with(":00:01:05"));
    }
}
