//! Integers of variable length, as arithmetic: seven bits a byte, lowest first, and signed ones
//! folded so that small ones stay short. The bytes are moved by `writer` and `reader`.

/// The bit of each byte that says that there is another one.
pub(super) const MORE: u64 = 0x8080_8080_8080_8080;

/// The most bytes that an unsigned integer of the type `U` takes.
pub(super) const fn longest<U>() -> usize {
    (size_of::<U>() * 8).div_ceil(7)
}

/// How many bytes `value` takes.
#[inline]
pub(super) const fn len(value: u64) -> usize {
    let bits = (u64::BITS - (value | 1).leading_zeros()) as usize;
    (bits * 9 + 64) / 64
}

/// The lowest 56 bits of `value` as eight groups of seven, one to a byte.
#[inline]
pub(super) const fn spread(value: u64) -> u64 {
    let halves = (value & 0x0fff_ffff) | ((value & 0x00ff_ffff_f000_0000) << 4);
    let pairs = (halves & 0x0000_3fff_0000_3fff) | ((halves & 0x0fff_c000_0fff_c000) << 2);
    (pairs & 0x007f_007f_007f_007f) | ((pairs & 0x3f80_3f80_3f80_3f80) << 1)
}

/// Signed to unsigned and back: 0, -1, 1, -2 become 0, 1, 2, 3.
macro_rules! zigzag {
    ($($fold:ident $unfold:ident: $signed:ident, $unsigned:ident;)*) => {$(
        #[inline]
        pub(super) const fn $fold(value: $signed) -> $unsigned {
            ((value << 1) ^ (value >> ($signed::BITS - 1))).cast_unsigned()
        }

        #[inline]
        pub(super) const fn $unfold(value: $unsigned) -> $signed {
            (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
        }
    )*};
}

zigzag! {
    fold_16 unfold_16: i16, u16;
    fold_32 unfold_32: i32, u32;
    fold_64 unfold_64: i64, u64;
    fold_128 unfold_128: i128, u128;
}
