//! Records as lines on standard error: "[LEVEL/ProcessName] text", each by one write, so that what several processes
//! write there is never mixed within a line.

use crate::log::record::Record;
use crate::sys::own;

/// What a pipe takes whole or not yet, never in parts between which somebody else's come (PIPE_BUF).
const WHOLE: usize = 4096;

pub(super) fn write(record: &Record<'_>) {
    let prefix = format!("[{}/{}] ", record.level, record.process);
    for line in lines(&prefix, &record.to_string()) {
        // A closed or broken standard error is no reason to fail.
        own::write_error(line.as_bytes());
    }
}

/// The record as one line, or, if it is too long for one write, as several with the same beginning.
fn lines(prefix: &str, text: &str) -> Vec<String> {
    // A name may be longer than a line.
    let prefix = &prefix[..prefix.floor_char_boundary(WHOLE / 2)];
    let room = WHOLE - prefix.len() - 1;
    let mut rest = text.strip_suffix('\n').unwrap_or(text);
    let mut lines = Vec::new();
    while rest.len() > room {
        let most = rest.floor_char_boundary(room);
        let (line, after) = match rest[..most].rfind('\n') {
            Some(at) if at > 0 => (&rest[..at], &rest[at + 1..]),
            _ => rest.split_at(most),
        };
        lines.push(format!("{prefix}{line}\n"));
        rest = after;
    }
    lines.push(format!("{prefix}{rest}\n"));
    lines
}

#[cfg(test)]
mod tests {
    use super::{WHOLE, lines};

    #[test]
    fn a_record_is_one_line_with_its_beginning() {
        assert_eq!(lines("[INFO/A] ", "text"), ["[INFO/A] text\n"]);
        assert_eq!(lines("[INFO/A] ", "two\nlines\n"), ["[INFO/A] two\nlines\n"]);
        assert_eq!(lines("[INFO/A] ", ""), ["[INFO/A] \n"]);
    }

    #[test]
    fn a_long_record_is_several_none_too_long_and_nothing_lost() {
        let text = "ä".repeat(5000);
        let all = lines("[INFO/A] ", &text);
        assert!(all.len() > 2 && all.iter().all(|line| line.len() <= WHOLE));
        let parts = all.iter().map(|l| l.strip_prefix("[INFO/A] ").unwrap().trim_end());
        assert_eq!(parts.collect::<String>(), text);
    }

    #[test]
    fn a_long_record_is_cut_where_its_own_lines_end() {
        let text = format!("{}\n{}", "a".repeat(3000), "b".repeat(3000));
        let all = lines("[INFO/A] ", &text);
        assert_eq!(all.len(), 2);
        assert!(all[0].ends_with("a\n") && all[1].starts_with("[INFO/A] b"));
    }

    #[test]
    fn a_name_without_end_leaves_room_for_the_text() {
        assert!(lines(&"x".repeat(10_000), "text")[0].ends_with("text\n"));
    }
}
