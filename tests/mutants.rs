//! The changes that `tests/mutants/run` makes of the code still have their place in it. That they are
//! noticed is for that script to say: it takes minutes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use toml::de::DeTable;

#[test]
fn every_change_has_one_place_in_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = fs::read_to_string(root.join("tests/mutants/changes.toml")).unwrap();
    let told = DeTable::parse(&told).unwrap().into_inner();
    let mut names = BTreeSet::new();
    for one in told["change"].get_ref().as_array().unwrap() {
        let one = one.get_ref().as_table().unwrap();
        let of = |key: &str| one.get(key).map(|value| value.get_ref().as_str().unwrap());
        let name = of("name").unwrap();
        let (is, becomes) = (of("is").unwrap(), of("becomes").unwrap());
        assert!(names.insert(name), "{name}: there are two");
        assert!(is != becomes && of("wrong").is_some(), "{name}: changes nothing");
        let file = of("file").unwrap();
        let code = fs::read_to_string(root.join(file)).unwrap_or_default();
        let within = of("within").unwrap_or(is);
        assert_eq!(code.matches(within).count(), 1, "{name}: in {file}: {within}");
        assert_eq!(within.matches(is).count(), 1, "{name}: {is}");
    }
}
