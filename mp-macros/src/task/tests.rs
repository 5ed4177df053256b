//! What `#[mp::task]` accepts and refuses, on the level of tokens.
//! How rustc takes what it writes is tested by the root package's `tests/ui` and `tests/task.rs`.

use super::task;
use crate::testing::{apply, contains, count};

#[track_caller]
fn accepts(options: &str, item: &str) -> String {
    crate::testing::accepts(task, options, item)
}

#[track_caller]
fn refuses(item: &str, words: &str) {
    crate::testing::refuses(task, "", item, words);
}

#[test]
fn no_parameter_is_unit() {
    let written = accepts("", "fn foo() {}");
    contains(&written, "type Args<'mp> = (); type Output = ();");
    contains(&written, "fn __call(_: Self::Args<'_>) -> Self::Output { __mp_body_foo() }");
}

#[test]
fn one_parameter_is_itself() {
    let written = accepts("", "pub fn foo((a, b): (i32, i32)) -> i32 { a + b }");
    contains(&written, "pub struct foo {}");
    contains(&written, "pub const foo: foo = foo {};");
    contains(&written, "type Args<'mp> = (i32, i32); type Output = i32;");
    contains(&written, "fn __mp_body_foo((a, b): (i32, i32)) -> i32 { a + b }");
}

#[test]
fn more_parameters_are_a_tuple() {
    let written = accepts("", "fn foo(mut a: String, _: u8) -> Vec<u8> {}");
    contains(&written, "type Args<'mp> = (String, u8); type Output = Vec<u8>;");
    contains(&written, "type Target = fn(String, u8) -> Vec<u8>;");
}

#[test]
fn elided_lifetimes_are_those_of_the_arguments() {
    let item = "fn foo(a: &str, b: &'_ [u8], c: Option<&str>, d: T<'_, u8>, e: T<'static, u8>) {}";
    let sent =
        "type Args<'mp> = (&'mp str, &'mp [u8], Option<&'mp str>, T<'mp, u8>, T<'static, u8>);";
    let written = accepts("", item);
    contains(&written, sent);
    contains(&written, "fn(&str, &'_ [u8], Option<&str>, T<'_, u8>, T<'static, u8>)");
}

#[test]
fn twelve_parameters_are_accepted_and_thirteen_refused() {
    let function = |parameters: usize| {
        let parameters: String = (0..parameters).map(|index| format!("p{index}: u8,")).collect();
        format!("fn foo({parameters}) {{}}")
    };
    accepts("", &function(12));
    refuses(&function(13), "at most 12 parameters, and this one has 13");
}

#[test]
fn name_is_the_path_or_the_given_one() {
    let written = accepts("", "fn r#type() {}");
    contains(
        &written,
        r#"const NAME: &'static str = ::core::concat!(::core::module_path!(), "::", "type");"#,
    );
    contains(&written, "__mp::__private::Entry::new::<r#type>");
    contains(&written, "::core::option::Option::None, ::core::file!()");
    let written = accepts(r#"name = "given""#, "fn foo() {}");
    contains(&written, r#"const NAME: &'static str = "given";"#);
    contains(&written, r#"::core::option::Option::Some("given"), ::core::file!()"#);
}

#[test]
fn alias_leaves_the_function_alone() {
    let function = r#"#[doc = "Counts."] #[inline] pub fn count(count: &str) -> usize { 0 }"#;
    let written = accepts("as = Count", function);
    contains(&written, function);
    contains(&written, r#"#[doc = "The task that runs [`count`](fn@count)."]"#);
    contains(&written, "pub struct Count {}");
    contains(&written, "pub const Count: Count = Count {};");
    contains(&written, "count(__mp_argument_0)");
    assert!(!written.contains("__mp_body"));
}

#[test]
fn crate_option_replaces_the_path() {
    let written = accepts(r#"crate = crate::reexported, name = "x","#, "fn foo() {}");
    contains(&written, "use crate::reexported as __mp;");
    contains(&accepts("", "fn foo() {}"), "use ::mp as __mp;");
}

#[test]
fn attributes_go_where_they_take_effect() {
    let written = accepts(
        "",
        r#"
            #[doc = "Docs."]
            #[cfg_attr(a, cfg(b), doc(hidden), inline)]
            #[expect(dead_code, unused_variables, reason = "r")]
            #[allow(unused)]
            #[deprecated]
            fn foo() {}
        "#,
    );
    assert_eq!(count(&written, "#[cfg_attr(a, cfg(b))]"), 3, "on the type, the constant, the rest");
    assert_eq!(count(&written, r#""Docs.""#), 1, "examples in it run once");
    assert_eq!(count(&written, "doc(hidden)"), 2);
    contains(
        &written,
        r#"
            #[allow(non_upper_case_globals)]
            #[doc = "Docs."]
            #[cfg_attr(a, doc(hidden))]
            #[deprecated]
            #[expect(dead_code, reason = "r")]
            #[allow(unused)]
            const foo
        "#,
    );
    contains(
        &written,
        r#"
            #[expect(unused_variables, reason = "r")]
            #[allow(unused)]
            #[cfg_attr(a, inline)]
            fn __mp_body_foo() {}
        "#,
    );
}

#[test]
fn body_stays_as_it_is() {
    let written = accepts("", "const fn foo(#[x] a: u8) -> u8 { #![allow(x)] a + 1 }");
    contains(&written, "const fn __mp_body_foo(#[x] a: u8) -> u8 { #![allow(x)] a + 1 }");
    let unfinished = apply(task, "", "fn foo(a: u8) { a. }");
    contains(&unfinished, "fn __mp_body_foo(a: u8) { a. }");
    assert_eq!(count(&unfinished, "compile_error!"), 0);
}

#[test]
fn kinds_of_functions_are_refused() {
    refuses("fn foo<T>(a: T) where T: Copy, { }", "cannot be generic");
    refuses("fn foo<const N: usize>() {}", "cannot be generic");
    refuses("fn foo<'a>(a: &'a str, b: &'a Vec<u8>) {}", "no lifetime parameters");
    refuses("fn foo() where u8: Copy, { }", "no `where` clause");
    refuses("async fn foo() {}", "cannot be `async`");
    refuses("unsafe fn foo() {}", "cannot be `unsafe`");
    refuses(r#"extern "C" fn foo() {}"#, "foreign ABI");
    refuses("fn foo(a: u8, ...) {}", "cannot be variadic");
    refuses("fn foo();", "a function with a body");
}

#[test]
fn methods_are_refused_and_left_in_place() {
    for method in [
        "fn foo(&self, a: u8) -> Self {}",
        "fn foo(mut self: Box<Self>) {}",
        "fn foo(a: u8) -> Result<Self, Self::Error> {}",
    ] {
        refuses(method, "a method cannot be a task");
        contains(&apply(task, "", method), method);
    }
}

#[test]
fn parameters_that_cannot_travel_are_refused() {
    refuses("fn foo(a: impl Copy) {}", "instead of `impl Trait`");
    refuses("fn foo(a: Vec<impl Copy>) {}", "instead of `impl Trait`");
    refuses("fn foo(a: &mut Vec<u8>) {}", "a change through `&mut` would be lost");
    refuses("fn foo(a: &mut str) {}", "a change through `&mut` would be lost");
    refuses("fn foo(a: &'static str) {}", "not `'static`: write `&str`");
    refuses("fn foo(a: &'x [u8]) {}", "leave `'x` out");
    refuses("fn foo(a: Cow<'x, str>) {}", "leave `'x` out");
    refuses("fn foo(a: Vec<_>) {}", "must be written out");
    refuses("fn foo(#[cfg(a)] a: u8) {}", "cannot be conditional");
    refuses("fn foo((_, foo): (u8, u8)) {}", "`#[mp::task(as = Foo)]`");
}

#[test]
fn refused_references_say_what_to_take() {
    for (ty, instead) in [
        ("&String", "`&str`"),
        ("&&str", "`&str`"),
        ("&Vec<u8>", "`&[u8]`"),
        ("&[i32]", "`Vec<i32>`"),
        ("&Path", "`PathBuf`"),
        ("&std::path::Path", "`std::path::PathBuf`"),
        ("&HashMap<String, [u8; 4]>", "`HashMap<String, [u8; 4]>`"),
        ("Option<&Vec<(i32, u8)>>", "`Vec<(i32, u8)>`"),
        ("&'_ i32", "`i32`"),
    ] {
        refuses(&format!("fn foo(a: {ty}) {{}}"), &format!("take {instead}"));
    }
}

#[test]
fn results_that_cannot_travel_are_refused() {
    refuses("fn foo(a: &str) -> &str {}", "return `String`");
    refuses("fn foo() -> &'static [u8] {}", "return `Vec<u8>`");
    refuses("fn foo() -> Option<&'static Path> {}", "return `PathBuf`");
    refuses("fn foo(a: &str) -> Cow<'_, str> {}", "this type borrows");
    refuses("fn foo() -> impl Iterator<Item = u8> {}", "a concrete type");
    refuses("fn foo() -> ! {}", "leave `-> !` out");
    accepts("", "fn foo() -> Cow<'static, str> {}");
}

#[test]
fn what_is_no_function_is_refused_and_left_in_place() {
    for item in [
        "struct Foo;",
        "impl Foo { fn foo() {} }",
        "pub const FOO: u8 = 0;",
        r#"unsafe extern "C" { fn foo(); }"#,
        "pub(crate) mod foo {}",
    ] {
        refuses(item, "belongs on a function");
        contains(&apply(task, "", item), item);
    }
}

#[test]
fn options_are_checked() {
    let valid = r#"`#[mp::task]` takes `name = \"..\"`, `as = Name` and `crate = path`"#;
    for (options, words) in [
        (r#"nam = "x""#, &*format!("unknown option `nam`: did you mean `name`? {valid}")),
        (r#"label = "x""#, &*format!("unknown option `label`: {valid}")),
        (r#""x""#, &*format!("unknown option: {valid}")),
        (r#"name = "x", as = Foo, name = "y""#, "`name` is given twice"),
        (r#"name = """#, "cannot be empty"),
        ("name = 3", "takes a string"),
        ("name", "needs a value"),
        (r#"as = "Foo""#, "takes a name"),
        ("as = foo", "another name"),
        (r#"crate = "mp""#, "takes a path, without quotes"),
        (r#"name = "x" y"#, "expected `,`"),
    ] {
        crate::testing::refuses(task, options, "fn foo() {}", words);
    }
    let written = apply(task, r#"x, y(1, 2), name = """#, "fn foo() {}");
    assert_eq!(count(&written, "compile_error!"), 3);
}

#[test]
fn only_a_slip_is_taken_for_a_meaning() {
    for near in ["nam", "names", "nmae", "Name", "nome", "ame", "anme"] {
        let words = format!("unknown option `{near}`: did you mean `name`? ");
        crate::testing::refuses(task, &format!("{near} = 1"), "fn foo() {}", &words);
    }
    for far in ["title", "na", "names_", "eman", "nmaes", "x"] {
        let words = format!("unknown option `{far}`: `#[mp::task]` takes");
        crate::testing::refuses(task, &format!("{far} = 1"), "fn foo() {}", &words);
    }
}

#[test]
fn attribute_is_refused_the_second_time() {
    let twice = "`#[mp::task]` stands here twice";
    for again in ["task", "mp::task", "::mp::task(name = \"x\")", "cfg_attr(unix, mp::task)"] {
        refuses(&format!("#[{again}] fn foo() {{}}"), twice);
    }
    for other in ["other::task", "tasks", "mp::deeper::task", "mp::main"] {
        accepts("", &format!("#[{other}] fn foo() {{}}"));
    }
}

#[test]
fn usual_types_are_written_as_they_are() {
    let item = "fn foo(a: &str, b: Option<Vec<u8>>, c: [(u8, String); 3], d: ()) -> Vec<i64> {}";
    let written = accepts("", item);
    contains(&written, "type Args<'mp> = (&'mp str, Option<Vec<u8>>, [(u8, String); 3], ());");
    contains(&written, "type Output = Vec<i64>;");
    assert!(!written.contains("Checked"), "{written}");
}

/// What is asked about them decides which error rustc shows: that is tested by `tests/ui`.
#[test]
fn other_types_depend_on_the_questions_about_them() {
    let written = accepts("", "fn foo(a: Map<u8, Point>, b: View<'_>) -> Point {}");
    let travel = "__mp::__private::travel::Checked<{ __MP_CHECKED }>>::Type";
    contains(
        &written,
        &format!("type Args<'mp> = (<Map<u8, Point> as {travel}, <View<'mp> as {travel});"),
    );
    contains(&written, &format!("type Output = <Point as {travel};"));
    contains(&written, "#[cfg(doc)] type Output = Point;");
    contains(&written, "#[cfg(not(doc))] const __MP_CHECKED: usize = {");
    assert_eq!(count(&written, "<u8 as"), 0);
    assert_eq!(count(&written, "<View<'_> as __mp_travel::Travels<"), 1);
    assert_eq!(count(&written, "<Point as __mp_travel::Travels<"), 2);
}

#[test]
fn different_mistakes_are_all_reported() {
    let item =
        "async unsafe fn foo<T: Copy>(a: T, b: &mut u8, c: &String, d: impl Copy) -> &str {}";
    assert_eq!(count(&apply(task, r#"name = """#, item), "compile_error!"), 8);
}

/// The type of such a constant has failed, so that rustc says nothing about its uses.
#[test]
fn stand_in_holds_the_error_in_its_type() {
    let written = apply(task, "", "pub fn foo<T>(a: T) {}");
    contains(&written, "pub const foo: [(); ::core::compile_error! {");
    contains(&written, "#[allow(dead_code)] pub fn foo<T>(a: T) {}");
    let written = apply(task, "as = Foo", "fn foo<T>(a: T) {}");
    contains(&written, "const Foo: [(); ::core::compile_error! {");
    let shared_with_rustc = apply(task, "", "fn foo() -> &str {}");
    assert_eq!(count(&shared_with_rustc, "fn foo"), 0);
}

/// Not by its tokens: a type alias may be a `Result`, too.
#[test]
fn every_task_asks_its_values_type_whether_it_is_an_error() {
    for item in ["fn foo() -> Result<u8, String> {}", "fn foo() -> Answer {}", "fn foo() {}"] {
        let written = accepts("", item);
        contains(&written, "(&&&__mp::__private::Outcome(__mp_output)).failure()");
    }
}
