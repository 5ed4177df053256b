//! What `#[mp::main]` and `#[mp::test]` accept and refuse, on the level of tokens.
//! How rustc takes what they write is tested by the root package's `tests/ui`.

use super::{main, test};
use crate::testing::{accepts, apply, contains, count, refuses};

#[test]
fn main_looks_first_whether_it_is_a_child() {
    let item = r#"#[doc = "Docs."] #[allow(unused)] pub fn main() -> Result<(), Error> { body() }"#;
    let wanted = r#"
        #[doc = "Docs."]
        #[allow(unused)]
        pub fn main() -> Result<(), Error> {
            #[allow(unused)]
            fn main() -> Result<(), Error> { body() }
            let __mp_guard = ::mp::init();
            main()
        }
    "#;
    let written = accepts(main, "", item);
    assert_eq!(count(&written, wanted), 1, "{written}");
}

#[test]
fn main_keeps_other_macros_inside() {
    let item = r#"#[cfg(a)] #[tokio::main(flavor = "x")] async fn main() {}"#;
    let wanted = r#"
        #[cfg(a)]
        fn main() {
            #[tokio::main(flavor = "x")]
            async fn main() {}
            let __mp_guard = my::mp::init();
            main()
        }
    "#;
    let written = accepts(main, "crate = my::mp", item);
    assert_eq!(count(&written, wanted), 1, "{written}");
}

#[test]
fn main_refuses() {
    refuses(main, "", "fn start() {}", "belongs on `fn main`");
    refuses(main, "", "#[allow(x)] async fn main() {}", "`#[tokio::main]`, below");
    refuses(main, "", "fn main(a: u8) {}", "takes no parameters");
    refuses(main, "", "fn main<T>() where T: Copy, { }", "cannot be generic");
    refuses(main, "", "fn main() where u8: Copy, { }", "no `where` clause");
    refuses(main, "", "unsafe fn main() {}", "cannot be `unsafe`");
    refuses(main, "", r#"extern "C" fn main() {}"#, "foreign ABI");
    refuses(main, "", "struct Main;", "belongs on a function");
    refuses(main, r#"name = "x""#, "fn main() {}", "takes `crate = path` only");
    refuses(main, "crat = x", "fn main() {}", "did you mean `crate`?");
    refuses(main, "", "#[mp::main] fn main() {}", "`#[mp::main]` stands here twice");
    accepts(main, "", "#[main] async fn main() {}");
}

/// rustc would have something to say about such a main itself.
#[test]
fn refused_main_is_put_into_a_plain_one() {
    let written = apply(main, "", "async fn main() {}");
    contains(&written, "fn main() { #[allow(dead_code)] async fn main() {} }");
}

#[test]
fn test_becomes_a_test_and_a_constructor() {
    let item = "#[should_panic] fn adds() -> Result<(), Error> { body() }";
    let written = accepts(test, "", item);
    contains(&written, &format!("#[::core::prelude::v1::test] {item} #[cfg(test)] const _"));
    contains(&written, "use ::mp as __mp;");
    contains(&written, r#"#[used] #[unsafe(link_section = ".init_array")] static"#);
    contains(&accepts(test, "crate = a", item), "use a as __mp;");
}

#[test]
fn test_leaves_other_test_macros_to_it() {
    for item in [
        "#[tokio::test] async fn adds() {}",
        "#[test] fn adds() {}",
        "#[cfg_attr(a, tokio::test)] async fn adds() {}",
        "#[rstest] fn adds(fixture: u8) {}",
        "#[test_case(1)] fn adds(a: u8) {}",
    ] {
        let written = accepts(test, "", item);
        contains(&written, item);
        assert_eq!(count(&written, "prelude"), 0);
    }
}

#[test]
fn test_keeps_its_condition() {
    let written = accepts(test, "", "#[cfg(a)] fn adds() {}");
    contains(&written, "#[cfg(a)] #[cfg(test)] const _");
}

#[test]
fn test_refuses() {
    refuses(test, "", "async fn adds() {}", "`#[tokio::test]`, below");
    refuses(test, "", "#[mp::test] fn adds() {}", "`#[mp::test]` stands here twice");
    refuses(test, "", "fn adds(a: u8) {}", "takes no parameters");
    refuses(test, "", "fn adds<T>() {}", "cannot be generic");
    refuses(test, "", "struct Adds;", "belongs on a function");
    refuses(test, "as = A", "fn adds() {}", "unknown option `as`");
}
