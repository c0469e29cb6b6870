//! The sources as the compiler would read them: which file takes what from which, and what stands in
//! each.
//!
//! Every file of `src` is parsed once, a path is followed through `use` and `pub use` to the file that
//! holds the definition, and what is kept are names and lines. Modules of tests are left out.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;
use std::{fs, mem};
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Item, Meta, Signature, Stmt, UseTree, Visibility};

/// A path in its parts: `["crate", "flow", "Twin"]`.
type Segments = Vec<String>;

/// A longer chain of re-exports goes round.
const LONGEST_CHAIN: usize = 16;

/// All files, and the modules in them.
pub struct SourceTree {
    pub files: Vec<SourceFile>,
    modules: Vec<Module>,
    /// Modules that a path can lead to. What stands in for another is none.
    by_path: BTreeMap<Segments, usize>,
    /// What files take of others, each thing once, at its first line.
    pub imports: Vec<Import>,
}

/// One file, with its path below `src`.
pub struct SourceFile {
    pub path: String,
    pub text: String,
    /// Lines that are neither blank nor a comment, tests left out.
    pub code_lines: usize,
    pub functions: Vec<Function>,
    pub types: Vec<DeclaredType>,
    mentions: Vec<Mention>,
}

pub struct Function {
    pub name: String,
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

/// A struct, an enum, a trait or an alias of a type, in a module rather than in a function.
pub struct DeclaredType {
    pub name: String,
    pub line: usize,
    /// Two of one name in one module are one thing, built in two ways.
    pub module: String,
}

/// One file takes something of another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    pub line: usize,
    /// Where the definition stands, whatever re-exports it.
    pub to: String,
    pub item: String,
}

/// A path, where it stands in a file.
struct Mention {
    module: usize,
    path: Segments,
    line: usize,
    stands: Stands,
}

/// Where a path stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Code,
    Use,
    PubUse,
}

#[derive(Default)]
struct Module {
    path: Segments,
    file: usize,
    defines: BTreeSet<String>,
    /// Those of them that something can be in.
    types: BTreeSet<String>,
    imports: BTreeMap<String, Vec<Segments>>,
    globs: Vec<Segments>,
}

enum Found {
    Module(usize),
    Item(usize, String),
}

impl SourceTree {
    /// This crate's, read at the first call.
    pub fn of_crate() -> &'static Self {
        static TREE: OnceLock<SourceTree> = OnceLock::new();
        TREE.get_or_init(|| {
            let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
            let mut texts = Vec::new();
            let mut folders = vec![src.clone()];
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        folders.push(path);
                    } else if path.extension().is_some_and(|kind| kind == "rs") {
                        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
                        texts.push((name, fs::read_to_string(&path).unwrap()));
                    }
                }
            }
            texts.sort();
            Self::of(texts)
        })
    }

    /// Of files by their paths below `src`, `lib.rs` among them.
    pub fn of(texts: Vec<(String, String)>) -> Self {
        let mut tree = Self {
            files: Vec::new(),
            modules: Vec::new(),
            by_path: BTreeMap::new(),
            imports: Vec::new(),
        };
        for (at, (name, _)) in texts.iter().enumerate() {
            let path = module_path(name);
            // In a build without a feature, `disabled.rs` is the room: nothing else leads to it.
            if !is_stand_in(name) {
                tree.by_path.insert(path.clone(), at);
            }
            tree.modules.push(Module { path, file: at, ..Module::default() });
        }
        for (at, (path, text)) in texts.into_iter().enumerate() {
            let parsed = syn::parse_file(&text)
                .unwrap_or_else(|error| panic!("src/{path} cannot be parsed: {error}"));
            let mut reader = Reader {
                tree: &mut tree,
                file: SourceFile {
                    path,
                    text: String::new(),
                    code_lines: 0,
                    functions: Vec::new(),
                    types: Vec::new(),
                    mentions: Vec::new(),
                },
                module: at,
                blocks: Vec::new(),
                tests: Vec::new(),
            };
            reader.visit_file(&parsed);
            let Reader { mut file, tests, .. } = reader;
            let of_tests =
                |line: usize| tests.iter().any(|(from, to)| (*from..=*to).contains(&line));
            file.code_lines = (1..)
                .zip(text.lines())
                .filter(|(line, _)| !of_tests(*line))
                .filter(|(_, text)| !text.trim().is_empty() && !text.trim().starts_with("//"))
                .count();
            file.text = text;
            tree.files.push(file);
        }
        tree.imports = tree.find_imports();
        tree
    }

    fn find_imports(&self) -> Vec<Import> {
        let mut first: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
        for file in &self.files {
            for mention in &file.mentions {
                // `use` of a module brings a function of that name, too: a call will tell.
                if mention.stands != Stands::Code && self.is_module(mention) {
                    continue;
                }
                // A module is a way to something: what is taken by it counts.
                if let Some(Found::Item(module, item)) = self.find(mention.module, &mention.path, 0)
                {
                    let to = &self.files[self.modules[module].file];
                    let own = &self.modules[mention.module].path;
                    // A room's door hands on what stands in the room, and does not use it.
                    let door = mention.stands == Stands::PubUse
                        && self.modules[module].path.starts_with(own);
                    if to.path != file.path && !door {
                        let line = first.entry((&file.path, &to.path, item)).or_insert(usize::MAX);
                        *line = mention.line.min(*line);
                    }
                }
            }
        }
        let import = |((from, to, item), line): ((&str, &str, String), usize)| Import {
            from: from.to_owned(),
            line,
            to: to.to_owned(),
            item,
        };
        first.into_iter().map(import).collect()
    }

    /// The rooms that files name by `crate::` or `super::`: file, line and room.
    pub fn named_rooms(&self) -> Vec<(&str, usize, String)> {
        let mut named = Vec::new();
        for file in &self.files {
            for Mention { module, path, line, .. } in &file.mentions {
                let own = &self.modules[*module].path;
                let ups = path.iter().take_while(|part| *part == "super").count();
                let room = match path.first().map(String::as_str) {
                    Some("crate") => path.get(1),
                    Some("super") if ups == own.len() => path.get(ups),
                    _ => None,
                };
                named.extend(room.map(|room| (file.path.as_str(), *line, room.clone())));
            }
        }
        named
    }

    fn is_module(&self, mention: &Mention) -> bool {
        let Some((last, way)) = mention.path.split_last() else { return false };
        let Some(Found::Module(outer)) = self.find(mention.module, way, 0) else { return false };
        let path = self.modules[outer].path.iter().chain([last]).cloned().collect::<Segments>();
        self.by_path.contains_key(&path)
    }

    /// What a path leads to, as it is read in `module`.
    fn find(&self, module: usize, path: &[String], depth: usize) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.find_in(*self.by_path.get(&Segments::new())?, rest, depth),
            "self" => self.find_in(module, rest, depth),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let own = &self.modules[module].path;
                let above = own.get(..own.len().checked_sub(ups)?)?;
                self.find_in(*self.by_path.get(above)?, &path[ups..], depth)
            }
            _ => self.find_in(module, path, depth),
        }
    }

    fn find_in(&self, module: usize, path: &[String], depth: usize) -> Option<Found> {
        let Some((name, rest)) = path.split_first() else { return Some(Found::Module(module)) };
        if depth > LONGEST_CHAIN {
            return None;
        }
        let this = &self.modules[module];
        let child: Segments = this.path.iter().chain([name]).cloned().collect();
        let child = self.by_path.get(&child).copied();
        // A function may be called as its module is: with more behind it, the module is meant.
        if !rest.is_empty()
            && let Some(found) = child.and_then(|child| self.find_in(child, rest, depth))
        {
            return Some(found);
        }
        let own = if rest.is_empty() { &this.defines } else { &this.types };
        if own.contains(name) {
            return Some(Found::Item(module, name.clone()));
        }
        let mut way = None;
        for target in this.imports.get(name).into_iter().flatten() {
            let whole: Segments = target.iter().chain(rest).cloned().collect();
            match self.find(module, &whole, depth + 1) {
                Some(Found::Module(found)) => way = Some(Found::Module(found)),
                Some(item) => return Some(item),
                None => {}
            }
        }
        let way = way.or_else(|| child.filter(|_| rest.is_empty()).map(Found::Module));
        way.or_else(|| {
            this.globs.iter().find_map(|glob| match self.find(module, glob, depth + 1)? {
                Found::Module(of) if of != module => self.find_in(of, path, depth + 1),
                _ => None,
            })
        })
    }
}

impl SourceFile {
    /// The top-level room: `exchange` of `exchange/http1/head.rs`, `run` of `run.rs`.
    pub fn room(&self) -> &str {
        room(&self.path)
    }

    /// Every path that is written outside of tests, `use` taken apart, with its line.
    pub fn paths(&self) -> impl Iterator<Item = (usize, &[String])> {
        self.mentions.iter().map(|mention| (mention.line, mention.path.as_slice()))
    }
}

/// The top-level room of a file.
pub fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Whether a file stands in for its room in a program built without a feature.
pub fn is_stand_in(file: &str) -> bool {
    file.ends_with("/disabled.rs")
}

fn module_path(file: &str) -> Segments {
    let mut path: Segments = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if file == "lib.rs" || file.ends_with("/mod.rs") || is_stand_in(file) {
        path.pop();
    }
    path
}

/// Walks through one file.
struct Reader<'t> {
    tree: &'t mut SourceTree,
    file: SourceFile,
    module: usize,
    /// What the blocks around import, or (with no path) define.
    blocks: Vec<BTreeMap<String, Vec<Segments>>>,
    /// First and last lines of modules of tests.
    tests: Vec<(usize, usize)>,
}

impl Reader<'_> {
    fn mention(&mut self, path: Segments, line: usize) {
        let Some(first) = path.first() else { return };
        let local = self.blocks.iter().rev().find_map(|block| block.get(first)).cloned();
        let module = self.module;
        match local {
            None => self.file.mentions.push(Mention { module, path, line, stands: Stands::Code }),
            Some(targets) => {
                for mut whole in targets {
                    whole.extend_from_slice(&path[1..]);
                    let mention = Mention { module, path: whole, line, stands: Stands::Code };
                    self.file.mentions.push(mention);
                }
            }
        }
    }

    /// Paths in the tokens of a macro or an attribute.
    fn scan(&mut self, tokens: TokenStream, of_attribute: bool) {
        let mut path = Segments::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.mention(mem::take(&mut path), line);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.mention(mem::take(&mut path), line);
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.scan(group.stream(), of_attribute),
                        // `#[serde(serialize_with = "path")]`
                        TokenTree::Literal(text) if of_attribute => {
                            let line = text.span().start().line;
                            let text = text.to_string();
                            if let Ok(path) = syn::parse_str::<syn::Path>(text.trim_matches('"')) {
                                self.mention(segments(&path), line);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        self.mention(path, line);
    }

    fn function(&mut self, signature: &Signature, body: &Block) {
        let line = signature.fn_token.span.start().line;
        let end = body.brace_token.span.close().end().line;
        let name = signature.ident.to_string();
        self.file.functions.push(Function { name, line, lines: end - line + 1 });
    }

    fn declare(&mut self, item: &Item) {
        if let Item::Use(import) = item {
            for (path, name, _) in leaves(import) {
                let module = &mut self.tree.modules[self.module];
                match name {
                    Some(name) => module.imports.entry(name).or_default().push(path),
                    None => module.globs.push(path),
                }
            }
        }
        let Some(ident) = declared(item) else { return };
        let name = ident.to_string();
        let is_type = matches!(
            item,
            Item::Struct(_)
                | Item::Enum(_)
                | Item::Union(_)
                | Item::Trait(_)
                | Item::TraitAlias(_)
                | Item::Type(_)
        );
        if is_type {
            self.file.types.push(DeclaredType {
                name: name.clone(),
                line: ident.span().start().line,
                module: self.tree.modules[self.module].path.join("::"),
            });
        }
        let module = &mut self.tree.modules[self.module];
        if is_type {
            module.types.insert(name.clone());
        }
        module.defines.insert(name);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Some(line) = for_tests(attributes(item)) {
            if let Item::Mod(module) = item
                && let Some((braces, _)) = &module.content
            {
                self.tests.push((line, braces.span.close().end().line));
            }
            return;
        }
        if self.blocks.is_empty() {
            self.declare(item);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_none() {
            return;
        }
        let tree = &mut *self.tree;
        let own = &tree.modules[self.module];
        let path: Segments = own.path.iter().cloned().chain([item.ident.to_string()]).collect();
        let (file, inner) = (own.file, tree.modules.len());
        // Beside a file of the same name it stands in for that.
        tree.by_path.entry(path.clone()).or_insert(inner);
        tree.modules.push(Module { path, file, ..Module::default() });
        let outer = mem::replace(&mut self.module, inner);
        let blocks = mem::take(&mut self.blocks);
        visit::visit_item_mod(self, item);
        self.module = outer;
        self.blocks = blocks;
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        let own = matches!(import.vis, Visibility::Inherited);
        let stands = if own { Stands::Use } else { Stands::PubUse };
        for (path, _, line) in leaves(import) {
            self.file.mentions.push(Mention { module: self.module, path, line, stands });
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let mut scope: BTreeMap<String, Vec<Segments>> = BTreeMap::new();
        for statement in &block.stmts {
            match statement {
                Stmt::Item(Item::Use(import)) => {
                    for (path, name, _) in leaves(import) {
                        scope.entry(name.unwrap_or_default()).or_default().push(path);
                    }
                }
                Stmt::Item(item) => {
                    scope.extend(declared(item).map(|name| (name.to_string(), Vec::new())));
                }
                _ => {}
            }
        }
        self.blocks.push(scope);
        visit::visit_block(self, block);
        self.blocks.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let line = path.segments.first().map_or(0, |first| first.ident.span().start().line);
            self.mention(segments(path), line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.scan(call.tokens.clone(), false);
        visit::visit_macro(self, call);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.scan(list.tokens.clone(), true);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if for_tests(&function.attrs).is_none() {
            self.function(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.function(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

fn segments(path: &syn::Path) -> Segments {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// What a `use` brings: the path, the name here (none if everything in it), and the line.
fn leaves(import: &syn::ItemUse) -> Vec<(Segments, Option<String>, usize)> {
    fn walk(tree: &UseTree, before: &[String], found: &mut Vec<(Segments, Option<String>, usize)>) {
        let with = |ident: &proc_macro2::Ident| {
            let mut path = before.to_vec();
            // `flow::{self}` is `flow`.
            if ident != "self" || path.is_empty() {
                path.push(ident.to_string());
            }
            path
        };
        match tree {
            UseTree::Path(part) => walk(&part.tree, &with(&part.ident), found),
            UseTree::Name(leaf) => {
                let path = with(&leaf.ident);
                found.push((path.clone(), path.last().cloned(), leaf.ident.span().start().line));
            }
            UseTree::Rename(leaf) => {
                let name = leaf.rename.to_string();
                found.push((with(&leaf.ident), Some(name), leaf.ident.span().start().line));
            }
            UseTree::Glob(leaf) => {
                let line = leaf.star_token.spans[0].start().line;
                found.push((before.to_vec(), None, line));
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| walk(tree, before, found));
            }
        }
    }
    let mut found = Vec::new();
    if import.leading_colon.is_none() {
        walk(&import.tree, &[], &mut found);
    }
    found
}

/// The name that an item gives to something.
fn declared(item: &Item) -> Option<&proc_macro2::Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::TraitAlias(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The line of `#[cfg(test)]`, if it is there.
fn for_tests(attributes: &[Attribute]) -> Option<usize> {
    let told = attributes.iter().find(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })?;
    Some(told.pound_token.span.start().line)
}

/// The imports of a small crate, as `from -> to item`.
fn imports_of(files: &[(&str, &str)]) -> Vec<String> {
    let text = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let tree = SourceTree::of(files.iter().map(text).collect());
    let told = |import: &Import| format!("{} -> {} {}", import.from, import.to, import.item);
    tree.imports.iter().map(told).collect()
}

/// A crate with a room whose door hands on what stands in its files.
const ROOM: [(&str, &str); 4] = [
    ("lib.rs", "pub mod flow; pub mod taker;"),
    ("flow/mod.rs", "mod key; mod alias; pub use key::{Key, Key as Name}; pub use alias::*;"),
    ("flow/key.rs", "pub struct Key; pub fn key() {}"),
    ("flow/alias.rs", "pub enum Twin { One } pub mod inner { pub const LIMIT: u8 = 1; }"),
];

fn taken(text: &str) -> Vec<String> {
    let mut files = ROOM.to_vec();
    files.push(("taker.rs", text));
    imports_of(&files)
}

#[test]
fn what_is_imported_is_followed_to_its_definition() {
    let key = ["taker.rs -> flow/key.rs Key"];
    assert_eq!(taken("use crate::flow::Key;"), key);
    assert_eq!(taken("use super::flow::{self, Name as Other};"), key);
    assert_eq!(taken("use crate::{flow::{Key}};"), key);
    assert_eq!(taken("use crate::flow; fn f(_: flow::Name) {}"), key);
    assert_eq!(taken("use crate::flow as f; fn f(_: Vec<f::Key>) {}"), key);
    assert_eq!(taken("fn f(_: crate::flow::Key) {}"), key);
    assert_eq!(taken("fn f() { use crate::flow as f; f::Key; }"), key);
    assert_eq!(taken("fn f() { assert!(matches!(1, crate::flow::Key)); }"), key);
    assert_eq!(taken("struct S { #[serde(with = \"crate::flow::Key\")] a: u8 }"), key);
    assert_eq!(taken("mod inner { fn f(_: super::super::flow::Key) {} }"), key);
    assert_eq!(taken("use crate::flow::*; fn f(_: Key) {}"), key);
    // A function may be called as its module is.
    let function = ["taker.rs -> flow/key.rs key"];
    assert!(taken("use crate::flow::key;").is_empty());
    assert_eq!(taken("use crate::flow::key; fn f() { key::key() }"), function);
    assert_eq!(taken("use crate::flow::key::key; fn f() { key() }"), function);
    let twin = ["taker.rs -> flow/alias.rs Twin"];
    assert_eq!(taken("use crate::flow::Twin;"), twin);
    assert_eq!(taken("fn f() { crate::flow::Twin::One; }"), twin);
    assert_eq!(taken("use crate::flow::inner::LIMIT;"), ["taker.rs -> flow/alias.rs LIMIT"]);
}

#[test]
fn what_is_not_used_is_not_imported() {
    assert!(taken("use crate::flow;").is_empty());
    assert!(taken("#[cfg(test)] mod tests { use crate::flow::Key; }").is_empty());
    assert!(taken("fn f() { struct Key; let _: Key; }").is_empty());
    assert!(
        taken("use std::collections::BTreeMap; fn f(_: BTreeMap<u8, Option<u8>>) {}").is_empty()
    );
}

#[test]
fn a_door_uses_of_its_room_what_it_names_again() {
    let door =
        |text| imports_of(&[("lib.rs", "mod a;"), ("a/mod.rs", text), ("a/b.rs", "pub struct B;")]);
    assert!(door("mod b; pub use b::B;").is_empty());
    assert_eq!(door("mod b; pub use b::B; fn f(_: B) {}"), ["a/mod.rs -> a/b.rs B"]);
    assert_eq!(taken("pub use crate::flow::Key;"), ["taker.rs -> flow/key.rs Key"]);
}

#[test]
fn a_stand_in_takes_what_it_names_and_gives_nothing() {
    let imports = imports_of(&[
        ("lib.rs", "pub mod live; pub mod taker;"),
        ("live/mod.rs", "mod segments; pub use segments::Segments;"),
        ("live/segments.rs", "pub struct Segments;"),
        ("live/disabled.rs", "use super::taker::LIMIT; pub enum Segments {} impl Segments {}"),
        ("taker.rs", "use crate::live::Segments; pub const LIMIT: u8 = 1;"),
    ]);
    let expected = ["live/disabled.rs -> taker.rs LIMIT", "taker.rs -> live/segments.rs Segments"];
    assert_eq!(imports, expected);
}

#[test]
fn tables_comments_and_tests_are_no_functions() {
    let text = "//! A file.\n\n/// A table.\nconst T: [u8; 2] = [\n    1,\n    2,\n];\n\nfn f(\n) \
                {\n}\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";
    let tree = SourceTree::of(vec![("lib.rs".to_owned(), text.to_owned())]);
    let [file] = tree.files.as_slice() else { panic!("one file") };
    assert_eq!(file.code_lines, 7);
    let [function] = file.functions.as_slice() else { panic!("one function") };
    assert_eq!((function.name.as_str(), function.line, function.lines), ("f", 9, 3));
}
