//! Empty on purpose: Cargo's `links` key, which keeps two runtimes out of one binary, needs a build script.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
