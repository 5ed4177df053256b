//! A result of a served method that serde does not know.

struct Point(i32);

struct Counter(i32);

#[mp::manager]
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn get(&self) -> Point { //~ error[E0277]: `Point` cannot travel between processes: add `#[derive(serde::Serialize, serde::Deserialize)]` to it
        Point(self.0)
    }
}

fn main() -> mp::Result<()> {
    let counter = mp::Manager::new()?.create::<Counter>(())?;
    counter.get().map(|point| drop(point.0))
}
