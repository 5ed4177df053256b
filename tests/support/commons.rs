//! How much memory the processes of this program share, and how many objects lie in it, as its file tells. What is in the
//! objects is not looked at.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// What the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commons {
    /// Objects and blocks that were made and are not over.
    pub objects: u64,
    /// Memory that is taken.
    pub bytes: u64,
}

const NAME: &str = "memfd:mp-commons";
/// Where the file has the number of the last territory, and how long each is.
const LAST: u64 = 12;
const TERRITORY: u64 = 1 << 28;
/// Heads of objects lie at multiples of this; a territory begins with a bit for each place.
const ALIGN: u64 = 256;

impl Commons {
    /// As it is now; all zero if this process has no such file.
    pub fn now() -> Self {
        let Some(window) = Window::find() else { return Self { objects: 0, bytes: 0 } };
        let last = window.word(LAST) & u64::from(u32::MAX);
        let count = |territory| window.objects(territory * TERRITORY).count() as u64;
        Self { objects: (1..=last).map(count).sum(), bytes: window.taken() }
    }

    /// What the objects are that are there, for a message.
    pub fn left() -> Vec<String> {
        let Some(window) = Window::find() else { return Vec::new() };
        let last = window.word(LAST) & u64::from(u32::MAX);
        let all = (1..=last).flat_map(|territory| window.objects(territory * TERRITORY));
        all.map(|at| window.describe(at)).collect()
    }
}

/// The file as this process has it mapped. Nothing opens it: a process that closes a descriptor of it lets go of its locks
/// on it, and counts as dead.
pub struct Window {
    memory: File,
    begin: u64,
}

impl Window {
    pub fn find() -> Option<Self> {
        let maps = fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
        let line = maps.lines().find(|line| line.contains(NAME))?;
        let begin = u64::from_str_radix(line.split('-').next()?, 16).expect("an address");
        let memory = File::options().read(true).write(true).open("/proc/self/mem");
        Some(Self { memory: memory.expect("it is ours"), begin })
    }

    pub fn read(&self, at: u64, bytes: &mut [u8]) {
        self.memory.read_exact_at(bytes, self.begin + at).expect("it is mapped");
    }

    pub fn write(&self, at: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, self.begin + at).expect("it is mapped");
    }

    fn word(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes);
        u64::from_ne_bytes(bytes)
    }

    /// The objects of a territory: what is noted in front of it and has a head that is neither zero nor freed.
    fn objects(&self, base: u64) -> impl Iterator<Item = u64> {
        let noted = (8..self.word(base)).flat_map(move |word| {
            let bits = self.word(base + 8 * word);
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| 64 * word + bit)
        });
        noted
            .map(move |place| base + ALIGN * place)
            .filter(|at| matches!(self.word(*at) >> 62, 1 | 2))
    }

    /// What a head says: its tag, kind, size, and who holds the object.
    fn describe(&self, at: u64) -> String {
        let [tag, kind, size, next] = [0, 8, 16, 24].map(|word| self.word(at + word));
        let records = (32..128).step_by(8).map(|word| self.word(at + word));
        let records: Vec<_> = records.filter(|word| *word != 0).collect();
        format!(
            "{at:x}: tag {tag:x}, kind {kind:x}, {size} bytes, next {next:x}, held {records:x?}"
        )
    }

    /// How many bytes of memory the file takes.
    fn taken(&self) -> u64 {
        let links = fs::read_dir("/proc/self/fd").expect("/proc is mounted").flatten();
        let is_it =
            |path: &Path| fs::read_link(path).is_ok_and(|to| to.to_string_lossy().contains(NAME));
        let path = links.map(|link| link.path()).find(|path| is_it(path)).expect("it is open");
        512 * fs::metadata(path).expect("it is open").blocks()
    }
}
