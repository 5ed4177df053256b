//! The attribute on the type.

#[mp::manager]
struct Counter(u32); //~ this attribute belongs on the `impl` of a type's own methods

fn main() {
    Counter(0).0.to_string();
}
