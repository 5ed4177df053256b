//! Sums of numbers that are kept as bytes: the one sort of value that the server looks into, and only where it is asked to.
//! Which types those are is in `manager::number`.

use crate::codec;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::number::code;

/// The bytes of a value, and of its sum with another one; none is 0.
pub(super) fn add(of: u8, now: Option<&[u8]>, more: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    macro_rules! add {
        ($sum:ident, $($code:ident: $number:ty),*) => {
            match of {
                $(code::$code => {
                    let decode = |bytes| codec::decode::<$number>(bytes);
                    let (now, more) = (now.map_or(Ok(<$number>::default()), decode)?, decode(more)?);
                    both(now, $sum!(now, more))
                })*
                _ => return Err(unknown(of)),
            }
        };
    }
    macro_rules! wrapping {
        ($now:ident, $more:ident) => {
            $now.wrapping_add($more)
        };
    }
    macro_rules! plain {
        ($now:ident, $more:ident) => {
            $now + $more
        };
    }
    if [code::F32, code::F64].contains(&of) {
        return add!(plain, F32: f32, F64: f64);
    }
    add!(wrapping, U8: u8, U16: u16, U32: u32, U64: u64, U128: u128, USIZE: usize,
        I8: i8, I16: i16, I32: i32, I64: i64, I128: i128, ISIZE: isize)
}

fn both<N: serde::Serialize>(was: N, sum: N) -> Result<(Vec<u8>, Vec<u8>)> {
    let encode = |number| {
        let mut bytes = Vec::new();
        codec::encode(&number, &mut bytes).map(|()| bytes)
    };
    Ok((encode(was)?, encode(sum)?))
}

fn unknown(of: u8) -> Error {
    Error::new(ErrorKind::Remote, format!("this server knows no numbers of kind {of}"))
}
