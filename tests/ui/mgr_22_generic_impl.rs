//! A managed type with a parameter.

struct Stack<T>(Vec<T>);

#[mp::manager]
impl<T> Stack<T> { //~ a managed type cannot be generic, since the server finds it by its name: write one type for each
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn main() {
    Stack::<u8>::new().len();
}
