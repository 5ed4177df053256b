//! Items of queues as they lie there, which is how a client elsewhere puts and gets them: bytes by themselves, and other values as
//! they are encoded. What is done with queues is in `gate::hands`.

use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::far::travel;
use crate::manager::wire::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::{Any, type_name};

impl Message {
    /// Adds an item of a queue, as the last thing of a request.
    pub(in crate::manager) fn item<T: Serialize + 'static>(&mut self, item: &T) -> Result<()> {
        if let Some(bytes) = (item as &dyn Any).downcast_ref::<Vec<u8>>() {
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        let Self { bytes, attachments, far, .. } = self;
        travel::encoding(far, || codec::encode_with(item, bytes, attachments))?;
        if self.attachments.has_descriptors() || self.attachments.objects() > 0 {
            return Err(travel::stays(type_name::<T>()));
        }
        Ok(())
    }
}

/// The item that such bytes are.
pub(in crate::manager) fn decode<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T> {
    let mut whole: Option<Vec<u8>> = None;
    let Some(place) = (&mut whole as &mut dyn Any).downcast_mut::<Option<T>>() else {
        return codec::decode_with(bytes, Attachments::NONE);
    };
    // `T` is bytes.
    let mut own: Option<Vec<u8>> = Some(bytes.to_vec());
    if let Some(own) = (&mut own as &mut dyn Any).downcast_mut::<Option<T>>() {
        std::mem::swap(place, own);
    }
    place.take().ok_or_else(|| Error::new(ErrorKind::Decode, "the item is not there"))
}
