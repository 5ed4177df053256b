//! A lifetime that is not written at all. The sentence is rustc's, which looks at the type of the
//! arguments; who follows it is told the rest (`task_04_lifetime_undeclared`).

#[derive(serde::Serialize, serde::Deserialize)]
struct View<'a>(#[serde(borrow)] &'a str);

#[mp::task]
fn foo(view: View) -> usize { //~ error[E0106]: missing lifetime specifier
    view.0.len()
}

fn main() {
    foo(View("x"));
}
