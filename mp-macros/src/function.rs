//! The function that an attribute stands on, its body unread.
//! What a task or a main may look like is decided in their `parse` files.

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Ident, LitStr, Result, Signature, Token, Visibility};

/// A function whose body is kept as it was written: rustc reads it, and reports its mistakes. (It
/// is one group, or one in an invisible group where `macro_rules` was given a `$body:block`.)
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        if !starts_function(&input.fork()) {
            return Err(input.error("this attribute belongs on a function"));
        }
        let signature: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(Error::new(
                signature.ident.span(),
                "this attribute belongs on a function with a body",
            ));
        }
        Ok(Self { attributes, visibility, signature, body: input.parse()? })
    }
}

/// Whether nothing but qualifiers stands before the next `fn`.
pub(crate) fn starts_function(ahead: ParseStream<'_>) -> bool {
    const QUALIFIERS: [&str; 5] = ["const", "async", "unsafe", "safe", "extern"];
    while !ahead.peek(Token![fn]) {
        if ahead.peek(LitStr) {
            let _abi = ahead.parse::<LitStr>();
            continue;
        }
        match ahead.call(Ident::parse_any) {
            Ok(word) if QUALIFIERS.iter().any(|qualifier| word == qualifier) => {}
            _ => return false,
        }
    }
    true
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attributes);
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}
