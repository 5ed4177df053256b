//! Options that are unknown, given twice, or of another form.

#[mp::task(nmae = "x")] //~ unknown option `nmae`: did you mean `name`? `#[mp::task]` takes `name = ".."`, `as = Name` and `crate = path`
fn unknown() {}

#[mp::task(name = "x", name = "y")] //~ `name` is given twice
fn twice() {}

#[mp::task(name = "")] //~ the name of a task cannot be empty
fn empty() {}

#[mp::task(name = 3)] //~ `name` takes a string: `name = ".."`
fn number() {}

#[mp::task(name)] //~ `name` needs a value: `name = ..`
fn bare() {}

#[mp::task("x")] //~ unknown option
fn text() {}

#[mp::task(as = "x")] //~ `as` takes a name for the task: `as = Name`
fn alias() {}

#[mp::task(as = same)] //~ the task needs another name than the function has
fn same() {}

#[mp::task(crate = "x")] //~ `crate` takes a path, without quotes: `crate = my_crate::mp`
fn path() {}

fn main() {
    unknown();
    let _ = mp::spawn(twice, ());
}
