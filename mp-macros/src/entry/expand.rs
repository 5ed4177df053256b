//! Writes what stands around the body of a main and of a test.
//! Whether a function can be one was decided in `parse`; nothing here fails.

use crate::entry::parse::Entry;
use crate::paths::Root;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Visibility;

/// A main that first asks whether this process is a child, then runs the user's, which may carry
/// another macro such as `#[tokio::main]`.
pub(super) fn main(main: &Entry) -> TokenStream {
    let root = &main.root;
    let attributes = &main.attributes;
    let (conditions, face, lints) =
        (&attributes.conditions, &attributes.face, &attributes.outer_lints);
    let visibility = &main.function.visibility;
    let output = &main.function.signature.output;
    let mut inner = main.function.clone();
    inner.visibility = Visibility::Inherited;
    inner.attributes = attributes.inner_lints.clone();
    inner.attributes.extend(attributes.function.iter().cloned());
    quote! {
        #(#conditions)*
        #(#face)*
        #(#lints)*
        #visibility fn main() #output {
            #inner
            let __mp_guard = #root::init();
            main()
        }
    }
}

/// The test as it is, and a constructor that finds out, before the test harness starts, whether
/// this process is a child.
pub(super) fn test(test: &Entry) -> TokenStream {
    let function = &test.function;
    let conditions = &test.attributes.conditions;
    let attribute = (!test.attributes.make_test()).then(|| quote!(#[::core::prelude::v1::test]));
    let constructor = constructor(&test.root);
    quote! {
        #attribute
        #function
        #(#conditions)*
        #[cfg(test)]
        const _: () = {
            #constructor
        };
    }
}

/// The address of the static tells the runtime which constructors come after it.
fn constructor(root: &Root) -> TokenStream {
    quote! {
        use #root as __mp;
        #[used]
        #[unsafe(link_section = ".init_array")]
        static __MP_CONSTRUCTOR: __mp::__private::Constructor = {
            extern "C" fn constructor(
                __mp_argc: ::core::ffi::c_int,
                __mp_argv: *const *const ::core::ffi::c_char,
                __mp_envp: *const *const ::core::ffi::c_char,
            ) {
                __mp::__private::enter_test(&__MP_CONSTRUCTOR, __mp_argc, __mp_argv, __mp_envp)
            }
            constructor
        };
    }
}
