//! `#[mp::manager]`: the methods of a type become calls of an object in a manager's server, and a proxy that makes them.
//! How they get there is the runtime's.

mod expand;
mod method;
mod parse;

#[cfg(test)]
mod tests;

use crate::fallback::{self, Refusals};
use crate::manager::parse::{Block, Class};
use crate::options::{For, Options};
use proc_macro2::TokenStream;

/// What `#[mp::manager(options)] item` becomes.
pub(crate) fn manager(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut refusals = Refusals::of("a managed method");
    let options = Options::parse(options, For::Manager, &mut refusals);
    let block: Block = match syn::parse2(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            refusals.absorb(error);
            return fallback::unchanged(&item, &refusals);
        }
    };
    match Class::new(options, block, &mut refusals) {
        Some(class) => expand::expand(&class, &item, &refusals),
        None => fallback::unchanged(&item, &refusals),
    }
}
