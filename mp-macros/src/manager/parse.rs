//! Reads an `impl` as the methods of a managed type, and words every refusal of it.
//! The methods themselves are read in `method`; what becomes of it all stands in `expand`.

use crate::attributes::Attributes;
use crate::fallback::Refusals;
use crate::function;
use crate::manager::method::Method;
use crate::options::Options;
use crate::paths::Root;
use proc_macro2::TokenTree;
use quote::format_ident;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Error, Generics, Ident, ImplItem, Lifetime, PathArguments, Result, Signature, Token,
    Type, Visibility, WhereClause, braced,
};

/// An `impl`, the bodies in it unread.
pub(super) struct Block {
    attributes: Vec<Attribute>,
    unsafety: Option<Token![unsafe]>,
    generics: Generics,
    /// The trait, if it is one's.
    of: Option<Type>,
    ty: Type,
    methods: Vec<Raw>,
}

/// A function in it.
pub(super) struct Raw {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) signature: Signature,
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        const PLACE: &str = "this attribute belongs on the `impl` of a type's own methods";
        let attributes = input.call(Attribute::parse_outer)?;
        let unsafety = input.parse()?;
        if !input.peek(Token![impl]) {
            return Err(Error::new(input.span(), PLACE));
        }
        input.parse::<Token![impl]>()?;
        let generics = if input.peek(Token![<]) { input.parse()? } else { Generics::default() };
        input.parse::<Option<Token![!]>>()?;
        let mut ty: Type = input.parse()?;
        let mut of = None;
        if input.parse::<Option<Token![for]>>()?.is_some() {
            of = Some(std::mem::replace(&mut ty, input.parse()?));
        }
        input.parse::<Option<WhereClause>>()?;
        let content;
        braced!(content in input);
        content.call(Attribute::parse_inner)?;
        let mut methods = Vec::new();
        while !content.is_empty() {
            methods.extend(parse_item(&content)?);
        }
        Ok(Self { attributes, unsafety, generics, of, ty, methods })
    }
}

fn parse_item(input: ParseStream<'_>) -> Result<Option<Raw>> {
    let ahead = input.fork();
    ahead.call(Attribute::parse_outer)?;
    ahead.parse::<Visibility>()?;
    if !function::starts_function(&ahead) {
        input.parse::<ImplItem>()?;
        return Ok(None);
    }
    let attributes = input.call(Attribute::parse_outer)?;
    let (visibility, signature) = (input.parse()?, input.parse()?);
    // Its body, which rustc reads.
    input.parse::<TokenTree>()?;
    Ok(Some(Raw { attributes, visibility, signature }))
}

/// A type that can be managed.
pub(super) struct Class {
    pub(super) root: Root,
    pub(super) attributes: Attributes,
    pub(super) ty: Type,
    pub(super) ident: Ident,
    pub(super) proxy: Ident,
    pub(super) new: Method,
    /// Those that are served.
    pub(super) methods: Vec<Method>,
}

impl Class {
    /// Reads what it can; every mistake goes to `refusals`. None if there can be no proxy; a method that is
    /// refused is only missing in it.
    pub(super) fn new(options: Options, block: Block, refusals: &mut Refusals) -> Option<Self> {
        let ident = refuse_block(&block, refusals)?;
        let proxy = options
            .proxy
            .unwrap_or_else(|| format_ident!("{}Proxy", ident.unraw(), span = ident.span()));
        let Block { attributes, ty, methods, .. } = block;
        let (mut new, mut served) = (None, Vec::new());
        for mut method in methods {
            name_self(&mut method.signature, &ty);
            if method.signature.ident == "new" && method.signature.receiver().is_none() {
                new = Some(Method::constructor(method, &ident, refusals)?);
            } else if !matches!(method.visibility, Visibility::Inherited) {
                served.extend(Method::served(method, served.len(), refusals));
            }
        }
        let Some(new) = new else {
            refusals.add(
                &ty,
                "a manager makes its objects by `new`: write a `fn new(..) -> Self` in this `impl`",
            );
            return None;
        };
        let attributes = Attributes::sort(&attributes);
        Some(Self { root: options.root, attributes, ty, ident, proxy, new, methods: served })
    }
}

/// The type's name, if its methods can be served.
fn refuse_block(block: &Block, refusals: &mut Refusals) -> Option<Ident> {
    let before = refusals.len();
    if let Some(token) = &block.unsafety {
        refusals.add(token, "an `impl` that a manager serves cannot be `unsafe`");
    }
    if let Some(of) = &block.of {
        refusals.add(
            of,
            "a manager serves a type's own methods, not a trait's: write `impl` without a trait, with methods \
             that call the trait's",
        );
    }
    if !block.generics.params.is_empty() {
        refusals.add(
            &block.generics,
            "a managed type cannot be generic, since the server finds it by its name: write one type for \
             each, which has the generic one in it",
        );
    }
    let ident = match &block.ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last().map(|last| {
            if let Some(lifetime) = lifetime_in(&last.arguments) {
                refusals.add(
                    lifetime,
                    "a managed type cannot borrow, since its server keeps it: give it owned values",
                );
            }
            last.ident.clone()
        }),
        other => {
            refusals.add(other, "a manager serves a struct or an enum of yours");
            None
        }
    };
    ident.filter(|_| refusals.len() == before)
}

fn lifetime_in(arguments: &PathArguments) -> Option<Lifetime> {
    struct Finder(Option<Lifetime>);
    impl VisitMut for Finder {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident != "static" {
                self.0 = Some(lifetime.clone());
            }
        }
    }
    let mut finder = Finder(None);
    finder.visit_path_arguments_mut(&mut arguments.clone());
    finder.0
}

/// Writes the type's name where `Self` stands: the types are used outside the `impl`.
fn name_self(signature: &mut Signature, ty: &Type) {
    struct Namer<'a>(&'a Type);
    impl VisitMut for Namer<'_> {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            match ty {
                Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self") => {
                    *ty = self.0.clone();
                }
                ty => visit_mut::visit_type_mut(self, ty),
            }
        }

        // What a method may be called on is `self`'s own.
        fn visit_receiver_mut(&mut self, _: &mut syn::Receiver) {}
    }
    Namer(ty).visit_signature_mut(signature);
}
