//! A raw value has no lock: that is another type.

fn main() -> mp::Result<()> {
    let _guard = mp::init();
    let value = mp::RawValue::new(1)?;
    *value.lock()? += 1; //~ no method named `lock` found for struct `RawValue<T>`
    Ok(())
}
