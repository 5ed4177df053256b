//! Writes the items that a task becomes.
//! Whether it can be one was decided in `parse`; nothing here fails.

use crate::function::Function;
use crate::task::bytes;
use crate::task::checked::{Questions, Use};
use crate::task::parse::Task;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Attribute;
use syn::ext::IdentExt;

pub(super) fn expand(task: &Task) -> TokenStream {
    let conditions = &task.attributes.conditions;
    // The task may run a function that others should no longer call.
    let lenient = task.alias.is_some().then(|| quote!(#[allow(deprecated)]));
    let untouched = task.alias.is_some().then_some(&task.function);
    let root = &task.root;
    let face = face(task);
    let body = body(task);
    let traits = traits(task);
    let entry = entry(task);
    let implementation = implementation(task);
    quote! {
        #untouched
        #face
        #(#conditions)*
        #lenient
        const _: () = {
            use #root as __mp;
            #body
            #traits
            #entry
            #implementation
        };
    }
}

/// The type and the constant: what people see. Only the constant has the documentation, so that
/// examples in it run once.
fn face(task: &Task) -> TokenStream {
    let ident = task.ident();
    let visibility = &task.function.visibility;
    let conditions = &task.attributes.conditions;
    let shared: Vec<&Attribute> = task.attributes.shared_face().collect();
    let own = match &task.alias {
        Some(_) => {
            let function = &task.function.signature.ident;
            let doc = format!("The task that runs [`{}`](fn@{function}).", function.unraw());
            quote!(#[doc = #doc] #(#shared)*)
        }
        None => {
            let (face, lints) = (&task.attributes.face, &task.attributes.outer_lints);
            quote!(#(#face)* #(#lints)*)
        }
    };
    let type_doc = format!("The type of the task `{}`.", ident.unraw());
    // Spelled at the name, so that rustc's lints take it for the user's own: unused, undocumented.
    let constant = quote_spanned!(ident.span()=> const #ident: #ident = #ident {};);
    quote! {
        #(#conditions)*
        #[doc = #type_doc]
        #(#shared)*
        #[allow(non_camel_case_types, unnameable_types, unreachable_pub)]
        #visibility struct #ident {}

        #(#conditions)*
        #[allow(non_upper_case_globals)]
        #own
        #visibility #constant
    }
}

/// The function, under a name of its own: its own name is the task's, so that it can start itself.
fn body(task: &Task) -> Option<Function> {
    if task.alias.is_some() {
        return None;
    }
    let mut function = task.function.clone();
    let attributes = &task.attributes;
    function.visibility = syn::Visibility::Inherited;
    function.signature.ident = callee(task);
    function.attributes = vec![syn::parse_quote!(#[allow(clippy::needless_pass_by_value)])];
    function.attributes.extend(attributes.inner_lints.iter().cloned());
    function.attributes.extend(attributes.function.iter().cloned());
    Some(function)
}

/// What is called in the end.
fn callee(task: &Task) -> Ident {
    let ident = &task.function.signature.ident;
    match task.alias {
        Some(_) => ident.clone(),
        None => format_ident!("__mp_body_{}", ident.unraw(), span = ours(ident.span())),
    }
}

fn traits(task: &Task) -> TokenStream {
    let ident = task.ident();
    let callee = callee(task);
    let declared = task.parameters.iter().map(|parameter| &parameter.declared);
    let output = &task.output;
    let pointer = quote!(fn(#(#declared),*) -> #output);
    let target = quote_spanned!(ident.span()=> type Target = #pointer;);
    quote! {
        #[automatically_derived]
        impl ::core::clone::Clone for #ident {
            fn clone(&self) -> Self {
                *self
            }
        }
        #[automatically_derived]
        impl ::core::marker::Copy for #ident {}
        #[automatically_derived]
        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, __mp_formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __mp_formatter.write_str(<Self as __mp::Task>::NAME)
            }
        }
        impl ::core::ops::Deref for #ident {
            #target
            fn deref(&self) -> &Self::Target {
                const POINTER: #pointer = #callee;
                &POINTER
            }
        }
    }
}

/// The task's place in the table that children look into.
fn entry(task: &Task) -> TokenStream {
    let ident = task.ident();
    let given = match &task.name {
        Some(name) => quote!(::core::option::Option::Some(#name)),
        None => quote!(::core::option::Option::None),
    };
    // Spelled at the name, so that the place is the task's own.
    let place = quote_spanned! {ident.span()=>
        ::core::file!(), ::core::line!(), ::core::column!()
    };
    quote! {
        static __MP_ENTRY: __mp::__private::Entry =
            __mp::__private::Entry::new::<#ident>(#given, #place);
        __mp::__private::inventory::submit! {
            __mp::__private::Registration(&__MP_ENTRY)
        }
    }
}

fn implementation(task: &Task) -> TokenStream {
    let ident = task.ident();
    let (types, checked) = types(task);
    let name = match &task.name {
        Some(name) => name.to_token_stream(),
        None => {
            let own = task.function.signature.ident.unraw().to_string();
            quote!(::core::concat!(::core::module_path!(), "::", #own))
        }
    };
    let call = call(task);
    let bytes = bytes::functions(&task.parameters);
    quote! {
        #checked
        impl __mp::Task for #ident {
            #types
            const NAME: &'static str = #name;
            fn __entry() -> &'static __mp::__private::Entry {
                &__MP_ENTRY
            }
            #call
            #bytes
        }
    }
}

/// The associated types, and the constant that they depend on. In documentation they stand as they
/// were written.
fn types(task: &Task) -> (TokenStream, Option<TokenStream>) {
    let ident = task.ident();
    // Spelled at the name: rustc points at the whole item when a type in it is too private.
    let types = |parameters: &[TokenStream], output: &TokenStream, condition: TokenStream| {
        let args = args(task, parameters);
        quote_spanned! {ident.span()=>
            #condition
            type Args<'mp> = #args;
            #condition
            type Output = #output;
        }
    };
    let sent: Vec<TokenStream> =
        task.parameters.iter().map(|it| it.sent.to_token_stream()).collect();
    let output = task.output.to_token_stream();
    let mut questions = Questions::default();
    let checked: Vec<TokenStream> = task
        .parameters
        .iter()
        .map(|it| questions.checked(&it.sent, &it.declared, Use::Argument))
        .collect();
    let checked_output = questions.checked(&task.output, &task.output, Use::Result);
    let Some(constant) = questions.constant() else {
        return (types(&sent, &output, TokenStream::new()), None);
    };
    let mut all = types(&checked, &checked_output, quote!(#[cfg(not(doc))]));
    all.extend(types(&sent, &output, quote!(#[cfg(doc)])));
    (all, Some(constant))
}

/// The parameters' types as one. The parentheses are those of the parameters, since rustc points at
/// the whole tuple when one of them cannot travel.
fn args(task: &Task, types: &[TokenStream]) -> TokenStream {
    match types {
        [one] => one.clone(),
        many => {
            let parentheses = task.function.signature.paren_token.span.join();
            quote_spanned!(parentheses=> (#(#many),*))
        }
    }
}

fn call(task: &Task) -> TokenStream {
    let callee = callee(task);
    let names: Vec<Ident> = (0..task.parameters.len())
        .map(|index| format_ident!("__mp_argument_{index}", span = Span::mixed_site()))
        .collect();
    let pattern = match names.as_slice() {
        [] => quote!(_),
        [one] => one.to_token_stream(),
        many => quote!((#(#many),*)),
    };
    quote! {
        fn __call(#pattern: Self::Args<'_>) -> Self::Output {
            #callee(#(#names),*)
        }
        fn __failure(__mp_output: &Self::Output) -> __mp::__private::Failure {
            // Which of the three there is for the type decides; the others are not used.
            #[allow(unused_imports)]
            use __mp::__private::{Hidden as _, NoResult as _, Shown as _};
            (&&&__mp::__private::Outcome(__mp_output)).failure()
        }
    }
}

/// A span that shows where `place` is, but belongs to the macro: lints about names pass over it.
pub(crate) fn ours(place: Span) -> Span {
    Span::call_site().located_at(place)
}
