//! Which of a function's attributes goes to which of the items made from it.
//! What those items are stands in the `expand` files.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

/// Lints that look at an item from outside; the others look into the function.
const OUTER_LINTS: [&str; 3] = ["dead_code", "missing_docs", "unreachable_pub"];

/// A function's attributes, sorted by where they take effect.
#[derive(Default)]
pub(crate) struct Attributes {
    /// Conditions: on every item.
    pub(crate) conditions: Vec<Attribute>,
    /// Documentation and deprecation: on the item that people see.
    pub(crate) face: Vec<Attribute>,
    /// Levels of lints, on that item.
    pub(crate) outer_lints: Vec<Attribute>,
    /// Levels of lints, on the function.
    pub(crate) inner_lints: Vec<Attribute>,
    /// Everything else, such as `#[inline]` or another macro: on the function.
    pub(crate) function: Vec<Attribute>,
}

impl Attributes {
    pub(crate) fn sort(attributes: &[Attribute]) -> Self {
        let mut sorted = Self::default();
        for attribute in attributes.iter().flat_map(flatten) {
            sorted.place(attribute);
        }
        sorted
    }

    /// What of `face` holds for a second public item too: `#[doc(hidden)]`, but no text.
    pub(crate) fn shared_face(&self) -> impl Iterator<Item = &Attribute> {
        self.face.iter().filter(|attribute| {
            let meta = effect(attribute);
            meta.path().is_ident("doc") && matches!(meta, Meta::List(_))
        })
    }

    /// The library's own attribute of that name, where it stands on the function once more. A bare
    /// `main` or `test` may be a runtime's, imported.
    pub(crate) fn again(&self, name: &str) -> Option<&Attribute> {
        self.function.iter().find(|attribute| {
            let path = effect(attribute).path().clone();
            let is = |at: usize, name: &str| {
                path.segments.get(at).is_some_and(|segment| segment.ident == name)
            };
            match path.segments.len() {
                1 => name == "task" && is(0, name),
                2 => is(0, "mp") && is(1, name),
                _ => false,
            }
        })
    }

    /// Whether a macro that makes a test of the function is among them.
    pub(crate) fn make_test(&self) -> bool {
        self.function.iter().any(|attribute| {
            effect(attribute).path().segments.last().is_some_and(|last| {
                let name = last.ident.to_string();
                name.ends_with("test") || name == "test_case"
            })
        })
    }

    fn place(&mut self, attribute: Attribute) {
        let meta = effect(&attribute);
        let path = meta.path();
        let is = |name: &&str| path.is_ident(name);
        if path.is_ident("cfg") {
            self.conditions.push(attribute);
        } else if path.is_ident("doc") || path.is_ident("deprecated") {
            self.face.push(attribute);
        } else if ["allow", "warn", "deny", "forbid"].iter().any(is) {
            self.outer_lints.push(attribute.clone());
            self.inner_lints.push(attribute);
        } else if path.is_ident("expect") {
            self.place_expectation(&attribute, &meta);
        } else {
            self.function.push(attribute);
        }
    }

    /// Splits `#[expect(..)]`: an expectation must stand where it is fulfilled, and only there.
    fn place_expectation(&mut self, attribute: &Attribute, meta: &Meta) {
        let Some(entries) = entries(meta) else {
            self.inner_lints.push(attribute.clone());
            return;
        };
        let (reasons, lints): (Vec<Meta>, Vec<Meta>) =
            entries.into_iter().partition(|entry| matches!(entry, Meta::NameValue(_)));
        let (outer, inner): (Vec<Meta>, Vec<Meta>) = lints
            .into_iter()
            .partition(|lint| OUTER_LINTS.iter().any(|name| lint.path().is_ident(name)));
        let condition = conditional(attribute).map(|it| it.0);
        for (lints, place) in [(outer, &mut self.outer_lints), (inner, &mut self.inner_lints)] {
            if !lints.is_empty() {
                let path = meta.path();
                let expectation = quote!(#path(#(#lints,)* #(#reasons),*));
                place.push(attach(condition.as_ref(), &expectation));
            }
        }
    }
}

/// Makes `#[cfg_attr(c, a, b)]` into `#[cfg_attr(c, a)] #[cfg_attr(c, b)]`.
fn flatten(attribute: &Attribute) -> Vec<Attribute> {
    let entries = match attribute.path().is_ident("cfg_attr") {
        true => entries(&attribute.meta).unwrap_or_default(),
        false => Vec::new(),
    };
    match entries.split_first() {
        Some((condition, given)) if !given.is_empty() => {
            given.iter().map(|one| attach(Some(condition), &quote!(#one))).collect()
        }
        _ => vec![attribute.clone()],
    }
}

/// The condition and the attribute of `#[cfg_attr(condition, attribute)]`.
fn conditional(attribute: &Attribute) -> Option<(Meta, Meta)> {
    if !attribute.path().is_ident("cfg_attr") {
        return None;
    }
    let mut entries = entries(&attribute.meta)?.into_iter();
    Some((entries.next()?, entries.next()?))
}

/// The attribute without its condition.
fn effect(attribute: &Attribute) -> Meta {
    conditional(attribute).map_or_else(|| attribute.meta.clone(), |(_, meta)| meta)
}

fn attach(condition: Option<&Meta>, attribute: &TokenStream) -> Attribute {
    match condition {
        Some(condition) => parse_quote!(#[cfg_attr(#condition, #attribute)]),
        None => parse_quote!(#[#attribute]),
    }
}

fn entries(meta: &Meta) -> Option<Vec<Meta>> {
    let list = meta.require_list().ok()?;
    let entries = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    Some(entries.into_iter().collect())
}
