//! A struct that borrows travels as any other does: by its derives.

struct View<'a>(&'a str);

#[derive(serde::Serialize, serde::Deserialize)]
struct Derived<'a>(#[serde(borrow)] &'a str);

#[mp::task]
fn foo(view: View<'_>) -> usize { //~ error[E0277]: `View<'_>` cannot travel .. #[derive(serde::Serialize, serde::Deserialize)]
    view.0.len()
}

#[mp::task]
fn derived(view: Derived<'_>) -> usize {
    view.0.len()
}

fn main() {
    foo(View("x"));
    derived(Derived("x"));
}
