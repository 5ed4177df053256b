//! What the tests of all attributes share: attributes applied to source text.
//! The tests themselves are in each attribute's `tests.rs`.

use proc_macro2::TokenStream;

/// An attribute, as `lib.rs` calls it.
pub(crate) type Attribute = fn(TokenStream, TokenStream) -> TokenStream;

pub(crate) fn tokens(source: &str) -> TokenStream {
    source.parse().expect("tokens")
}

/// What the attribute writes for the item.
pub(crate) fn apply(attribute: Attribute, options: &str, item: &str) -> String {
    attribute(tokens(options), tokens(item)).to_string()
}

/// Asserts that the attribute takes the item, and gives what it writes.
#[track_caller]
pub(crate) fn accepts(attribute: Attribute, options: &str, item: &str) -> String {
    let written = apply(attribute, options, item);
    assert_eq!(count(&written, "compile_error!"), 0, "{written}");
    if let Err(error) = syn::parse_file(&written) {
        panic!("{error} in:\n{written}");
    }
    written
}

/// Asserts that the attribute finds one mistake, and says these words about it.
#[track_caller]
pub(crate) fn refuses(attribute: Attribute, options: &str, item: &str, words: &str) {
    let written = apply(attribute, options, item);
    assert_eq!(count(&written, "::core::compile_error!"), 1, "{written}");
    assert!(written.contains(words), "no {words:?} in:\n{written}");
}

#[track_caller]
pub(crate) fn contains(written: &str, source: &str) {
    assert!(count(written, source) > 0, "no `{source}` in:\n{written}");
}

/// How often the source occurs, however either is spaced.
pub(crate) fn count(written: &str, source: &str) -> usize {
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    squeeze(written).matches(&squeeze(source)).count()
}
