//! A main that its caller would have to vouch for, and a foreign one.
#![expect(unsafe_code, reason = "is what is refused")]

#[mp::main]
unsafe extern "C" fn main() {} //~ `main` cannot be `unsafe` //~ `main` cannot have a foreign ABI
