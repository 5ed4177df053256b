//! A process of the tangle as its parent has it: what it was told, what was done to it, how it may end.
//! Which processes there are is decided in `main`.

use std::process;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::support::{kill, state_of, wait_until};
use crate::{LONG, branch};

/// The exit code of a process that has found something wrong below itself; none is told to use it.
pub const WRONG: i32 = 99;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Order {
    pub seed: u64,
    pub depth: u32,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum End {
    Returns,
    Exits(i32),
    Panics,
    /// Until it is killed.
    Stays,
}

impl Order {
    pub fn at_random(dice: &mut Dice, depth: u32) -> Self {
        let end = match dice.roll(4) {
            0 => End::Returns,
            1 => End::Exits(i32::try_from(dice.roll(90)).expect("a small number")),
            2 => End::Panics,
            _ => End::Stays,
        };
        Self { seed: dice.next(), depth, end }
    }

    /// The last thing that the process does.
    pub fn obey(self) -> u64 {
        match self.end {
            End::Returns => self.value(),
            End::Exits(code) => process::exit(code),
            End::Panics => panic!("as ordered"),
            End::Stays => loop {
                std::thread::park();
            },
        }
    }

    fn value(self) -> u64 {
        self.seed.rotate_left(self.depth)
    }

    /// The exit code of a process that nobody disturbs.
    fn code(self) -> Option<i32> {
        match self.end {
            End::Returns => Some(0),
            End::Exits(code) => Some(code),
            End::Panics => Some(101),
            End::Stays => None,
        }
    }
}

pub struct Ward {
    process: mp::Process<branch>,
    order: Order,
    /// The signals it was sent that end a process.
    sent: Vec<i32>,
}

impl Ward {
    pub fn start(order: Order) -> Self {
        let process = mp::spawn(branch, order).expect("it starts");
        Self { process, order, sent: Vec::new() }
    }

    /// Disturbs it at a random moment, if it still runs then.
    pub fn disturb(&mut self, dice: &mut Dice) {
        let moment = Duration::from_micros(dice.roll(15_000));
        if self.process.join_timeout(moment).expect("it was started") {
            return;
        }
        match dice.roll(5) {
            0 => self.terminate(),
            1 => self.kill(),
            2 => {
                self.stop();
                self.kill();
            }
            3 => {
                self.stop();
                // It dies of this when it goes on.
                self.terminate();
                self.signal(libc::SIGCONT);
            }
            _ => {
                self.stop();
                let ended = self.process.join_timeout(moment).expect("it was started");
                assert!(!ended || self.may_have_ended(), "a stopped process has ended");
                self.signal(libc::SIGCONT);
            }
        }
    }

    fn may_have_ended(&self) -> bool {
        self.order.end != End::Stays || !self.sent.is_empty()
    }

    fn terminate(&mut self) {
        self.sent.push(libc::SIGTERM);
        self.process.terminate().expect("it was started");
    }

    fn kill(&mut self) {
        self.sent.push(libc::SIGKILL);
        self.process.kill().expect("it was started");
    }

    fn stop(&self) {
        self.signal(libc::SIGSTOP);
        let pid = self.process.pid().expect("it was started").cast_signed();
        wait_until(LONG, "it stops, or has ended", || {
            matches!(state_of(pid), Some('T' | 'Z' | 'X') | None)
        });
    }

    /// Sends a signal by the pid, which is its own as long as nobody has asked how it ended.
    fn signal(&self, signal: i32) {
        let pid = self.process.pid().expect("it was started").cast_signed();
        if self.process.is_alive() {
            kill(pid, signal).expect("it is not reaped");
        }
    }

    /// Disturbs it some more, waits for its end, and gives its code; or what is wrong with that.
    pub fn finish(mut self, mut dice: Dice) -> Result<i32, String> {
        for _ in 0..dice.roll(3) {
            self.disturb(&mut dice);
        }
        if !self.may_have_ended() {
            self.kill();
        }
        self.process.join().expect("it was started");
        let Some(code) = self.process.exit_code() else {
            return Err(format!("{:?} was joined, and has no exit code", self.process));
        };
        let killed = self.sent.iter().any(|signal| code == -signal);
        if !killed && self.order.code() != Some(code) {
            let Self { process, order, sent } = self;
            return Err(format!("{process:?} was told {order:?} and sent {sent:?}"));
        }
        self.check_result(code)?;
        let again = self.process.exit_code();
        if again == Some(code) {
            Ok(code)
        } else {
            Err(format!("the exit code {code} became {again:?}"))
        }
    }

    fn check_result(&self, code: i32) -> Result<(), String> {
        let result = self.process.result();
        let kind = result.as_ref().map_err(mp::Error::kind).copied();
        let died = Err(mp::ErrorKind::WorkerDied);
        let right = match self.order.end {
            End::Returns if code == 0 => kind == Ok(self.order.value()),
            End::Panics if code == 101 => kind == Err(mp::ErrorKind::Panicked),
            // Killed between its last words and its end, it has said them.
            End::Returns => kind == died || kind == Ok(self.order.value()),
            End::Panics => kind == died || kind == Err(mp::ErrorKind::Panicked),
            End::Exits(_) | End::Stays => kind == died,
        };
        if right {
            return Ok(());
        }
        Err(format!("{:?} was told {:?} and gave {result:?}", self.process, self.order))
    }
}
