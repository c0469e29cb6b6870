//! What calls itself all of something is all of it.
//!
//! An enum that is walked through has a `const ALL`, which the compiler does not hold against the enum: a
//! new variant that is missing there is never shown, tried or found by its name.

use crate::source_tree::SourceTree;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Expr, ImplItem, Type};

/// Variants that an enum's `ALL` leaves out, and why.
const LEFT_OUT: &[(&str, &str, &str)] =
    &[("LogFormat", "Told", "it has no name to be told by: it is what a format string says")];

/// Enums and their variants, and what each `ALL` lists.
#[derive(Default)]
struct Lists {
    variants: BTreeMap<String, BTreeSet<String>>,
    /// By the enum's name: what is listed, or nothing where that is no list of variants.
    all: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl<'ast> Visit<'ast> for Lists {
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let variants = item.variants.iter().map(|variant| variant.ident.to_string());
        self.variants.insert(item.ident.to_string(), variants.collect());
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Type::Path(of) = &*item.self_ty
            && let Some(of) = of.path.segments.last()
        {
            for part in &item.items {
                if let ImplItem::Const(constant) = part
                    && constant.ident == "ALL"
                {
                    self.all.insert(of.ident.to_string(), listed(&constant.expr));
                }
            }
        }
        visit::visit_item_impl(self, item);
    }
}

/// The last names of the paths in an array.
fn listed(list: &Expr) -> Option<BTreeSet<String>> {
    match list {
        Expr::Reference(list) => listed(&list.expr),
        Expr::Array(list) => {
            let name = |one: &Expr| match one {
                Expr::Path(one) => one.path.segments.last().map(|last| last.ident.to_string()),
                _ => None,
            };
            list.elems.iter().map(name).collect()
        }
        _ => None,
    }
}

/// What is wrong with the lists in `texts`, apart from what is `left_out`.
fn missing<'t>(
    texts: impl Iterator<Item = &'t str>,
    left_out: &[(&str, &str, &str)],
) -> Vec<String> {
    let mut lists = Lists::default();
    for text in texts {
        lists.visit_file(&syn::parse_file(text).unwrap());
    }
    let mut told = Vec::new();
    for (of, all) in &lists.all {
        let (Some(variants), Some(all)) = (lists.variants.get(of), all) else {
            told.push(format!("{of}::ALL is no list of an enum's variants"));
            continue;
        };
        for variant in variants.difference(all) {
            if !left_out.iter().any(|(name, out, _)| name == of && out == variant) {
                told.push(format!("{of}::ALL lacks {variant}"));
            }
        }
    }
    for (of, variant, _) in left_out {
        let lists_it =
            |all: &Option<BTreeSet<String>>| all.as_ref().is_some_and(|all| all.contains(*variant));
        let is_variant = lists.variants.get(*of).is_some_and(|all| all.contains(*variant));
        if !is_variant || lists.all.get(*of).is_none_or(lists_it) {
            told.push(format!("{of}::ALL does not leave out {variant}: take it out of LEFT_OUT"));
        }
    }
    told
}

#[test]
fn all_is_all() {
    let files = &SourceTree::of_crate().files;
    let told = missing(files.iter().map(|file| file.text.as_str()), LEFT_OUT);
    assert!(told.is_empty(), "\n{}", told.join("\n"));
}

#[test]
fn a_list_that_lacks_something_is_found() {
    let found = |all: &str, left_out| {
        let text = format!("enum Fruit {{ Apple, Pear(u8) }} impl Fruit {{ const ALL: {all}; }}");
        missing([text.as_str()].into_iter(), left_out)
    };
    let pear: &[_] = &[("Fruit", "Pear", "it is always eaten")];
    assert!(found("[Self; 2] = [Self::Apple, Fruit::Pear(1)]", &[]).len() == 1, "no path");
    assert!(found("[Self; 2] = [Self::Pear, Fruit::Apple]", &[]).is_empty());
    assert!(found("&[Self] = &[Self::Pear, Self::Apple]", &[]).is_empty());
    assert_eq!(found("[Self; 1] = [Self::Apple]", &[]), ["Fruit::ALL lacks Pear"]);
    assert!(found("[Self; 1] = [Self::Apple]", pear).is_empty());
    let gone = ["Fruit::ALL does not leave out Pear: take it out of LEFT_OUT"];
    assert_eq!(found("[Self; 2] = [Self::Apple, Self::Pear]", pear), gone);
    assert_eq!(found("u8 = 2", &[]), ["Fruit::ALL is no list of an enum's variants"]);
}
