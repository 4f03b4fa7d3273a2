//! The processes that `run` started: its command, what that started, and so on. On Linux Reprieve becomes the parent of
//! those whose own parent ends, so none is lost, even one that left the process group and the session.

use rustix::process::{Pid, Signal};

/// A process. A number alone could be that of another process by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pid: Pid,
    /// When it began, in ticks since the system started.
    began: u64,
    /// The number of its process group.
    pub group: i32,
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Pid, Process, Signal};
    use rustix::process::{PidfdFlags, getpid, pidfd_open, pidfd_send_signal, set_child_subreaper};
    use std::collections::HashMap;

    /// Becomes the parent of all descendants whose own parent ends.
    pub fn adopt() -> std::io::Result<()> {
        Ok(set_child_subreaper(Some(getpid()))?)
    }

    /// The descendants of this process that have not ended.
    pub fn all() -> Vec<Process> {
        let mut children: HashMap<Pid, Vec<Process>> = HashMap::new();
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)) {
            if let Some((process, parent)) = process(pid) {
                children.entry(parent).or_default().push(process);
            }
        }
        let (mut found, mut parents) = (Vec::new(), vec![getpid()]);
        while let Some(parent) = parents.pop() {
            let of = children.remove(&parent).unwrap_or_default();
            parents.extend(of.iter().map(|process| process.pid));
            found.extend(of);
        }
        found
    }

    /// Reads a process that has not ended, and its parent.
    fn process(pid: Pid) -> Option<(Process, Pid)> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // The name is in parentheses and may hold anything. The fields after it are numbered from 3 in proc(5).
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<i64>().ok();
        if matches!(fields.first(), Some(&("Z" | "X"))) {
            return None;
        }
        let began = u64::try_from(number(22)?).ok()?;
        let group = i32::try_from(number(5)?).ok()?;
        let parent = Pid::from_raw(i32::try_from(number(4)?).ok()?)?;
        Some((Process { pid, began, group }, parent))
    }

    /// Sends a signal to a process. If it has ended, another process of that number does not receive it.
    pub fn send(to: &Process, signal: Signal) {
        let Ok(handle) = pidfd_open(to.pid, PidfdFlags::empty()) else { return };
        if process(to.pid).is_some_and(|(now, _)| now.began == to.began) {
            // It may have ended just now, or belong to another user.
            pidfd_send_signal(&handle, signal).ok();
        }
    }

    /// Whether a group that the command led has members that are not children of this process. There are none, because
    /// this process adopts them.
    pub const fn is_left(_: Pid) -> bool {
        false
    }
}

/// Elsewhere only the group of the command is known.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Pid, Process, Signal};

    pub fn adopt() -> std::io::Result<()> {
        Ok(())
    }

    pub fn all() -> Vec<Process> {
        Vec::new()
    }

    pub fn send(_: &Process, _: Signal) {}

    pub fn is_left(group: Pid) -> bool {
        rustix::process::test_kill_process_group(group).is_ok()
    }
}

pub use system::{adopt, all, is_left, send};
