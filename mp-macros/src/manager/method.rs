//! Reads one method of a managed type, and words every refusal of its signature.
//! Which methods are read is decided in `parse`; what becomes of them stands in `expand`.

use crate::attributes::Attributes;
use crate::fallback::Refusals;
use crate::manager::parse::Raw;
use crate::task::parse::{MAX_PARAMETERS, Parameter, typed};
use crate::task::travel::{self, Context};
use quote::format_ident;
use syn::{
    GenericArgument, Ident, Pat, PathArguments, ReceiverKind, ReturnType, Safety, Signature, Type,
    Visibility, parse_quote,
};

/// A method that can be served, or `new`.
pub(super) struct Method {
    pub(super) attributes: Attributes,
    pub(super) visibility: Visibility,
    pub(super) ident: Ident,
    /// Which of the served methods it is.
    pub(super) number: u16,
    /// Whether it takes `&mut self`.
    pub(super) alone: bool,
    /// What the parameters are called on the proxy.
    pub(super) names: Vec<Ident>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) output: Type,
}

impl Method {
    /// A served method; none if it is refused.
    pub(super) fn served(raw: Raw, number: usize, refusals: &mut Refusals) -> Option<Self> {
        let before = refusals.len();
        let Ok(number) = u16::try_from(number) else {
            refusals.add(&raw.signature.ident, "a manager serves at most 65,536 methods of a type");
            return None;
        };
        let alone = match raw.signature.receiver().map(|receiver| &receiver.kind) {
            Some(ReceiverKind::Reference(_, None, mutability)) => mutability.is_some(),
            None => {
                refusals.add(
                    &raw.signature.ident,
                    "a proxy stands for an object, so a method that a manager serves takes `&self` or `&mut \
                     self`: add it, or leave `pub` out (objects are made by `new`)",
                );
                return None;
            }
            Some(_) => {
                refusals.add(
                    raw.signature.receiver(),
                    "a manager keeps the object, so a method that it serves takes `&self` or `&mut self`",
                );
                return None;
            }
        };
        let method = Self::read(raw, number, alone, refusals);
        (refusals.len() == before).then_some(method)
    }

    /// `new`; none if it is refused.
    pub(super) fn constructor(raw: Raw, class: &Ident, refusals: &mut Refusals) -> Option<Self> {
        let before = refusals.len();
        if !makes(&raw.signature, class) {
            refusals.add(
                &raw.signature.ident,
                "`new` gives a manager its object, so it returns `Self` or `Result<Self, E>`",
            );
            return None;
        }
        let method = Self::read(raw, 0, false, refusals);
        (refusals.len() == before).then_some(method)
    }

    fn read(raw: Raw, number: u16, alone: bool, refusals: &mut Refusals) -> Self {
        let Raw { attributes, visibility, signature } = raw;
        refuse_form(&signature, refusals);
        let declared = signature.generics.lifetimes().map(|it| it.lifetime.ident.clone()).collect();
        let mut context = Context { refusals, declared, found_self: false };
        let parameters = typed(&signature)
            .map(|parameter| Parameter {
                declared: (*parameter.ty).clone(),
                sent: travel::parameter(&parameter.ty, &mut context),
            })
            .collect();
        let output = match &signature.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, declared) => travel::output(declared, &mut context),
        };
        let names = typed(&signature).zip(0..).map(|(parameter, index)| match &*parameter.pat {
            Pat::Ident(pattern) => pattern.ident.clone(),
            _ => format_ident!("argument_{index}"),
        });
        Self {
            attributes: Attributes::sort(&attributes),
            visibility,
            number,
            alone,
            names: names.collect(),
            parameters,
            output,
            ident: signature.ident,
        }
    }

    /// What a method `next` of an iterator's form gives.
    pub(super) fn step(&self) -> Option<&Type> {
        let is_next = self.ident == "next" && self.alone && self.parameters.is_empty();
        let (name, first) = outer(&self.output)?;
        first.filter(|_| is_next && name == "Option")
    }
}

/// The name of a type, and the first of those that it is of.
pub(super) fn outer(ty: &Type) -> Option<(&Ident, Option<&Type>)> {
    let ty = match ty {
        Type::Group(group) => &group.elem,
        Type::Paren(paren) => &paren.elem,
        ty => ty,
    };
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let first = match &last.arguments {
        PathArguments::AngleBracketed(list) => {
            list.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
        }
        _ => None,
    };
    Some((&last.ident, first))
}

/// Whether it returns the type, or something of it.
fn makes(signature: &Signature, class: &Ident) -> bool {
    let ReturnType::Type(_, output) = &signature.output else { return false };
    let is = |ty: Option<&Type>| ty.and_then(outer).is_some_and(|(name, _)| name == class);
    is(Some(output)) || is(outer(output).and_then(|(_, first)| first))
}

fn refuse_form(signature: &Signature, refusals: &mut Refusals) {
    if let Some(asyncness) = &signature.asyncness {
        refusals.add(
            asyncness,
            "a method that a manager serves cannot be `async`: write a plain one that blocks on the future, \
             which holds up nobody else",
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        refusals.add(
            token,
            "a method that a manager serves cannot be `unsafe`, since a server would call it unseen: write a \
             safe one with an `unsafe` block in it",
        );
    }
    if let Some(abi) = &signature.abi {
        refusals.add(abi, "a method that a manager serves cannot have a foreign ABI");
    }
    let generics = &signature.generics;
    if generics.type_params().next().is_some() || generics.const_params().next().is_some() {
        refusals.add(
            generics,
            "a method that a manager serves cannot be generic, since the server finds it by its name: write one \
             for each type, which calls the generic one",
        );
    } else if !generics.params.is_empty() {
        refusals.add(
            generics,
            "a method that a manager serves has no lifetime parameters: leave them out, `&str` and `&[u8]` borrow \
             from the message that brings the arguments",
        );
    } else if let Some(clause) = &generics.where_clause {
        refusals.add(clause, "a method that a manager serves has no `where` clause: leave it out");
    }
    if let Some(variadic) = &signature.variadic {
        refusals.add(variadic, "a method that a manager serves cannot be variadic: take a `Vec`");
    }
    for parameter in typed(signature) {
        let is_condition = |name| parameter.attrs.iter().find(|it| it.path().is_ident(name));
        if let Some(condition) = is_condition("cfg").or_else(|| is_condition("cfg_attr")) {
            refusals.add(
                condition,
                "a served method's parameters cannot be conditional: write two methods with a `#[cfg]` each",
            );
        }
    }
    if let Some(first_too_many) = typed(signature).nth(MAX_PARAMETERS) {
        let text = format!(
            "a method that a manager serves has at most {MAX_PARAMETERS} parameters: put them into a struct"
        );
        refusals.add(first_too_many, text);
    }
}
