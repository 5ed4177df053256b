//! The repository's Rust files, with their code told from comments and strings.
//! What is asked of them is in the other modules.

use std::fs;
use std::path::{Path, PathBuf};

/// Where Rust files lie; `benches/peers` is a workspace of its own, with its own habits.
const ROOMS: [&str; 7] = ["src", "mp-macros", "mp-runtime", "examples", "tests", "benches", "fuzz"];

/// A Rust file. The path is relative to the repository.
pub struct Source {
    pub path: String,
    pub text: String,
    /// The text with every comment, string and character literal blanked out, line by line.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: code_of(text) }
    }

    /// The code's lines with their numbers, from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether the file holds tests and nothing that users run.
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }

    /// The file's place below `mp-runtime/src`, if it is a part of the runtime.
    pub fn in_runtime(&self) -> Option<&str> {
        self.path.strip_prefix("mp-runtime/src/")
    }

    /// The number of the line that holds this byte of text or code.
    pub fn line_at(&self, byte: usize) -> usize {
        self.code[..byte].matches('\n').count() + 1
    }

    /// Where the words stand in the code, as whole words.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        self.code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let after = &self.code[at + word.len()..];
            !self.code[..*at].ends_with(part_of_word) && !after.starts_with(part_of_word)
        })
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository; a problem that says so when it is not there.
pub fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

/// Every Rust file of the repository, by path.
pub fn all() -> Vec<Source> {
    let mut paths = Vec::new();
    for room in ROOMS {
        collect(&root().join(room), &mut paths);
    }
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let relative = path.strip_prefix(root()).expect("found below the root");
        sources.push(Source::new(relative.to_str().expect("a plain name"), &text));
    }
    assert!(sources.len() > 10, "the repository is not at {}", root().display());
    sources
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.expect("a readable directory").path();
        let name = path.file_name().expect("an entry has a name");
        if path.is_dir() && name != "target" && name != "peers" {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Blanks out comments, strings and characters; bytes and lines stay where they are.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (length, blank) = match literal(rest, word) {
            Some(length) => (length, true),
            None => (rest.chars().next().map_or(1, char::len_utf8), false),
        };
        let (token, after) = rest.split_at(length);
        if blank {
            code.extend(token.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(token);
        }
        rest = after;
    }
    code
}

/// The length of the comment, string or character that `text` starts with. `in_word`: whether the
/// character before belongs to a word, so that no prefix such as `r` can begin here.
fn literal(text: &str, in_word: bool) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with('"') {
        return Some(quoted(text, '"'));
    }
    if text.starts_with('\'') {
        return character(text);
    }
    if in_word {
        return None;
    }
    let prefix = ["br", "cr", "b", "c", "r"].into_iter().find(|prefix| text.starts_with(prefix))?;
    let after = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
        after[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let body = &after[hashes + 1..];
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix.len() + hashes + 1 + length);
    }
    match after.chars().next()? {
        '"' => Some(prefix.len() + quoted(after, '"')),
        '\'' if prefix == "b" => Some(prefix.len() + quoted(after, '\'')),
        _ => None,
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of a literal that starts and ends with `quote`, escapes skipped.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character literal, unless the quote starts a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut following = text.chars().skip(1);
    match (following.next()?, following.next()?) {
        ('\\', _) => Some(quoted(text, '\'')),
        (c, '\'') => Some(c.len_utf8() + 2),
        _ => None,
    }
}

#[test]
fn code_is_told_from_comments_and_literals() {
    let keeps_lines = code_of("a // x\n/* x /* x */ \n x */ b\n");
    assert_eq!(keeps_lines, "a     \n             \n      b\n");
    for (text, code) in [
        (r#"f("x\"x", 'x', '\'', b'x', b"x", c"x") y"#, "f( , , , , , ) y"),
        (r###"f(r"\", r#"x"x"#, br##"x"#x"##) y"###, "f( , , ) y"),
        ("fn f<'a>(a: &'a str) -> char { 'ü' }", "fn f<'a>(a: &'a str) -> char { }"),
        ("let her = bar\"x\";", "let her = bar ;"),
        ("#![doc = \"// x\"] // x \"", "#![doc = ] "),
    ] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code_of(text).len(), text.len());
        assert_eq!(words(&code_of(text)), words(&code.replace("( ,", "(  ,")), "{text}");
    }
}

#[test]
fn words_are_whole() {
    let source = Source::new("a.rs", "nix unix nix_x\n(nix::x) // nix");
    let lines: Vec<usize> = source.words("nix").map(|at| source.line_at(at)).collect();
    assert_eq!(lines, [1, 2]);
}
