//! What hides its type cannot be rebuilt.

trait Shape {
    fn area(&self) -> f64;
}

#[mp::task]
fn boxed(shape: Box<dyn Shape>) -> f64 { //~ error[E0277]: `Box<dyn Shape>` hides what it holds .. such as an enum
    shape.area()
}

#[mp::task]
fn call(function: Option<Box<dyn Fn() -> i32 + Send>>) -> i32 { //~ error[E0277]: `Box<dyn Fn() -> i32 + Send>` hides what it holds
    function.map_or(0, |function| function())
}

#[mp::task]
fn bare(shape: dyn Shape) -> f64 { //~ error: a trait object hides its type .. such as an enum
    shape.area()
}

#[mp::task]
fn result() -> dyn Shape { //~ error: a trait object hides its type
    panic!()
}

fn main() {
    call(None);
    let _ = (boxed, bare, result);
}
