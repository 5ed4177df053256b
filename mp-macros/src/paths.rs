//! How generated code names the library: `::mp`, or what `crate = path` says.
//! What is named behind that path stands in the `expand` files.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

/// The path to the library, ready to be put in front of `::Task` or `::__private::..`.
pub(crate) struct Root(Option<Path>);

impl Root {
    pub(crate) fn new(given: Option<Path>) -> Self {
        Self(given)
    }
}

impl ToTokens for Root {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match &self.0 {
            Some(path) => path.to_tokens(tokens),
            None => tokens.extend(quote!(::mp)),
        }
    }
}
