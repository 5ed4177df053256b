//! The types of a task's parameters and of its result: what can travel, and what they borrow from.
//! The rest of the signature is judged in `parse`.

use crate::fallback::Refusals;
use proc_macro2::Span;
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Expr, Ident, Lifetime, ParenthesizedGenericArguments, Path, Type, TypeImplTrait, TypeInfer,
    TypeReference,
};

/// A parameter's type, its elided lifetimes made those of `type Args<'mp>`.
pub(crate) fn parameter(declared: &Type, context: &mut Context<'_>) -> Type {
    convert(declared, Role::Parameter, context)
}

/// The result's type.
pub(crate) fn output(declared: &Type, context: &mut Context<'_>) -> Type {
    if let Type::Never(never) = declared {
        context.refusals.add(never, "a task must be able to return: leave `-> !` out");
    }
    convert(declared, Role::Output, context)
}

/// What the types of one signature are judged by.
pub(crate) struct Context<'a> {
    pub(crate) refusals: &'a mut Refusals,
    /// Lifetime parameters; they are refused where they are declared.
    pub(crate) declared: Vec<Ident>,
    /// Whether `Self` occurred, so that it is reported once.
    pub(crate) found_self: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Parameter,
    Output,
}

fn convert(declared: &Type, role: Role, context: &mut Context<'_>) -> Type {
    if let Type::TraitObject(object) = peel(declared) {
        context.refusals.add_shared(
            object,
            "a trait object hides its type, which the other process must know to rebuild it: name a \
             type that it can be, such as an enum",
        );
    }
    let mut converted = declared.clone();
    Converter { role, context }.visit_type_mut(&mut converted);
    converted
}

struct Converter<'a, 'b> {
    role: Role,
    context: &'a mut Context<'b>,
}

impl VisitMut for Converter<'_, '_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            // Elided lifetimes inside these are their own.
            Type::FnPtr(_) | Type::TraitObject(_) => {}
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }

    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {
    }

    fn visit_expr_mut(&mut self, _: &mut Expr) {}

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        match self.role {
            Role::Parameter => self.borrow(reference),
            Role::Output => self.refuse_borrowed_output(reference),
        }
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "static" || self.context.declared.contains(&lifetime.ident) {
            return;
        }
        match self.role {
            Role::Parameter if lifetime.ident == "_" => *lifetime = ours(lifetime.span()),
            Role::Parameter => self.refuse_undeclared(lifetime),
            Role::Output => self.context.refusals.add_shared(
                lifetime,
                "a task must return an owned value, since the result leaves this process: this \
                 type borrows",
            ),
        }
    }

    fn visit_type_impl_trait_mut(&mut self, ty: &mut TypeImplTrait) {
        let message = match self.role {
            Role::Parameter => {
                "a task is one function, found by its name: name a concrete type instead of \
                 `impl Trait`"
            }
            Role::Output => {
                "a task must return a concrete type instead of `impl Trait` (collect an iterator \
                 into a `Vec`)"
            }
        };
        self.context.refusals.add(ty, message);
    }

    fn visit_type_infer_mut(&mut self, ty: &mut TypeInfer) {
        self.context.refusals.add_shared(ty, "a task's types must be written out");
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        if path.segments.first().is_some_and(|first| first.ident == "Self") {
            if !self.context.found_self {
                self.context.refusals.add(&*path, super::parse::METHOD);
            }
            self.context.found_self = true;
        }
        visit_mut::visit_path_mut(self, path);
    }
}

impl Converter<'_, '_> {
    /// Lets `&str` and `&[u8]` borrow from the message, and refuses other references.
    fn borrow(&mut self, reference: &mut TypeReference) {
        if let Some(lifetime) = &reference.lifetime
            && self.context.declared.contains(&lifetime.ident)
        {
            return;
        }
        if reference.mutability.is_some() {
            let message = "a task works on a copy in another process, where a change through \
                           `&mut` would be lost: take the value and return what it became";
            self.context.refusals.add(&*reference, message);
        } else if !is_lent(&reference.elem) {
            let message = format!(
                "a task can borrow `&str` and `&[u8]` only, which are read where the message \
                 lies: take `{}`",
                instead(&reference.elem)
            );
            self.context.refusals.add(&*reference, message);
        } else if let Some(lifetime) = &reference.lifetime
            && lifetime.ident == "static"
        {
            let message = format!(
                "a task borrows from the message that brings its arguments, which is not \
                 `'static`: write `&{}`",
                spell(&reference.elem)
            );
            self.context.refusals.add(lifetime, message);
        } else {
            match &mut reference.lifetime {
                Some(lifetime) => self.visit_lifetime_mut(lifetime),
                lifetime => *lifetime = Some(ours(reference.and_token.span)),
            }
        }
    }

    fn refuse_borrowed_output(&mut self, reference: &TypeReference) {
        let message = format!(
            "a task must return an owned value, since the result leaves this process: return `{}`",
            owned(&reference.elem)
        );
        match &reference.lifetime {
            Some(lifetime) if lifetime.ident == "static" => {
                self.context.refusals.add(reference, message);
            }
            _ => self.context.refusals.add_shared(reference, message),
        }
    }

    fn refuse_undeclared(&mut self, lifetime: &Lifetime) {
        let message = format!(
            "a task borrows from the message that brings its arguments, so the lifetime has no \
             name: leave `{lifetime}` out, or write `'_`"
        );
        self.context.refusals.add_shared(lifetime, message);
    }
}

/// The lifetime of `type Args<'mp>`, shown where `span` is.
fn ours(span: Span) -> Lifetime {
    Lifetime::new("'mp", Span::mixed_site().located_at(span))
}

fn is_lent(ty: &Type) -> bool {
    match peel(ty) {
        Type::Slice(slice) => is_named(&slice.elem, "u8"),
        ty => is_named(ty, "str"),
    }
}

/// What to take instead of a reference to `ty`.
fn instead(ty: &Type) -> String {
    match peel(ty) {
        Type::Reference(inner) if is_lent(&inner.elem) => format!("&{}", spell(&inner.elem)),
        ty => match spell(ty).as_str() {
            "String" => "&str".to_owned(),
            "Vec<u8>" => "&[u8]".to_owned(),
            _ => owned(ty),
        },
    }
}

/// The owned type that stands for `ty`.
fn owned(ty: &Type) -> String {
    const OWNED: [(&str, &str); 4] =
        [("str", "String"), ("Path", "PathBuf"), ("OsStr", "OsString"), ("CStr", "CString")];
    match peel(ty) {
        Type::Slice(slice) => format!("Vec<{}>", spell(&slice.elem)),
        Type::Reference(reference) => owned(&reference.elem),
        ty => {
            let spelled = spell(ty);
            let (module, last) =
                spelled.rfind(':').map_or(("", &*spelled), |at| spelled.split_at(at + 1));
            match OWNED.iter().find(|(unsized_, _)| *unsized_ == last) {
                Some((_, sized)) => format!("{module}{sized}"),
                None => spelled,
            }
        }
    }
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(peel(ty), Type::Path(path) if path.qself.is_none() && path.path.is_ident(name))
}

/// Looks through parentheses, and through what `macro_rules` puts around a `$ty:ty`.
fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        ty => ty,
    }
}

/// The type as people write it: syn's tokens have a space between any two.
fn spell(ty: &Type) -> String {
    let spaced = ty.to_token_stream().to_string();
    let mut spelled = String::new();
    let mut rest = spaced.chars().peekable();
    while let Some(letter) = rest.next() {
        let after = spelled.chars().next_back();
        let divides = |side: Option<char>| side.is_some_and(|it| it.is_alphanumeric() || it == '_');
        let is_kept = divides(after) && divides(rest.peek().copied())
            || matches!(after, Some(',' | ';' | '+' | '='))
            || rest.peek() == Some(&'+');
        if letter != ' ' || is_kept {
            spelled.push(letter);
        }
    }
    spelled
}
