//! One type that cannot travel, in three places of one signature, and what uses it: one error.

struct Point(i32);

#[mp::task]
fn foo(point: Point, others: Vec<Point>) -> Option<Point> { //~ error[E0277]: `Point` cannot travel between processes
    Some(Point(point.0 + others[0].0))
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.apply_async(foo, (Point(1), vec![]), |point| println!("{}", point.unwrap().0));
    mp::spawn(foo, (Point(1), vec![]))?.result()?.unwrap().0.to_string();
    Ok(())
}
