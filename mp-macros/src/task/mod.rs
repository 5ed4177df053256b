//! `#[mp::task]`: a function becomes a constant that can be called here and sent elsewhere.
//! How the other process finds and runs it is the runtime's.

pub(crate) mod bytes;
pub(crate) mod checked;
pub(crate) mod expand;
pub(crate) mod parse;
pub(crate) mod travel;

#[cfg(test)]
mod tests;

use crate::fallback::{self, Refusals};
use crate::function::Function;
use crate::options::{For, Options};
use crate::task::parse::Task;
use proc_macro2::TokenStream;

/// What `#[mp::task(options)] item` becomes.
pub(crate) fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut refusals = Refusals::default();
    let options = Options::parse(options, For::Task, &mut refusals);
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            refusals.absorb(error);
            return fallback::unchanged(&item, &refusals);
        }
    };
    let task = Task::new(options, function, &mut refusals);
    if refusals.is_empty() {
        return expand::expand(&task);
    }
    if task.is_associated {
        return fallback::unchanged(&item, &refusals);
    }
    fallback::stand_in(task.ident(), &task.function, &refusals)
}
