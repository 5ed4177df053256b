//! Handles outside a transfer: an error that says why, never bytes that decode to something else.

use crate::file;
use mp::Fd;
use serde::{Deserialize, Serialize};
use std::fs::File;

#[derive(Debug, Serialize, Deserialize)]
struct Job {
    name: String,
    file: Fd<File>,
}

const WHY: &str = "travels only between processes of mp";

#[mp::test]
fn task_18_a_handle_written_as_json_is_an_error_that_says_why() {
    let job = Job { name: "x".to_owned(), file: file("x").into() };
    let error = serde_json::to_string(&job).unwrap_err().to_string();
    assert!(error.contains(WHY), "{error}");
    let error = serde_json::to_string(&vec![&job.file]).unwrap_err().to_string();
    assert!(error.contains(WHY), "{error}");
}

#[mp::test]
fn task_18_a_handle_written_as_bytes_is_an_error_that_says_why() {
    // postcard keeps no text of an error: that it is one must do.
    let fd = Fd::new(file("x"));
    assert!(postcard::to_allocvec(&fd).is_err());
    assert!(postcard::from_bytes::<Fd<File>>(&[0]).is_err());
}

#[mp::test]
fn task_18_a_handle_is_not_read_from_elsewhere() {
    for text in ["0", "null", "[]", "{}", "\"x\""] {
        let error = serde_json::from_str::<Fd<File>>(text).unwrap_err().to_string();
        assert!(error.contains(WHY), "{error}");
    }
}

#[mp::task]
fn to_json(file: Fd<File>) -> String {
    serde_json::to_string(&file).unwrap_err().to_string()
}

#[mp::test]
fn task_18_not_even_within_a_task() {
    let error = mp::spawn(to_json, file("x").into()).unwrap().result().unwrap();
    assert!(error.contains(WHY), "{error}");
}
