//! Writing what has parts: sequences, maps, and what has its number of fields by type. Each holds
//! the announced number against the written one. The values in them go back to `encode`.

use super::Fault;
use super::encode::{Encoder, Form};
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use std::mem;

/// The elements of an open sequence.
pub(super) struct Items<'e, 'o> {
    pub(super) encoder: Encoder<'e, 'o>,
    /// Where the elements begin.
    pub(super) start: usize,
    /// How many are announced.
    pub(super) count: usize,
    /// How many of them are still to come.
    pub(super) left: usize,
}

impl SerializeSeq for Items<'_, '_> {
    type Ok = Form;
    type Error = Fault;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.left = self.left.checked_sub(1).ok_or_else(|| wrong_count("a sequence"))?;
        self.encoder.part(value)
    }

    #[inline]
    fn end(self) -> Result<Form, Fault> {
        if self.left != 0 {
            return Err(wrong_count("a sequence"));
        }
        self.encoder.target.written(self.count, self.start)?;
        Ok(Form::Written)
    }
}

/// The entries of an open map.
pub(super) struct Entries<'e, 'o> {
    pub(super) encoder: Encoder<'e, 'o>,
    /// Where the entries begin.
    pub(super) start: usize,
    /// How many are announced.
    pub(super) count: usize,
    /// How many of them are still to come.
    pub(super) left: usize,
    /// A key was written and not its value.
    pub(super) key_waits: bool,
}

impl SerializeMap for Entries<'_, '_> {
    type Ok = Form;
    type Error = Fault;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.left = self.left.checked_sub(1).ok_or_else(|| wrong_count("a map"))?;
        if mem::replace(&mut self.key_waits, true) {
            return Err(unpaired());
        }
        self.encoder.part(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        if !mem::replace(&mut self.key_waits, false) {
            return Err(unpaired());
        }
        self.encoder.part(value)
    }

    #[inline]
    fn end(self) -> Result<Form, Fault> {
        if self.key_waits {
            return Err(unpaired());
        }
        if self.left != 0 {
            return Err(wrong_count("a map"));
        }
        self.encoder.target.written(self.count, self.start)?;
        Ok(Form::Written)
    }
}

/// The fields of an open tuple, struct or enum variant.
pub(super) struct Fields<'e, 'o> {
    pub(super) encoder: Encoder<'e, 'o>,
    /// The type's name; empty for a tuple.
    pub(super) name: &'static str,
    pub(super) variant: Option<&'static str>,
    /// How many of the announced fields are still to come.
    pub(super) left: usize,
}

impl Fields<'_, '_> {
    #[inline(always)]
    fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.left =
            self.left.checked_sub(1).ok_or_else(|| wrong_count_of(self.name, self.variant))?;
        self.encoder.part(value)
    }

    #[inline]
    fn finish(self) -> Result<Form, Fault> {
        if self.left != 0 {
            return Err(wrong_count_of(self.name, self.variant));
        }
        Ok(Form::Written)
    }
}

/// The traits of what has unnamed fields.
macro_rules! unnamed {
    ($($compound:ident :: $method:ident;)*) => {$(
        impl $compound for Fields<'_, '_> {
            type Ok = Form;
            type Error = Fault;

            #[inline(always)]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.field(value)
            }

            #[inline]
            fn end(self) -> Result<Form, Fault> {
                self.finish()
            }
        }
    )*};
}

/// The traits of what has named fields.
macro_rules! named {
    ($($compound:ident;)*) => {$(
        impl $compound for Fields<'_, '_> {
            type Ok = Form;
            type Error = Fault;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _field: &'static str,
                value: &T,
            ) -> Result<(), Fault> {
                self.field(value)
            }

            #[cold]
            fn skip_field(&mut self, field: &'static str) -> Result<(), Fault> {
                Err(skipped(self.name, self.variant, field))
            }

            #[inline]
            fn end(self) -> Result<Form, Fault> {
                self.finish()
            }
        }
    )*};
}

unnamed! {
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

named! {
    SerializeStruct;
    SerializeStructVariant;
}

#[cold]
#[inline(never)]
pub(super) fn wrong_count(of: &str) -> Fault {
    Fault::new(format!(
        "{of} in it wrote another number of elements than it announced; correct its Serialize"
    ))
}

#[cold]
#[inline(never)]
fn unpaired() -> Fault {
    Fault::new("a map in it wrote a key without a value or the reverse; correct its Serialize")
}

#[cold]
#[inline(never)]
fn wrong_count_of(name: &str, variant: Option<&str>) -> Fault {
    wrong_count(&title(name, variant))
}

#[cold]
#[inline(never)]
fn skipped(name: &str, variant: Option<&str>, field: &str) -> Fault {
    Fault::new(format!(
        "field {field} of {} was skipped, which would shift the fields after it for the reader; \
         remove its skip_serializing_if, or skip it always with #[serde(skip)]",
        title(name, variant)
    ))
}

fn title(name: &str, variant: Option<&str>) -> String {
    match (name, variant) {
        ("", _) => "a tuple".to_owned(),
        (name, None) => name.to_owned(),
        (name, Some(variant)) => format!("{name}::{variant}"),
    }
}
