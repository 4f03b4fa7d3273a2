//! Runs a command until everything that it started has ended. A signal is passed on to all of it. What is left after the
//! command, or after a signal, has a time to end; then it is stopped.

use super::descendants::{self, adopt, is_left, send};
use super::signals::{Event, Signals};
use anyhow::{Context, bail};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpgrp, kill_process_group, wait};
use rustix::termios::tcgetpgrp;
use std::collections::HashMap;
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

/// Commands that run, each supervised together with all that it started.
pub struct Supervised<'a> {
    signals: &'a Signals,
    grace: Duration,
    /// Each command that is started, and its status once it has ended.
    commands: HashMap<Pid, Option<ExitStatus>>,
    /// Whether each command leads a process group. Otherwise it is in that of this process.
    leads: bool,
}

/// Runs a command, unless a signal was caught before. An error means that it was not started. `grace` is the time that
/// processes have to end by themselves after the command, and again after they were told to.
pub fn run(command: &mut Command, signals: &Signals, grace: Duration) -> anyhow::Result<Finished> {
    let mut supervised = Supervised { leads: !is_in_foreground(), ..Supervised::new(signals, grace) };
    supervised.start(command)?;
    let left = supervised.finish(false);
    let status = supervised.take_ended().first().map_or_else(not_killed, |(_, status)| *status);
    Ok(Finished { status, left })
}

/// The status of a command that could not even be killed: that of a failure.
pub fn not_killed() -> ExitStatus {
    ExitStatus::from_raw(255 << 8)
}

impl<'a> Supervised<'a> {
    /// Nothing runs yet. Each command will lead a process group.
    pub fn new(signals: &'a Signals, grace: Duration) -> Self {
        Self { signals, grace, commands: HashMap::new(), leads: true }
    }

    /// Starts a command, unless a signal was caught before.
    pub fn start(&mut self, command: &mut Command) -> anyhow::Result<Pid> {
        if let Some(signal) = self.signals.stopped() {
            bail!("signal {signal} was caught before it was started");
        }
        adopt().context("its processes cannot be supervised")?;
        if self.leads {
            command.process_group(0);
        }
        // It is waited for with all others.
        let pid = Pid::from_child(&command.spawn()?);
        self.commands.insert(pid, None);
        Ok(pid)
    }

    /// Whether a command has not ended.
    pub fn is_running(&self) -> bool {
        self.commands.values().any(Option::is_none)
    }

    /// Takes the commands that have ended, with their status.
    pub fn take_ended(&mut self) -> Vec<(Pid, ExitStatus)> {
        self.commands
            .extract_if(|_, status| status.is_some())
            .filter_map(|(pid, status)| Some((pid, status?)))
            .collect()
    }

    /// Waits until everything that was started has ended. `told` says that all were told to end before.
    pub fn finish(&mut self, told: bool) -> Left {
        let mut phase = if told { Phase::Told } else { Phase::Runs };
        let mut deadline = told.then(|| Instant::now().checked_add(self.grace)).flatten();
        let mut left = Left::Nothing;
        while self.reap() {
            let now = Instant::now();
            if phase == Phase::Runs && !self.is_running() {
                (phase, deadline) = (Phase::Lingers, now.checked_add(self.grace));
            }
            let is_over = deadline.is_some_and(|deadline| now >= deadline);
            match phase {
                Phase::Lingers if is_over => {
                    self.tell(Signal::TERM, false);
                    (phase, deadline, left) = (Phase::Told, now.checked_add(self.grace), Left::Stopped);
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
                self.tell(Signal::KILL, false);
                wait = wait.map(|wait| wait.min(KILL_INTERVAL));
            }
            if let Some((signal, by_key)) = self.wait(wait).filter(|_| phase != Phase::Killed) {
                self.tell(signal, by_key);
                if phase != Phase::Told {
                    (phase, deadline) = (Phase::Told, Instant::now().checked_add(self.grace));
                }
            }
        }
        left
    }

    /// Waits until a child has ended, the time is over, or this process is asked to end: then by which signal, and whether
    /// a key sent it.
    pub fn wait(&self, time: Option<Duration>) -> Option<(Signal, bool)> {
        let event = match time {
            Some(time) => self.signals.events.recv_timeout(time),
            None => self.signals.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(Event::Stop { signal, by_key }) => return Some((signal, by_key)),
            Ok(Event::Child) | Err(RecvTimeoutError::Timeout) => {}
            // The thread that sends events does not end.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(KILL_INTERVAL),
        }
        None
    }

    /// Takes notice of the processes that have ended. Returns whether any is left.
    pub fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if let Some(ended) = self.commands.get_mut(&pid) {
                        *ended = Some(ExitStatus::from_raw(status.as_raw()));
                    }
                }
                Err(Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return self.leads && self.commands.keys().any(|command| is_left(*command)),
            }
        }
    }

    /// Sends a signal once to every process that is left. The group of a command receives it at one moment, so no process
    /// that is started meanwhile is missed. If a key sent it, the terminal has told those of the group of this process.
    pub fn tell(&self, signal: Signal, by_key: bool) {
        let own = getpgrp().as_raw_nonzero().get();
        let left = descendants::all();
        let in_group = |group: i32| self.leads && self.commands.keys().any(|led| led.as_raw_nonzero().get() == group);
        for (command, status) in self.commands.iter().filter(|_| self.leads) {
            let led = command.as_raw_nonzero().get();
            // The number of a group is not used again while the group has a member.
            if status.is_none() || left.iter().any(|process| process.group == led) {
                kill_process_group(*command, signal).ok();
                kill_process_group(*command, Signal::CONT).ok();
            }
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
