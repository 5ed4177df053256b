//! An error of `new` that serde does not know.

struct Refused;

struct Counter(i32);

#[mp::manager]
impl Counter {
    pub fn new(start: i32) -> Result<Self, Refused> { //~ error[E0277]: `Refused` cannot travel between processes: add `#[derive(serde::Serialize, serde::Deserialize)]` to it
        if start < 0 { Err(Refused) } else { Ok(Self(start)) }
    }

    pub fn get(&self) -> i32 {
        self.0
    }
}

fn main() -> mp::Result<()> {
    let Ok(counter) = mp::Manager::new()?.create::<Counter>(3)? else { return Ok(()) };
    counter.get().map(drop)
}
