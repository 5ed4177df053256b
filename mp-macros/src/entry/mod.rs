//! `#[mp::main]` and `#[mp::test]`: where a process learns whether it is a child.
//! What a child does then is the runtime's.

mod expand;
mod parse;

#[cfg(test)]
mod tests;

use crate::fallback::{self, Refusals};
use crate::function::Function;
use crate::options::{For, Options};
use proc_macro2::TokenStream;

/// What `#[mp::main(options)] item` becomes.
pub(crate) fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut refusals = Refusals::default();
    let options = Options::parse(options, For::Main, &mut refusals);
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            refusals.absorb(error);
            return fallback::unchanged(&item, &refusals);
        }
    };
    let main = parse::main(options, function, &mut refusals);
    if refusals.is_empty() {
        expand::main(&main)
    } else if main.function.signature.ident == "main" {
        fallback::main(&main.function, &refusals)
    } else {
        fallback::unchanged(&item, &refusals)
    }
}

/// What `#[mp::test(options)] item` becomes.
pub(crate) fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut refusals = Refusals::default();
    let options = Options::parse(options, For::Test, &mut refusals);
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            refusals.absorb(error);
            return fallback::unchanged(&item, &refusals);
        }
    };
    let test = parse::test(options, function, &mut refusals);
    if refusals.is_empty() { expand::test(&test) } else { fallback::unchanged(&item, &refusals) }
}
