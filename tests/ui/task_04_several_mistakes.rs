//! Each mistake of one signature is told, and nothing else.

#[mp::task]
pub async fn foo<T>(value: T, more: &mut i32, text: &String) -> &'static str { //~ `async` //~ generic //~ `&mut` //~ take `&str` //~ return `String`
    ""
}

fn main() {
    let _ = mp::spawn(foo, 1);
}
