//! The items of a Rust file, read by `syn`.

use anyhow::{Context as _, Result};
use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::{ImplItem, Item, TraitItem, Type};

use super::{Lines, Place, with_comments};

/// The places of the items that `name` designates: `run`, `Worker`,
/// `Worker::run`, `impl Worker`, `impl Default for Config`, `mod tests`, `use`.
pub fn find(text: &str, name: &str) -> Result<Vec<Place>> {
    let file = syn::parse_file(text).context("can't be read as Rust")?;
    if name == "use" {
        return Ok(uses(text, &file.items));
    }
    let wanted = squeeze(name);
    let mut places = Vec::new();
    for item in &file.items {
        if names(item).contains(&wanted) {
            places.push(Place::top(lines(text, item)));
        }
        for (inner, lines, within) in members(text, item) {
            if inner.contains(&wanted) {
                places.push(Place {
                    lines,
                    within: Some(within.clone()),
                });
            }
        }
    }
    Ok(places)
}

/// The items that each line stands in, unless they begin there.
pub fn scopes(text: &str, lines: &[usize]) -> Vec<Vec<String>> {
    let items = syn::parse_file(text).map_or_else(|_| Vec::new(), |file| file.items);
    let scope = |line: &usize| -> Vec<String> {
        let holds = |lines: Lines| lines.contains(line) && lines.start() < line;
        let Some(item) = items.iter().find(|item| holds(self::lines(text, item))) else {
            return Vec::new();
        };
        let inner = members(text, item).into_iter();
        let mut inner = inner.filter(|(_, lines, _)| holds(lines.clone()));
        let inner = inner.find_map(|(mut names, ..)| names.pop());
        title(item).into_iter().chain(inner).collect()
    };
    lines.iter().map(scope).collect()
}

/// The item that each line comes after, if an item begins there.
pub fn predecessors(text: &str, lines: &[usize]) -> Vec<Option<String>> {
    let items = syn::parse_file(text).map_or_else(|_| Vec::new(), |file| file.items);
    let top = items
        .iter()
        .map(|item| (title(item), self::lines(text, item)));
    let top: Vec<_> = top.collect();
    let blank = |range: std::ops::Range<usize>| {
        let mut between = text.lines().take(range.end - 1).skip(range.start - 1);
        between.all(|line| line.trim().is_empty())
    };
    let predecessor = |line: &usize| {
        let outer = items
            .iter()
            .zip(&top)
            .find(|(_, (_, lines))| lines.contains(line) && lines.start() < line);
        let siblings = outer.map_or_else(
            || top.clone(),
            |(item, _)| {
                let inner = members(text, item).into_iter();
                inner
                    .map(|(mut names, lines, _)| (names.pop(), lines))
                    .collect()
            },
        );
        let mut pairs = siblings.windows(2);
        let pair = pairs.find(|pair| {
            let (end, start) = (*pair[0].1.end(), *pair[1].1.start());
            (end + 1..=start).contains(line) && blank(*line..start)
        });
        pair.and_then(|pair| pair[0].0.clone())
    };
    lines.iter().map(predecessor).collect()
}

/// An item as one speaks of it: `impl Store`, `Worker`, `run`.
fn title(item: &Item) -> Option<String> {
    match item {
        Item::Impl(block) => Some(impl_title(block)),
        Item::Trait(owner) => Some(format!("trait {}", owner.ident)),
        Item::Mod(module) if module.content.is_none() => Some("les mod".to_owned()),
        Item::Mod(module) => Some(format!("mod {}", module.ident)),
        Item::Use(_) => Some("les use".to_owned()),
        other => names(other).pop(),
    }
}

/// The first run of `use`, `mod` and `extern crate` lines.
fn uses(text: &str, items: &[Item]) -> Vec<Place> {
    let opens = |item: &&Item| match item {
        Item::Use(_) | Item::ExternCrate(_) => true,
        Item::Mod(module) => module.content.is_none(),
        _ => false,
    };
    let run = items
        .iter()
        .skip_while(|item| !opens(item))
        .take_while(opens);
    let lines: Vec<Lines> = run.map(|item| lines(text, item)).collect();
    match (lines.first(), lines.last()) {
        (Some(first), Some(last)) => vec![Place::top(*first.start()..=*last.end())],
        _ => Vec::new(),
    }
}

/// The names under which an item is known.
fn names(item: &Item) -> Vec<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => match &item.ident {
            Some(ident) => ident,
            None => return Vec::new(),
        },
        Item::Mod(item) => return vec![format!("mod{}", item.ident)],
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Impl(item) => return impl_names(item),
        _ => return Vec::new(),
    };
    vec![ident.to_string()]
}

/// `impl Display for Error` is also known with its paths and parameters in full.
fn impl_names(item: &syn::ItemImpl) -> Vec<String> {
    let types = type_names(&item.self_ty);
    let Some((path, _)) = &item.trait_ else {
        return types.iter().map(|name| format!("impl{name}")).collect();
    };
    let traits = path_names(path);
    let pairs = traits
        .iter()
        .flat_map(|of| types.iter().map(move |to| format!("impl{of}for{to}")));
    pairs.collect()
}

fn type_names(ty: &Type) -> Vec<String> {
    match ty {
        Type::Path(path) => path_names(&path.path),
        other => vec![tokens(other)],
    }
}

/// The path as written, its last segment, and the identifier of that segment.
fn path_names(path: &syn::Path) -> Vec<String> {
    let mut names = vec![tokens(path)];
    if let Some(last) = path.segments.last() {
        names.push(tokens(last));
        names.push(last.ident.to_string());
    }
    names.sort();
    names.dedup();
    names
}

/// What stands inside an item: names, lines, and the item's own name.
fn members(text: &str, item: &Item) -> Vec<(Vec<String>, Lines, String)> {
    match item {
        Item::Impl(block) => {
            let owners = type_names(&block.self_ty);
            let within = impl_title(block);
            let known = block.items.iter().filter_map(|inner| {
                let ident = match inner {
                    ImplItem::Const(inner) => &inner.ident,
                    ImplItem::Fn(inner) => &inner.sig.ident,
                    ImplItem::Type(inner) => &inner.ident,
                    _ => return None,
                };
                let names = owners.iter().map(|owner| format!("{owner}::{ident}"));
                Some((names.collect(), lines(text, inner), within.clone()))
            });
            known.collect()
        }
        Item::Trait(owner) => {
            let within = format!("trait {}", owner.ident);
            let known = owner.items.iter().filter_map(|inner| {
                let ident = match inner {
                    TraitItem::Const(inner) => &inner.ident,
                    TraitItem::Fn(inner) => &inner.sig.ident,
                    TraitItem::Type(inner) => &inner.ident,
                    _ => return None,
                };
                let name = format!("{}::{ident}", owner.ident);
                Some((vec![name], lines(text, inner), within.clone()))
            });
            known.collect()
        }
        Item::Mod(module) => {
            let within = format!("mod {}", module.ident);
            let inner = module.content.iter().flat_map(|(_, items)| items);
            let known = inner.map(|inner| {
                let names = names(inner);
                let names = names.iter().map(|name| format!("{}::{name}", module.ident));
                (names.collect(), lines(text, inner), within.clone())
            });
            known.collect()
        }
        _ => Vec::new(),
    }
}

/// `impl Display for Error`, with short names.
fn impl_title(block: &syn::ItemImpl) -> String {
    let short = |path: &syn::Path| path.segments.last().map(tokens).unwrap_or_default();
    let owner = match block.self_ty.as_ref() {
        Type::Path(path) => short(&path.path),
        other => tokens(other),
    };
    match &block.trait_ {
        Some((path, _)) => format!("impl {} for {owner}", short(path)),
        None => format!("impl {owner}"),
    }
}

/// The lines of a syntax node, with the comments that stick to it.
fn lines(text: &str, node: &impl Spanned) -> Lines {
    let span = node.span();
    let is_comment = |line: &str| line.starts_with("//") && !line.starts_with("//!");
    with_comments(text, span.start().line, is_comment)..=span.end().line
}

fn tokens(node: &impl quote::ToTokens) -> String {
    let mut stream = TokenStream::new();
    node.to_tokens(&mut stream);
    squeeze(&stream.to_string())
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
//! A file.

mod inner;
use std::fmt;

/// Works.
#[derive(Debug)]
pub struct Worker {
    index: u32,
}

impl Worker {
    // Why it runs.
    pub async fn run(&self) -> u32 {
        self.index
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl From<std::io::Error> for Worker {
    fn from(_: std::io::Error) -> Self {
        Self { index: 0 }
    }
}

const LIMIT: u32 = 5;

fn run() {}

#[cfg(test)]
mod tests {
    fn run() {}
}
";

    fn place(name: &str) -> (usize, usize, Option<String>) {
        let places = find(TEXT, name).unwrap();
        assert_eq!(places.len(), 1, "{name}: {places:?}");
        let place = places[0].clone();
        (*place.lines.start(), *place.lines.end(), place.within)
    }

    #[test]
    fn items_are_found_by_name() {
        assert_eq!(place("use"), (3, 4, None));
        assert_eq!(place("Worker"), (6, 10, None));
        assert_eq!(place("impl Worker"), (12, 17, None));
        assert_eq!(place("LIMIT"), (31, 31, None));
        assert_eq!(place("run"), (33, 33, None));
        assert_eq!(place("mod tests"), (35, 38, None));
    }

    #[test]
    fn a_line_is_in_what_began_before_it() {
        let scopes = scopes(TEXT, &[1, 7, 13, 15, 35, 36]);
        assert_eq!(
            scopes,
            [
                vec![],
                vec!["Worker"],
                vec!["impl Worker"],
                vec!["impl Worker", "Worker::run"],
                vec![],
                vec!["mod tests"]
            ]
        );
    }

    #[test]
    fn an_item_comes_after_the_one_before_it() {
        let text = "use a;\n\nfn a() {}\n\n/// B.\nfn b() {\n    1\n}\n\nimpl A {\n    fn c() {}\n\n    fn d() {}\n}\n";
        let after = |line| predecessors(text, &[line]).remove(0);
        assert_eq!(after(5).as_deref(), Some("a"));
        assert_eq!(after(4).as_deref(), Some("a"));
        assert_eq!(after(10).as_deref(), Some("b"));
        assert_eq!(after(13).as_deref(), Some("A::c"));
        assert_eq!(after(3).as_deref(), Some("les use"));
        assert_eq!(after(7), None);
        assert_eq!(after(11), None);
    }

    #[test]
    fn methods_are_found_in_their_block_with_their_comments() {
        let within = Some("impl Worker".to_owned());
        assert_eq!(place("Worker::run"), (13, 16, within));
        let within = Some("mod tests".to_owned());
        assert_eq!(place("tests::run"), (37, 37, within));
    }

    #[test]
    fn trait_blocks_are_found_by_short_or_full_names() {
        assert_eq!(place("impl Display for Worker"), (19, 23, None));
        assert_eq!(place("impl fmt::Display for Worker"), (19, 23, None));
        assert_eq!(
            place("impl From<std::io::Error> for Worker"),
            (25, 29, None)
        );
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(find(TEXT, "Worker::stop").unwrap(), []);
        assert_eq!(find(TEXT, "impl Debug for Worker").unwrap(), []);
    }
}
