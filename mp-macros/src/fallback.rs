//! What takes the place of a refused item: its errors, and something that causes no further ones.
//! Why it is refused is decided in the `parse` files.

use crate::attributes::Attributes;
use crate::function::Function;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::fmt::Display;
use syn::{Error, Ident};

/// The mistakes found so far, one error each.
#[derive(Default)]
pub(crate) struct Refusals {
    errors: Vec<Error>,
    rustc_agrees: bool,
    /// What is refused, where it is no task: messages about signatures are worded for one.
    subject: Option<&'static str>,
}

const TASK: &str = "a task";

impl Refusals {
    /// Those of something that is no task.
    pub(crate) fn of(subject: &'static str) -> Self {
        Self { subject: Some(subject), ..Self::default() }
    }

    /// Records a mistake that lies in `place`.
    pub(crate) fn add(&mut self, place: impl ToTokens, message: impl Display) {
        let mut message = message.to_string();
        if let (Some(subject), Some(rest)) = (self.subject, message.strip_prefix(TASK)) {
            message = format!("{subject}{rest}");
        }
        self.errors.push(Error::new_spanned(place, message));
    }

    /// Records one that rustc, too, would report, were the function left in the program.
    pub(crate) fn add_shared(&mut self, place: impl ToTokens, message: impl Display) {
        self.add(place, message);
        self.rustc_agrees = true;
    }

    /// Takes over what a parser of syn has found.
    pub(crate) fn absorb(&mut self, error: Error) {
        self.errors.extend(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.errors.len()
    }
}

impl ToTokens for Refusals {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.errors.iter().map(Error::to_compile_error));
    }
}

/// The item as it is, beside the errors: right for what was no function, and for methods, whose
/// callers need them.
pub(crate) fn unchanged(item: &TokenStream, refusals: &Refusals) -> TokenStream {
    quote!(#item #refusals)
}

/// A constant in the task's place. The first error sits in its type, and rustc reports nothing
/// about whatever has to do with a type that failed: neither calls of the task nor pools that are
/// given it cause a second message. The function itself is still checked, unless rustc would
/// refuse it.
pub(crate) fn stand_in(task: &Ident, function: &Function, refusals: &Refusals) -> TokenStream {
    let mut errors = refusals.errors.iter().map(Error::to_compile_error);
    let first = errors.next().unwrap_or_else(|| quote!(0));
    let conditions = &Attributes::sort(&function.attributes).conditions;
    let visibility = &function.visibility;
    let checked = if *task != function.signature.ident {
        function.to_token_stream()
    } else if refusals.rustc_agrees {
        TokenStream::new()
    } else {
        quote!(#(#conditions)* const _: () = { #[allow(dead_code)] #function };)
    };
    quote! {
        #checked
        #(#conditions)*
        #[allow(missing_docs, non_upper_case_globals)]
        #visibility const #task: [(); #first] = ();
        #(#errors)*
    }
}

/// A main that holds the refused one, so that rustc neither misses a main nor judges this one.
pub(crate) fn main(function: &Function, refusals: &Refusals) -> TokenStream {
    quote! {
        fn main() {
            #[allow(dead_code)]
            #function
        }
        #refusals
    }
}
