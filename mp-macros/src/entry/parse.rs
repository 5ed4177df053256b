//! Reads a function as a main or as a test, and words every refusal.
//! What becomes of it stands in `expand`.

use crate::attributes::Attributes;
use crate::fallback::Refusals;
use crate::function::Function;
use crate::options::Options;
use crate::paths::Root;
use syn::{Safety, Signature};

/// A function that starts a program or a test.
pub(super) struct Entry {
    pub(super) root: Root,
    pub(super) function: Function,
    pub(super) attributes: Attributes,
}

impl Entry {
    fn new(options: Options, function: Function) -> Self {
        let attributes = Attributes::sort(&function.attributes);
        Self { root: options.root, function, attributes }
    }
}

/// Reads `main`; every mistake goes to `refusals`.
pub(super) fn main(options: Options, function: Function, refusals: &mut Refusals) -> Entry {
    let main = Entry::new(options, function);
    if let Some(again) = main.attributes.again("main") {
        refusals.add(again, "`#[mp::main]` stands here twice: leave one out");
    }
    let signature = &main.function.signature;
    if signature.ident != "main" {
        refusals.add(
            &signature.ident,
            "`#[mp::main]` belongs on `fn main`: elsewhere, call `mp::init()` first thing in main",
        );
    }
    if let Some(asyncness) = &signature.asyncness
        && main.attributes.function.is_empty()
    {
        refusals.add(
            asyncness,
            "`main` cannot be `async` by itself: put a runtime's attribute, such as \
             `#[tokio::main]`, below `#[mp::main]`",
        );
    }
    refuse_qualifiers(signature, "`main`", refusals);
    refuse_parameters(signature, "`main`", refusals);
    main
}

/// Reads a test; every mistake goes to `refusals`.
pub(super) fn test(options: Options, function: Function, refusals: &mut Refusals) -> Entry {
    let test = Entry::new(options, function);
    if let Some(again) = test.attributes.again("test") {
        refusals.add(again, "`#[mp::test]` stands here twice: leave one out");
        return test;
    }
    let signature = &test.function.signature;
    // Others may give arguments to the function, or run its future; they say what they refuse.
    if test.attributes.make_test() {
        return test;
    }
    if let Some(asyncness) = &signature.asyncness {
        refusals.add(
            asyncness,
            "a test cannot be `async` by itself: put a runtime's attribute, such as \
             `#[tokio::test]`, below `#[mp::test]`",
        );
    }
    refuse_qualifiers(signature, "a test", refusals);
    refuse_parameters(signature, "a test", refusals);
    test
}

fn refuse_qualifiers(signature: &Signature, what: &str, refusals: &mut Refusals) {
    if let Safety::Unsafe(token) = &signature.safety {
        refusals.add(token, format!("{what} cannot be `unsafe`: put an `unsafe` block into it"));
    }
    if let Some(abi) = &signature.abi {
        refusals.add(abi, format!("{what} cannot have a foreign ABI"));
    }
}

fn refuse_parameters(signature: &Signature, what: &str, refusals: &mut Refusals) {
    if !signature.inputs.is_empty() {
        refusals.add(&signature.inputs, format!("{what} takes no parameters"));
    } else if let Some(variadic) = &signature.variadic {
        refusals.add_shared(variadic, format!("{what} takes no parameters"));
    }
    if !signature.generics.params.is_empty() {
        refusals.add(&signature.generics, format!("{what} cannot be generic"));
    } else if let Some(clause) = &signature.generics.where_clause {
        refusals.add(clause, format!("{what} has no `where` clause"));
    }
}
