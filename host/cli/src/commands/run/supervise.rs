//! Runs a command until everything that it started has ended. A signal is passed on to all of it. What is left after the
//! command, or after a signal, has a time to end; then it is stopped.

use super::descendants::{self, adopt, is_left, send};
use super::signals::{Event, Signals};
use anyhow::{Context, bail};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpgrp, kill_process_group, wait};
use rustix::termios::tcgetpgrp;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How long processes may take to end after they are killed. A process that waits for a device may take for ever.
const KILL_WAIT: Duration = Duration::from_secs(5);
/// The time between two attempts to kill what is left.
const KILL_INTERVAL: Duration = Duration::from_millis(50);

/// The end of a command and of what it started.
pub struct Finished {
    pub status: ExitStatus,
    pub left: Left,
}

/// What was left when the command had ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing that did not end by itself, or because of a signal from outside.
    Nothing,
    /// Processes that were stopped.
    Stopped,
    /// Processes that could not be stopped.
    Running,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The command runs.
    Runs,
    /// The command has ended, and what it started may end by itself.
    Lingers,
    /// All were told to end.
    Told,
    /// All are killed.
    Killed,
}

struct Supervised {
    command: Pid,
    /// Whether the command leads a process group. Otherwise it is in that of this process.
    leads: bool,
    status: Option<ExitStatus>,
}

/// Runs a command, unless a signal was caught before. An error means that it was not started. `grace` is the time that
/// processes have to end by themselves after the command, and again after they were told to.
pub fn run(command: &mut Command, signals: &Signals, grace: Duration) -> anyhow::Result<Finished> {
    if let Some(signal) = signals.stopped() {
        bail!("signal {signal} was caught before it was started");
    }
    adopt().context("its processes cannot be supervised")?;
    let leads = !is_in_foreground();
    if leads {
        command.process_group(0);
    }
    // It is waited for below, with all others.
    let mut run = Supervised { command: Pid::from_child(&command.spawn()?), leads, status: None };
    let (mut phase, mut deadline, mut left) = (Phase::Runs, None, Left::Nothing);
    while run.reap() {
        let now = Instant::now();
        if phase == Phase::Runs && run.status.is_some() {
            (phase, deadline) = (Phase::Lingers, now.checked_add(grace));
        }
        let is_over = deadline.is_some_and(|deadline| now >= deadline);
        match phase {
            Phase::Lingers if is_over => {
                run.tell(Signal::TERM, false);
                (phase, deadline, left) = (Phase::Told, now.checked_add(grace), Left::Stopped);
            }
            Phase::Told if is_over => (phase, deadline) = (Phase::Killed, now.checked_add(KILL_WAIT)),
            Phase::Killed if is_over => {
                left = Left::Running;
                break;
            }
            _ => {}
        }
        let mut wait = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if phase == Phase::Killed {
            run.tell(Signal::KILL, false);
            wait = wait.map(|wait| wait.min(KILL_INTERVAL));
        }
        let event = match wait {
            Some(wait) => signals.events.recv_timeout(wait),
            None => signals.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(Event::Stop { signal, by_key }) if phase != Phase::Killed => {
                run.tell(signal, by_key);
                if phase != Phase::Told {
                    (phase, deadline) = (Phase::Told, Instant::now().checked_add(grace));
                }
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            // The thread that sends events does not end.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(KILL_INTERVAL),
        }
    }
    // The status of a command that could not even be killed is that of a failure.
    Ok(Finished { status: run.status.unwrap_or_else(|| ExitStatus::from_raw(255 << 8)), left })
}

impl Supervised {
    /// Takes notice of the processes that have ended. Returns whether any is left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.command => {
                    self.status = Some(ExitStatus::from_raw(status.as_raw()));
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return self.leads && is_left(self.command),
            }
        }
    }

    /// Sends a signal once to every process that is left. The group of the command receives it at one moment, so no process
    /// that is started meanwhile is missed. If a key sent it, the terminal has told those of the group of this process.
    fn tell(&self, signal: Signal, by_key: bool) {
        let own = getpgrp().as_raw_nonzero().get();
        let led = self.command.as_raw_nonzero().get();
        let left = descendants::all();
        let in_group = |group: i32| self.leads && group == led;
        // The number of a group is not used again while the group has a member.
        if self.leads && (self.status.is_none() || left.iter().any(|process| in_group(process.group))) {
            kill_process_group(self.command, signal).ok();
            kill_process_group(self.command, Signal::CONT).ok();
        }
        let is_told = |group: i32| in_group(group) || (by_key && group == own);
        for process in left.iter().filter(|process| !is_told(process.group)) {
            send(process, signal);
            // A process that was suspended has to go on before it can end.
            send(process, Signal::CONT);
        }
    }
}

/// Whether this process is in the foreground of a terminal. Its command stays in its group then, so that it may read from
/// the terminal and the keys reach it.
fn is_in_foreground() -> bool {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let terminal = rustix::fs::open("/dev/tty", flags, Mode::empty());
    terminal.and_then(tcgetpgrp).is_ok_and(|group| group == getpgrp())
}
