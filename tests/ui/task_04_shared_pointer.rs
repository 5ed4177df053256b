//! Pointers into this process's memory, however deep.
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

#[derive(serde::Serialize, serde::Deserialize)]
struct Node(Vec<u8>);

#[mp::task]
fn rc(node: Rc<Node>) -> usize { //~ error[E0277]: `Rc<Node>` points into the memory of one process .. send the value itself
    node.0.len()
}

#[mp::task]
fn inner(node: Option<Vec<RefCell<Arc<Node>>>>) -> bool { //~ error[E0277]: `Arc<Node>` points into the memory
    node.is_none()
}

#[mp::task]
fn raw(pointer: *const u8) -> bool { //~ error[E0277]: `*const u8` points into the memory
    pointer.is_null()
}

#[mp::task]
fn result() -> Rc<Node> { //~ error[E0277]: `Rc<Node>` points into the memory
    Rc::new(Node(vec![]))
}

fn main() {
    rc(Rc::new(Node(vec![])));
    inner(None);
    raw(std::ptr::null());
    result();
}
