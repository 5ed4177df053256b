//! Reads a function as a task, and words every refusal of its signature.
//! The types in it are judged in `travel`; what becomes of it stands in `expand`.

use crate::attributes::Attributes;
use crate::fallback::Refusals;
use crate::function::Function;
use crate::options::Options;
use crate::paths::Root;
use crate::task::travel::{self, Context};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{
    FnArg, GenericParam, Generics, Ident, LitStr, PatIdent, PatType, ReturnType, Safety, Signature,
    Type, parse_quote,
};

/// As many as std implements its traits for tuples of.
pub(crate) const MAX_PARAMETERS: usize = 12;

pub(super) const METHOD: &str = "a method cannot be a task: write a function outside the `impl` \
                                 that takes the value as a parameter";

/// A function that can be a task.
pub(super) struct Task {
    pub(super) root: Root,
    /// The name that was given, in place of the function's path.
    pub(super) name: Option<LitStr>,
    /// What the task is called, where the function keeps its own name.
    pub(super) alias: Option<Ident>,
    pub(super) function: Function,
    pub(super) attributes: Attributes,
    pub(super) parameters: Vec<Parameter>,
    pub(super) output: Type,
    /// Whether it looks like a part of an `impl`; it is refused then.
    pub(super) is_associated: bool,
}

/// One parameter's type.
pub(crate) struct Parameter {
    /// As the user wrote it.
    pub(crate) declared: Type,
    /// As a part of `type Args<'mp>`.
    pub(crate) sent: Type,
}

impl Task {
    /// Reads what it can; every mistake goes to `refusals`, and such a task is not expanded.
    pub(super) fn new(options: Options, function: Function, refusals: &mut Refusals) -> Self {
        let Options { root, name, alias, .. } = options;
        let signature = &function.signature;
        refuse_qualifiers(signature, refusals);
        refuse_generics(&signature.generics, refusals);
        refuse_inputs(signature, refusals);
        match &alias {
            Some(alias) if *alias == signature.ident => {
                refusals.add(alias, "the task needs another name than the function has");
            }
            Some(_) => {}
            None if signature.ident == "mp" => {
                refusals.add(
                    &signature.ident,
                    "a task called `mp` would hide the library: give it another name",
                );
            }
            None => refuse_own_name(signature, refusals),
        }

        let has_receiver = signature.receiver().is_some();
        let declared = signature.generics.lifetimes().map(|it| it.lifetime.ident.clone()).collect();
        let mut context = Context { refusals, declared, found_self: has_receiver };
        let parameters = typed(signature)
            .map(|parameter| Parameter {
                declared: (*parameter.ty).clone(),
                sent: travel::parameter(&parameter.ty, &mut context),
            })
            .collect();
        let output = match &signature.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, declared) => travel::output(declared, &mut context),
        };
        let is_associated = context.found_self;
        let attributes = Attributes::sort(&function.attributes);
        if let Some(again) = attributes.again("task") {
            refusals.add(again, "`#[mp::task]` stands here twice: leave one out");
        }
        Self { root, name, alias, function, attributes, parameters, output, is_associated }
    }

    /// What the user calls the task.
    pub(super) fn ident(&self) -> &Ident {
        self.alias.as_ref().unwrap_or(&self.function.signature.ident)
    }
}

pub(crate) fn typed(signature: &Signature) -> impl Iterator<Item = &PatType> {
    signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(parameter) => Some(parameter),
        FnArg::Receiver(_) => None,
    })
}

fn refuse_qualifiers(signature: &Signature, refusals: &mut Refusals) {
    if let Some(asyncness) = &signature.asyncness {
        refusals.add(
            asyncness,
            "a task cannot be `async`: write a plain function that starts a runtime and blocks on \
             the future",
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        refusals.add(
            token,
            "a task cannot be `unsafe`, since a pool would call it unseen: write a safe function \
             with an `unsafe` block in it",
        );
    }
    if let Some(abi) = &signature.abi {
        refusals.add(
            abi,
            "a task cannot have a foreign ABI: write a plain function that calls the `extern` one",
        );
    }
}

fn refuse_generics(generics: &Generics, refusals: &mut Refusals) {
    let only_lifetimes =
        generics.params.iter().all(|param| matches!(param, GenericParam::Lifetime(_)));
    if generics.params.is_empty() {
        if let Some(clause) = &generics.where_clause {
            refusals.add(
                clause,
                "a task has no `where` clause, since it cannot be generic: leave it out",
            );
        }
    } else if only_lifetimes {
        refusals.add(
            generics,
            "a task has no lifetime parameters: leave them out, `&str` and `&[u8]` borrow from \
             the message that brings the arguments",
        );
    } else {
        refusals.add(
            generics,
            "a task cannot be generic, since the other process finds it by its name: write one \
             task for each type, which calls the generic function",
        );
    }
}

fn refuse_inputs(signature: &Signature, refusals: &mut Refusals) {
    if let Some(receiver) = signature.receiver() {
        refusals.add(receiver, METHOD);
    }
    if let Some(variadic) = &signature.variadic {
        refusals.add_shared(variadic, "a task cannot be variadic: take a `Vec`");
    }
    for parameter in typed(signature) {
        let condition = parameter.attrs.iter().find(|attribute| {
            attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
        });
        if let Some(condition) = condition {
            refusals.add(
                condition,
                "a task's parameters cannot be conditional: write two tasks with a `#[cfg]` each",
            );
        }
    }
    let count = typed(signature).count();
    if let Some(first_too_many) = typed(signature).nth(MAX_PARAMETERS) {
        refusals.add(
            first_too_many,
            format!(
                "a task has at most {MAX_PARAMETERS} parameters, and this one has {count}: put \
                 them into a struct"
            ),
        );
    }
}

/// The task is a constant, which a parameter of the same name would be compared with.
fn refuse_own_name(signature: &Signature, refusals: &mut Refusals) {
    struct Finder<'a> {
        name: &'a Ident,
        found: Option<Ident>,
    }
    impl VisitMut for Finder<'_> {
        fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
            if pattern.ident == *self.name {
                self.found = Some(pattern.ident.clone());
            }
            visit_mut::visit_pat_ident_mut(self, pattern);
        }
    }
    for parameter in typed(signature) {
        let mut finder = Finder { name: &signature.ident, found: None };
        finder.visit_pat_mut(&mut parameter.pat.clone());
        if let Some(found) = finder.found {
            let message = format!(
                "a parameter cannot be called like its task: rename it, or keep the function's \
                 name apart by `#[mp::task(as = {})]`",
                camel_case(&found)
            );
            refusals.add(found.to_token_stream(), message);
        }
    }
}

fn camel_case(name: &Ident) -> String {
    let name = name.to_string();
    let words = name.trim_start_matches("r#").split('_').filter(|word| !word.is_empty());
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}
