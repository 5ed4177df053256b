//! What `#[mp::manager]` accepts and refuses, on the level of tokens.
//! How rustc takes what it writes is tested by the root package's `tests/ui` and `tests/custom_manager`.

use super::manager;
use crate::testing::{apply, contains, count};

#[track_caller]
fn accepts(options: &str, item: &str) -> String {
    crate::testing::accepts(manager, options, item)
}

#[track_caller]
fn refuses(item: &str, words: &str) {
    crate::testing::refuses(manager, "", item, words);
}

const NEW: &str = "pub fn new() -> Self { Self }";

fn with(method: &str) -> String {
    format!("impl Foo {{ {NEW} {method} }}")
}

#[test]
fn served_methods_are_the_proxys() {
    let written =
        accepts("", &with("/// Adds.\n pub(crate) fn add(&mut self, mut by: u64) -> u64 {}"));
    contains(&written, "pub struct FooProxy {");
    contains(&written, "pub(crate) fn add(&self, by: u64) -> __mp::Result<u64>");
    assert_eq!(count(&written, "Adds."), 2, "{written}");
    contains(&written, "MethodEntry::new::<__mp_method_add>(true)");
    contains(&written, "type Created = FooProxy;");
}

#[test]
fn others_are_not() {
    let item = with("fn hidden(&self) {} fn helper() {} const N: u8 = 3; pub fn seen(&self) {}");
    let written = accepts("proxy = Handle", &item);
    contains(&written, "pub struct Handle {");
    contains(&written, "impl Handle { pub fn seen(&self,) -> __mp::Result<()>");
    for name in ["hidden", "helper", "new"] {
        assert_eq!(count(&written, &format!("__mp_method_{name}")), 0, "{written}");
    }
}

#[test]
fn crate_option_replaces_the_path() {
    let written = accepts("crate = my::mp", &with("pub fn get(&self, at: Point) -> u8 {}"));
    contains(&written, "__mp_object: my::mp::__private::Object");
    contains(&written, "use my::mp as __mp;");
    assert_eq!(count(&written, "::mp::"), 1, "{written}");
}

#[test]
fn conditions_are_on_all_that_is_made() {
    let written = accepts("", &with("#[cfg(a)] pub fn get(&self) {}"));
    assert_eq!(count(&written, "#[cfg(a)]"), 5, "{written}");
    let written = accepts("", &format!("#[cfg(a)] {}", with("pub fn get(&self) {}")));
    assert_eq!(count(&written, "#[cfg(a)]"), 3, "{written}");
}

#[test]
fn self_is_written_out() {
    let written = accepts("", &with("pub fn twin(&self, other: Vec<Self>) -> Option<Self> {}"));
    contains(&written, "fn twin(&self, other: Vec<Foo>) -> __mp::Result<Option<Foo>>");
}

#[test]
fn a_method_next_iterates() {
    let written = accepts("", &with("pub fn next(&mut self) -> Option<u8> {}"));
    contains(&written, "type IntoIter = __mp::Steps<Self, u8>;");
    for other in
        ["next(&self) -> Option<u8>", "next(&mut self) -> u8", "nest(&mut self) -> Option<u8>"]
    {
        let written = accepts("", &with(&format!("pub fn {other} {{}}")));
        assert_eq!(count(&written, "IntoIterator"), 0, "{written}");
    }
}

#[test]
fn wrong_impls_are_refused() {
    refuses("struct Foo;", "on the `impl` of a type's own methods");
    refuses("impl Clone for Foo { fn clone(&self) -> Self {} }", "not a trait's");
    refuses("impl<T> Foo<T> { pub fn new() -> Self {} }", "cannot be generic");
    refuses("impl Foo<'_> { pub fn new() -> Self {} }", "cannot borrow");
    refuses("unsafe impl Foo { pub fn new() -> Self {} }", "cannot be `unsafe`");
    refuses("impl [u8] { pub fn new() -> Self {} }", "a struct or an enum");
    refuses("impl Foo { pub fn get(&self) {} }", "makes its objects by `new`");
    refuses("impl Foo { pub fn new() -> u8 {} }", "it returns `Self` or `Result<Self, E>`");
}

#[test]
fn wrong_methods_are_refused() {
    for (method, words) in [
        ("pub fn other() -> Self {}", "takes `&self` or `&mut self`: add it"),
        ("pub fn end(self) {}", "a manager keeps the object"),
        ("pub fn end(self: Box<Self>) {}", "a manager keeps the object"),
        ("pub async fn get(&self) {}", "cannot be `async`"),
        ("pub unsafe fn get(&self) {}", "cannot be `unsafe`"),
        ("pub fn get<T>(&self, value: T) {}", "cannot be generic"),
        ("pub fn get<'a>(&self, value: &'a str) {}", "has no lifetime parameters"),
        ("pub fn get(&self, value: &mut u8) {}", "a managed method works on a copy"),
        ("pub fn get(&self) -> &str {}", "a managed method must return an owned value"),
        ("pub fn get(&self, of: impl Copy) {}", "name a concrete type instead"),
    ] {
        refuses(&with(method), words);
    }
}

#[test]
fn a_refused_method_is_only_missing() {
    let written = apply(manager, "", &with("pub async fn one(&self) {} pub fn two(&self) {}"));
    contains(&written, "pub async fn one(&self) {}");
    contains(&written, "pub fn two(&self,) -> __mp::Result<()>");
    assert_eq!(count(&written, "__mp_method_one"), 0, "{written}");
}
