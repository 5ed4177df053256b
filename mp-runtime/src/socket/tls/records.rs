//! Where TLS's records end in what comes, so that the socket is read no further than a message goes: what it has to be
//! read is then what has not been received, and a descriptor that is readable has a message. What is in the records
//! is for `sealed`.

/// What stands before a record: its kind, a version, and how many bytes follow.
const HEAD: usize = 5;
/// So much is read at once.
const MOST: usize = 1 << 16;

/// Bytes that have come and were not yet decrypted, and how the last record among them stands.
#[derive(Debug, Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
    /// So many of the bytes were decrypted.
    fed: usize,
    head: [u8; HEAD],
    head_have: usize,
    /// Of the last record's body, how much has come and how much has not.
    body_have: usize,
    body_lacks: usize,
}

impl Records {
    /// How many bytes may be read from the socket, where so many of a message are `due` beyond what is whole here: they
    /// take at least as many, and a record that is begun is read to its end anyway.
    pub(super) fn may_read(&self, due: usize) -> usize {
        let record = match self.body_lacks {
            0 => HEAD - self.head_have,
            lacks => lacks,
        };
        let begun = self.head_have + self.body_have;
        record.max(due.saturating_sub(begun)).min(MOST)
    }

    /// Where so many bytes go, once all before them are decrypted.
    pub(super) fn room(&mut self, count: usize) -> &mut [u8] {
        self.fed = 0;
        self.bytes.resize(count, 0);
        &mut self.bytes
    }

    /// Says that so many bytes were put into the room.
    pub(super) fn came(&mut self, count: usize) {
        self.bytes.truncate(count);
        let mut at = 0;
        while at < self.bytes.len() {
            if self.body_lacks == 0 {
                let count = (HEAD - self.head_have).min(self.bytes.len() - at);
                self.head[self.head_have..self.head_have + count]
                    .copy_from_slice(&self.bytes[at..at + count]);
                self.head_have += count;
                at += count;
                if self.head_have == HEAD {
                    self.body_lacks = u16::from_be_bytes([self.head[3], self.head[4]]).into();
                }
            }
            let count = self.body_lacks.min(self.bytes.len() - at);
            self.body_lacks -= count;
            self.body_have += count;
            at += count;
            if self.head_have == HEAD && self.body_lacks == 0 {
                (self.head_have, self.body_have) = (0, 0);
            }
        }
    }

    /// What came and was not yet decrypted.
    pub(super) fn unfed(&self) -> &[u8] {
        &self.bytes[self.fed..]
    }

    pub(super) fn feed(&mut self, count: usize) {
        self.fed += count;
        if self.fed == self.bytes.len() {
            self.fed = 0;
            self.bytes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HEAD, MOST, Records};

    fn record(len: u16) -> Vec<u8> {
        [&[23, 3, 3][..], &len.to_be_bytes(), &vec![7; len.into()]].concat()
    }

    /// Reads all of `bytes` with so many due, in pieces of at most so many; gives how much each read was.
    fn read(records: &mut Records, mut bytes: &[u8], piece: usize, mut due: usize) -> Vec<usize> {
        let mut reads = Vec::new();
        while !bytes.is_empty() {
            let may = records.may_read(due);
            assert!(may > 0 && may <= MOST);
            let count = may.min(piece).min(bytes.len());
            records.room(count).copy_from_slice(&bytes[..count]);
            records.came(count);
            bytes = &bytes[count..];
            assert_eq!(records.unfed().len(), count);
            records.feed(count);
            due = due.saturating_sub(count);
            reads.push(count);
        }
        reads
    }

    #[test]
    fn a_record_is_read_to_its_end_and_no_further() {
        for piece in [1, 2, 3, 100, usize::MAX] {
            let mut records = Records::default();
            for len in [100, 1, 0, 300] {
                read(&mut records, &record(len), piece, 4);
                assert_eq!((records.head_have, records.body_have, records.body_lacks), (0, 0, 0));
                assert_eq!(records.may_read(0), HEAD);
            }
        }
        assert_eq!(read(&mut Records::default(), &record(300), usize::MAX, 4), [HEAD, 300]);
    }

    #[test]
    fn what_a_long_message_has_for_certain_is_read_at_once() {
        // Two records of a hundred bytes and what encryption adds.
        let bytes = [record(117), record(117)].concat();
        let mut records = Records::default();
        assert_eq!(records.may_read(200), 200);
        records.room(200).copy_from_slice(&bytes[..200]);
        records.came(200);
        records.feed(200);
        // A hundred bytes are whole and decrypted; of the other hundred's record, 78 are here.
        assert_eq!(records.may_read(100), 44);
        assert_eq!(Records::default().may_read(usize::MAX), MOST);
    }
}
