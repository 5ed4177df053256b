//! Parameters that are plain bytes by their type as written: they travel as one piece, in the same format as serde would
//! give them one by one.

use super::parse::Parameter;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{GenericArgument, Ident, PathArguments, Type};

/// What stands in for a parameter on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `Vec<u8>`.
    Owned,
    /// `&[u8]`, which borrows by itself when it is read.
    Borrowed,
    Other,
}

/// The hidden functions that encode and decode the arguments; none if serde's own way is as good.
pub(crate) fn functions(parameters: &[Parameter]) -> Option<TokenStream> {
    let kinds: Vec<Kind> = parameters.iter().map(kind).collect();
    if kinds.iter().all(|kind| *kind == Kind::Other) {
        return None;
    }
    let names: Vec<Ident> = (0..kinds.len())
        .map(|index| format_ident!("__mp_argument_{index}", span = Span::mixed_site()))
        .collect();
    let together = |parts: Vec<TokenStream>| match parts.as_slice() {
        [one] => one.clone(),
        many => quote!((#(#many),*)),
    };
    let pattern = together(names.iter().map(|name| quote!(#name)).collect());
    let sent = names.iter().zip(&kinds).map(|(name, kind)| match kind {
        Kind::Other => quote!(#name),
        _ => quote!(__mp::__private::Bytes(&#name[..])),
    });
    let sent = together(sent.collect());
    let encode = quote! {
        fn __encode(
            #pattern: &Self::Args<'_>,
            __mp_to: __mp::__private::To<'_>,
        ) -> ::core::result::Result<(), __mp::Error> {
            __mp_to.encode(&#sent)
        }
    };
    if !kinds.contains(&Kind::Owned) {
        return Some(encode);
    }
    let types = kinds.iter().map(|kind| match kind {
        Kind::Owned => quote!(__mp::__private::Owned),
        _ => quote!(_),
    });
    let types = together(types.collect());
    let values = names.iter().zip(&kinds).map(|(name, kind)| match kind {
        Kind::Owned => quote!(#name.0),
        _ => quote!(#name),
    });
    let values = together(values.collect());
    Some(quote! {
        #encode
        fn __decode<'mp>(
            __mp_from: __mp::__private::From<'mp, '_>,
        ) -> ::core::result::Result<Self::Args<'mp>, __mp::Error> {
            let #pattern: #types = __mp_from.decode()?;
            ::core::result::Result::Ok(#values)
        }
    })
}

fn kind(parameter: &Parameter) -> Kind {
    match &parameter.declared {
        Type::Reference(reference) => match &*reference.elem {
            Type::Slice(slice) if is_u8(&slice.elem) => Kind::Borrowed,
            _ => Kind::Other,
        },
        Type::Path(path) if path.qself.is_none() => {
            let Some(last) = path.path.segments.last() else { return Kind::Other };
            let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return Kind::Other;
            };
            let one = arguments.args.len() == 1;
            match arguments.args.first() {
                Some(GenericArgument::Type(ty)) if one && last.ident == "Vec" && is_u8(ty) => {
                    Kind::Owned
                }
                _ => Kind::Other,
            }
        }
        _ => Kind::Other,
    }
}

fn is_u8(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("u8"))
}
