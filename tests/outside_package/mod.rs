//! Packages outside this repository that depend on it by path, and Cargo run on them.
//! What they hold, and what should come of it, is for `ui.rs` and `outside.rs`.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long a test may take that has to compile the library and all it depends on first.
pub const LIMIT: Duration = Duration::from_secs(400);

/// Above this repository's own packages.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where these tests keep what is worth keeping between two runs.
pub fn kept() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Where Cargo builds all outside packages, so that it compiles the library once for all of them.
pub fn target() -> PathBuf {
    kept().join("outside-target")
}

/// The lines of a manifest that name this repository as a dependency, and serde.
pub fn dependencies(name: &str) -> String {
    let path = repository().display();
    format!(
        "[dependencies]\n\
         {name} = {{ package = \"mp-rs\", path = \"{path}\" }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n"
    )
}

/// What a program has written, and whether it was content.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Runs the command to its end, without input.
    #[track_caller]
    pub fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().expect("the program is there");
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Panics, with what was written, unless the program ended with this code.
    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        let Self { stdout, stderr, .. } = self;
        assert!(
            self.code == Some(code),
            "code {:?} instead of {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---",
            self.code
        );
    }

    /// What follows `prefix` in each line of stdout that starts with it.
    pub fn values(&self, prefix: &str) -> Vec<&str> {
        self.stdout.lines().filter_map(|line| line.strip_prefix(prefix)).collect()
    }
}

/// Cargo, the one that runs these tests, on a package outside, as a user has it: without what the
/// environment says about this package or about a test run.
pub fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let ours = |name: &str| {
        let prefixes = ["CARGO_PKG_", "CARGO_BUILD_", "CARGO_PROFILE_", "NEXTEST", "RUST_TEST_"];
        let names = ["RUSTFLAGS", "RUSTDOCFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR"];
        names.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(ours) {
            command.env_remove(name);
        }
    }
    command
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TERM_COLOR", "never")
        // Neither is looked at here, and both take time and space.
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    command
}

/// Writes a file, and the directories above it.
pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file stands in a directory")).expect("writable");
    fs::write(path, text).expect("writable");
}

/// A workspace in a temporary directory, gone when this is dropped.
pub struct Workspace {
    directory: TempDir,
    members: Vec<String>,
}

impl Workspace {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let workspace = Self { directory, members: Vec::new() };
        let lock = fs::read_to_string(repository().join("Cargo.lock")).expect("it is there");
        write(&workspace.path().join("Cargo.lock"), &lock);
        workspace
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("workspace")
    }

    /// Adds a package `name` in a folder of that name, with `dependencies` as its manifest's end.
    pub fn package(
        mut self,
        name: &str,
        edition: u32,
        dependencies: &str,
        files: &[(&str, &str)],
    ) -> Self {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"{edition}\"\n\n\
             {dependencies}"
        );
        self.members.push(name.to_owned());
        let folder = self.path().join(name);
        write(&folder.join("Cargo.toml"), &manifest);
        for (file, text) in files {
            write(&folder.join(file), text);
        }
        let workspace = format!("[workspace]\nresolver = \"2\"\nmembers = {:?}\n", self.members);
        write(&self.path().join("Cargo.toml"), &workspace);
        self
    }

    /// Puts a library beside the workspace, where two may have one name.
    pub fn beside(self, folder: &str, name: &str, version: &str, source: &str) -> Self {
        let folder = self.directory.path().join(folder);
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n\n{}",
            dependencies("mp")
        );
        write(&folder.join("Cargo.toml"), &manifest);
        write(&folder.join("src/lib.rs"), source);
        self
    }

    /// Runs Cargo in the workspace.
    #[track_caller]
    pub fn cargo(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(cargo(&self.path()).args(arguments))
    }
}

/// A program that Cargo has built.
pub fn built(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

/// What `make` gives, kept in a file until something changes that it depends on: the library, the
/// compiler, these tests, or one of `rooms`, which are paths in the repository.
///
/// Each test may be a process of its own, as under nextest: one makes it while the others wait.
pub fn once(name: &str, rooms: &[&str], make: impl FnOnce() -> String) -> String {
    fs::create_dir_all(kept()).expect("writable");
    let lock = File::create(kept().join(format!("{name}.lock"))).expect("writable");
    lock.lock().expect("files can be locked here");
    let file = kept().join(format!("{name}.kept"));
    let key = key(rooms);
    let before = fs::read_to_string(&file).unwrap_or_default();
    if let Some((first, text)) = before.split_once('\n')
        && first == key
    {
        return text.to_owned();
    }
    let text = make();
    write(&file, &format!("{key}\n{text}"));
    text
}

/// Changes with everything that an outside package depends on.
fn key(rooms: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    let library = ["src", "mp-macros", "mp-runtime", "Cargo.toml", "Cargo.lock"];
    let tests = ["tests/outside_package", "tests/ui.rs", "tests/outside.rs"];
    for room in library.iter().chain(&tests).chain(rooms) {
        hash_all(&repository().join(room), &mut hasher);
    }
    let rustc = Outcome::of(Command::new("rustc").arg("-vV").current_dir(repository()));
    rustc.stdout.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn hash_all(path: &Path, hasher: &mut DefaultHasher) {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("readable").map(|entry| entry.expect("readable"));
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().for_each(|path| hash_all(path, hasher));
    } else {
        path.hash(hasher);
        fs::read(path).expect("readable").hash(hasher);
    }
}
