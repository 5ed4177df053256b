//! Father and son at the two ends of a pipe: the son writes first, and the father answers.
//! Run it: `cargo run --example pipe`.

type Letter = String;

#[mp::task]
fn son(father: mp::Connection<Letter, Letter>) {
    father.send("son to father message".to_owned()).expect("the father reads it");
    println!("the son got: {}", father.recv().expect("the father answers"));
}

#[mp::main]
fn main() -> mp::Result<()> {
    let (own_end, sons_end) = mp::pipe::<Letter, Letter>()?;
    let process = mp::spawn(son, sons_end)?;
    println!("the father got: {}", own_end.recv()?);
    own_end.send("father to son message".to_owned())?;
    process.join()
}
