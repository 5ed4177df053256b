//! Writes what a managed type gets beside its `impl`: the proxy, and the way from a call to its method.
//! Whether there can be one was decided in `parse`; nothing here fails.

use crate::fallback::Refusals;
use crate::manager::method::{self, Method};
use crate::manager::parse::Class;
use crate::task::bytes;
use crate::task::checked::{Questions, Use};
use crate::task::expand::ours;
use crate::task::parse::Parameter;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{GenericArgument, PathArguments, Type};

pub(super) fn expand(class: &Class, item: &TokenStream, refusals: &Refusals) -> TokenStream {
    let conditions = &class.attributes.conditions;
    let root = &class.root;
    let face = face(class);
    let travel = travel(class);
    let proxy = proxy(class);
    let steps = steps(class);
    let methods = class.methods.iter().map(|it| method(class, it));
    let entry = entry(class);
    let managed = managed(class);
    quote! {
        #item
        #face
        #(#conditions)*
        const _: () = {
            use #root as __mp;
            #travel
            #proxy
            #steps
            #(#methods)*
            #entry
            #managed
        };
        #refusals
    }
}

/// The proxy's type.
fn face(class: &Class) -> TokenStream {
    let Class { root, proxy, ident, .. } = class;
    let conditions = &class.attributes.conditions;
    let shared = class.attributes.shared_face();
    let doc = format!(
        "A handle on a `{}` in a manager's server: each method is called there. All of them: `Disconnected` if \
         the server has ended, `Panicked` if the method did.",
        ident.unraw()
    );
    quote! {
        #(#conditions)*
        #[doc = #doc]
        #(#shared)*
        #[allow(unnameable_types, unreachable_pub)]
        pub struct #proxy {
            __mp_object: #root::__private::Object,
        }
    }
}

fn travel(class: &Class) -> TokenStream {
    let proxy = &class.proxy;
    let name = proxy.unraw().to_string();
    quote! {
        #[automatically_derived]
        impl ::core::clone::Clone for #proxy {
            fn clone(&self) -> Self {
                Self { __mp_object: ::core::clone::Clone::clone(&self.__mp_object) }
            }
        }
        #[automatically_derived]
        impl ::core::fmt::Debug for #proxy {
            fn fmt(&self, __mp_formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __mp_formatter.debug_tuple(#name).field(&self.__mp_object).finish()
            }
        }
        #[automatically_derived]
        impl __mp::__private::serde::Serialize for #proxy {
            fn serialize<S: __mp::__private::serde::Serializer>(
                &self,
                __mp_to: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                __mp::__private::serde::Serialize::serialize(&self.__mp_object, __mp_to)
            }
        }
        #[automatically_derived]
        impl<'de> __mp::__private::serde::Deserialize<'de> for #proxy {
            fn deserialize<D: __mp::__private::serde::Deserializer<'de>>(
                __mp_from: D,
            ) -> ::core::result::Result<Self, D::Error> {
                let __mp_object = __mp::__private::serde::Deserialize::deserialize(__mp_from)?;
                ::core::result::Result::Ok(Self { __mp_object })
            }
        }
    }
}

/// The methods of the proxy.
fn proxy(class: &Class) -> TokenStream {
    let proxy = &class.proxy;
    let methods = class.methods.iter().map(|it| {
        let Method { attributes, visibility, ident, names, output, .. } = it;
        let (conditions, face, lints) =
            (&attributes.conditions, &attributes.face, &attributes.outer_lints);
        let types = it.parameters.iter().map(|parameter| &parameter.declared);
        let marker = marker(it);
        let arguments = together(names.iter().map(ToTokens::to_token_stream).collect());
        quote! {
            #(#conditions)*
            #(#face)*
            #(#lints)*
            #visibility fn #ident(&self, #(#names: #types),*) -> __mp::Result<#output> {
                self.__mp_object.call::<#marker>(#arguments)
            }
        }
    });
    quote! {
        #[allow(
            dead_code,
            private_interfaces,
            clippy::len_without_is_empty,
            clippy::missing_errors_doc,
            clippy::should_implement_trait,
            clippy::too_many_arguments
        )]
        impl #proxy {
            #(#methods)*
        }
    }
}

/// Iterating over a proxy that has a method `next`.
fn steps(class: &Class) -> Option<TokenStream> {
    let proxy = &class.proxy;
    let (next, step) = class.methods.iter().find_map(|it| Some((it, it.step()?)))?;
    let conditions = &next.attributes.conditions;
    Some(quote! {
        #(#conditions)*
        impl ::core::iter::IntoIterator for #proxy {
            type Item = __mp::Result<#step>;
            type IntoIter = __mp::Steps<Self, #step>;
            fn into_iter(self) -> Self::IntoIter {
                __mp::Steps::__new(self, Self::next)
            }
        }
        #(#conditions)*
        impl ::core::iter::IntoIterator for &#proxy {
            type Item = __mp::Result<#step>;
            type IntoIter = __mp::Steps<#proxy, #step>;
            fn into_iter(self) -> Self::IntoIter {
                ::core::iter::IntoIterator::into_iter(::core::clone::Clone::clone(self))
            }
        }
    })
}

/// The type that stands for a method.
fn marker(method: &Method) -> Ident {
    let ident = &method.ident;
    format_ident!("__mp_method_{}", ident.unraw(), span = ours(ident.span()))
}

fn method(class: &Class, method: &Method) -> TokenStream {
    let Method { ident, number, .. } = method;
    let (ty, marker) = (&class.ty, marker(method));
    let conditions = &method.attributes.conditions;
    let mut questions = Questions::default();
    let checked_output = questions.checked(&method.output, &method.output, Use::Answer);
    let (types, checked) =
        types(&method.parameters, Some((&method.output, checked_output)), questions);
    let name = name(class, &ident.unraw().to_string());
    let bytes = bytes::functions(&method.parameters);
    let (arguments, pattern) = arguments(&method.parameters);
    let this = match method.alone {
        true => quote!(let mut __mp_this = __mp_kept.alone::<#ty>()?;),
        false => quote!(let __mp_this = __mp_kept.shared::<#ty>()?;),
    };
    let lent = if method.alone { quote!(&mut __mp_this) } else { quote!(&__mp_this) };
    quote! {
        #(#conditions)*
        #[allow(non_camel_case_types)]
        enum #marker {}
        #(#conditions)*
        const _: () = {
            #checked
            impl __mp::__private::Method for #marker {
                #types
                const NUMBER: u16 = #number;
                const NAME: &'static str = #name;
                #[allow(deprecated)]
                fn __call(
                    __mp_kept: &__mp::__private::Kept,
                    #pattern: Self::Args<'_>,
                ) -> ::core::option::Option<Self::Output> {
                    #this
                    ::core::option::Option::Some(<#ty>::#ident(#lent, #(#arguments),*))
                }
                #bytes
            }
        };
    }
}

/// The class's place in the table that the server looks into.
fn entry(class: &Class) -> TokenStream {
    let (ty, ident) = (&class.ty, &class.ident);
    let entries = class.methods.iter().map(|it| {
        let (conditions, marker, alone) = (&it.attributes.conditions, marker(it), it.alone);
        quote!(#(#conditions)* __mp::__private::MethodEntry::new::<#marker>(#alone))
    });
    // Spelled at the name, so that the place is the type's own.
    let place = quote_spanned! {ident.span()=>
        ::core::file!(), ::core::line!(), ::core::column!()
    };
    quote! {
        static __MP_METHODS: &[__mp::__private::MethodEntry] = &[#(#entries),*];
        static __MP_CLASS: __mp::__private::Class =
            __mp::__private::Class::new::<#ty>(__MP_METHODS, #place);
        __mp::__private::inventory::submit! {
            __mp::__private::ClassRegistration(&__MP_CLASS)
        }
    }
}

fn managed(class: &Class) -> TokenStream {
    let Class { ty, proxy, new, ident, .. } = class;
    let mut questions = Questions::default();
    let made = made(class, &mut questions);
    let (types, checked) = types(&new.parameters, None, questions);
    let name = name(class, "");
    let bytes = bytes::functions(&new.parameters);
    let (arguments, pattern) = arguments(&new.parameters);
    let output = &new.output;
    let outcome = quote!(<__MpMade as __mp::__private::Made<#ty>>);
    let created = match method::outer(output) {
        Some((name, _)) if name == ident => proxy.to_token_stream(),
        _ => quote!(#outcome::Given<#proxy>),
    };
    quote! {
        #checked
        #[cfg(not(doc))]
        const __MP_KEPT: usize = {
            #[allow(unused_imports)]
            use __mp::__private::travel::{self as __mp_travel, Otherwise as _};
            <#ty as __mp_travel::Keepable<{
                __mp_travel::Probe::<'_, #ty>::MP_SEND && __mp_travel::Probe::<'_, #ty>::MP_SYNC
            }>>::CHECKED
        };
        #[cfg(not(doc))]
        type __MpMade = #made;
        #[cfg(doc)]
        type __MpMade = #output;
        impl __mp::Managed for #ty {
            #types
            type Proxy = #proxy;
            type Created = #created;
            type __Refusal = #outcome::Refusal;
            const NAME: &'static str = #name;
            fn __class() -> &'static __mp::__private::Class {
                &__MP_CLASS
            }
            #[allow(deprecated)]
            fn __new(#pattern: Self::Args<'_>) -> ::core::result::Result<Self, Self::__Refusal> {
                let __mp_made: __MpMade = <#ty>::new(#(#arguments),*);
                #outcome::into_result(__mp_made)
            }
            fn __keep(self) -> __mp::__private::Kept {
                #[cfg(not(doc))]
                let __mp_this: <#ty as __mp::__private::travel::Checked<{ __MP_KEPT }>>::Type = self;
                #[cfg(doc)]
                let __mp_this: #ident = self;
                __mp::__private::Kept::new(__mp_this)
            }
            fn __created(
                __mp_made: ::core::result::Result<__mp::__private::Object, Self::__Refusal>,
            ) -> ::core::option::Option<Self::Created> {
                #outcome::given(__mp_made.map(|__mp_object| #proxy { __mp_object }))
            }
            #bytes
        }
    }
}

/// What `new` returns, its error asked about if it can be seen.
fn made(class: &Class, questions: &mut Questions) -> TokenStream {
    let mut output = class.new.output.clone();
    if let Type::Path(path) = &mut output
        && method::outer(&class.new.output).is_some_and(|(name, _)| name == "Result")
        && let Some(last) = path.path.segments.last_mut()
        && let PathArguments::AngleBracketed(list) = &mut last.arguments
        && let Some(GenericArgument::Type(error)) = list.args.iter_mut().nth(1)
    {
        let checked = questions.checked(error, error, Use::Answer);
        *error = Type::Verbatim(checked);
    }
    output.to_token_stream()
}

/// The associated types, and the constant that they depend on. In documentation they stand as they
/// were written.
fn types(
    parameters: &[Parameter],
    output: Option<(&Type, TokenStream)>,
    mut questions: Questions,
) -> (TokenStream, Option<TokenStream>) {
    let checked: Vec<TokenStream> = parameters
        .iter()
        .map(|it| questions.checked(&it.sent, &it.declared, Use::Argument))
        .collect();
    let sent: Vec<TokenStream> = parameters.iter().map(|it| it.sent.to_token_stream()).collect();
    let types = |parameters: Vec<TokenStream>, output: Option<TokenStream>, on: TokenStream| {
        let args = together(parameters);
        let output = output.map(|output| quote!(#on type Output = #output;));
        quote!(#on type Args<'mp> = #args; #output)
    };
    let (output, checked_output) = output.unzip();
    let output = output.map(ToTokens::to_token_stream);
    let Some(constant) = questions.constant() else {
        return (types(sent, output, TokenStream::new()), None);
    };
    let mut all = types(checked, checked_output, quote!(#[cfg(not(doc))]));
    all.extend(types(sent, output, quote!(#[cfg(doc)])));
    (all, Some(constant))
}

/// The arguments of a call, and the pattern by which they are taken out of one value.
fn arguments(parameters: &[Parameter]) -> (Vec<Ident>, TokenStream) {
    let names: Vec<Ident> = (0..parameters.len())
        .map(|index| format_ident!("__mp_argument_{index}", span = Span::mixed_site()))
        .collect();
    let pattern = match names.as_slice() {
        [] => quote!(_),
        names => together(names.iter().map(ToTokens::to_token_stream).collect()),
    };
    (names, pattern)
}

/// One by itself, others as a tuple.
fn together(parts: Vec<TokenStream>) -> TokenStream {
    match parts.as_slice() {
        [one] => one.clone(),
        many => quote!((#(#many),*)),
    }
}

/// The full name of the type, or of a method of its.
fn name(class: &Class, method: &str) -> TokenStream {
    let mut own = format!("::{}", class.ident.unraw());
    if !method.is_empty() {
        own = format!("{own}::{method}");
    }
    quote!(::core::concat!(::core::module_path!(), #own))
}
