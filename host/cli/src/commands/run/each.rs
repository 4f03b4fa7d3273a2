//! A command with `{}` runs once for each id: several at once, again if it fails, and each result is counted and logged.

use super::ended::{Ended, left_over, not_run};
use super::log::{Log, State};
use super::supervise::{Left, Supervised, not_killed};
use super::{Runner, placeholder};
use crate::error::{fail, with_help};
use anyhow::{Context, ensure};
use clap::Args;
use reprieve::{LookupError, Permit};
use reprieve_report::output::plain;
use reprieve_report::render::plural;
use rustix::process::Pid;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The time before the first retry. It doubles with each.
const BACKOFF: Duration = Duration::from_millis(200);
/// The maximum time before a retry.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// The time between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of failures that are printed. The log has all of them.
const MAX_PRINTED: u64 = 20;

/// How a command with `{}` runs.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options for a command with `{}`")]
pub struct Calls {
    /// How many calls run at once [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: Option<u32>,
    /// How often a call that fails is repeated, each time after a longer pause [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    retries: Option<u32>,
    /// Go on with the other ids after a failure
    #[arg(long)]
    keep_going: bool,
    /// Count the calls on standard error, also if that is not a terminal
    #[arg(long)]
    progress: bool,
    /// A file for what was begun, done and failed. Run again with the same file to resume: what is done is left out
    #[arg(long, value_name = "FILE", conflicts_with = "waves")]
    log: Option<PathBuf>,
}

impl Calls {
    /// Refuses these options for a command that runs once for all ids.
    pub fn check(&self, command: &[OsString]) -> anyhow::Result<()> {
        let Self { jobs, retries, keep_going, progress, log } = self;
        if (jobs.is_some() || retries.is_some() || *keep_going || *progress || log.is_some())
            && !placeholder::is_used(command)
        {
            let help = "put `{}` where the command has the id of a target";
            return Err(fail("the options for single ids are of no use, because the command has no `{}`", help));
        }
        Ok(())
    }
}

/// The call for an id.
struct Call {
    id: String,
    /// How often it was started.
    attempts: u32,
    /// After a failure: its status, and when it is repeated.
    again: Option<(ExitStatus, Instant)>,
}

/// Why no further call is begun.
enum Stop {
    Failure,
    Signal,
    Problem(String),
}

impl From<LookupError> for Stop {
    fn from(error: LookupError) -> Self {
        Self::Problem(format!("the targets cannot be read: {error}"))
    }
}

struct Pool<'a, P> {
    runner: &'a Runner<'a>,
    /// Builds a command from its arguments.
    prepare: P,
    log: Option<Log>,
    supervised: Supervised<'a>,
    running: HashMap<Pid, Call>,
    /// Calls that failed and are repeated.
    waiting: Vec<Call>,
    /// Whether a signal asked to end before.
    asked: bool,
    stop: Option<Stop>,
    left: Left,
    all: u64,
    earlier: u64,
    done: u64,
    failed: u64,
    first_failure: Option<(ExitStatus, String)>,
    shows_progress: bool,
    shown: Instant,
}

/// Runs the command of `runner` once for each id, in their order. The number of deleted targets is that of the calls that
/// succeeded. Whether a call that failed has deleted its target is unknown. An error means that nothing was started.
pub fn run<P>(runner: &Runner<'_>, permit: &Permit, prepare: P) -> anyhow::Result<Ended>
where
    P: Fn(&[OsString]) -> anyhow::Result<Command>,
{
    let options = runner.calls;
    let log = options.log.as_deref().map(|path| Log::open(path, permit.batch())).transpose()?;
    let mut pool = Pool {
        runner,
        prepare,
        log,
        supervised: Supervised::new(runner.signals, runner.grace),
        running: HashMap::new(),
        waiting: Vec::new(),
        asked: false,
        stop: None,
        left: Left::Nothing,
        all: permit.document().targets,
        earlier: 0,
        done: 0,
        failed: 0,
        first_failure: None,
        shows_progress: options.progress || std::io::stderr().is_terminal(),
        shown: Instant::now(),
    };
    if let Err(stop) = permit.batch().each_id(|id| pool.call(id)) {
        pool.stop.get_or_insert(stop);
    }
    while pool.busy() > 0 {
        pool.step();
        pool.wait();
    }
    pool.ended()
}

impl<P: Fn(&[OsString]) -> anyhow::Result<Command>> Pool<'_, P> {
    fn busy(&self) -> usize {
        self.running.len() + self.waiting.len()
    }

    /// Begins the call for an id as soon as there is room.
    fn call(&mut self, id: &str) -> Result<(), Stop> {
        if self.log.as_ref().is_some_and(|log| log.is_done(id)) {
            self.earlier += 1;
            return Ok(());
        }
        let jobs = self.runner.calls.jobs.unwrap_or(1) as usize;
        loop {
            self.step();
            self.check()?;
            if self.busy() < jobs {
                break;
            }
            self.wait();
        }
        self.write(id, State::Begun, None);
        self.check()?;
        self.start(Call { id: id.to_owned(), attempts: 0, again: None });
        Ok(())
    }

    /// Returns why no further call is begun, if there is a reason.
    fn check(&mut self) -> Result<(), Stop> {
        if self.stop.is_none() && self.runner.signals.stopped().is_some() {
            self.stop = Some(Stop::Signal);
        }
        if self.stop.is_none() {
            self.stop = match self.runner.ledger.halts() {
                Ok(halts) => halts.first().map(|active| {
                    Stop::Problem(format!("everything is halted by {}: {}", active.halt.by, active.halt.reason))
                }),
                Err(error) => Some(Stop::Problem(format!("halts cannot be read: {error}"))),
            };
        }
        self.stop.take().map_or(Ok(()), Err)
    }

    fn start(&mut self, mut call: Call) {
        let started = (self.prepare)(&placeholder::fill(self.runner.command, &call.id)).and_then(|mut command| {
            command.stdin(Stdio::null());
            self.supervised.start(&mut command).with_context(|| not_run(&command))
        });
        match started {
            Ok(pid) => {
                call.attempts += 1;
                self.running.insert(pid, call);
            }
            Err(error) => {
                self.stop.get_or_insert(Stop::Problem(format!("a call was not started: {error:#}")));
                match call.again {
                    Some((status, _)) => self.fail(call.id, status),
                    // It deleted nothing.
                    None => self.write(&call.id, State::Failed, Some("not started".to_owned())),
                }
            }
        }
    }

    /// Takes notice of the calls that have ended, and starts those that are due again.
    fn step(&mut self) {
        self.supervised.reap();
        let mut left = Left::Nothing;
        // What a call leaves running has to end before the next call.
        if !self.running.is_empty() && !self.supervised.is_running() {
            left = self.supervised.finish(false);
        }
        self.collect(left);
        let stops = self.stop.is_some() || self.runner.signals.stopped().is_some();
        let now = Instant::now();
        let due = |call: &mut Call| stops || call.again.is_none_or(|(_, at)| at <= now);
        for call in self.waiting.extract_if(.., due).collect::<Vec<_>>() {
            match call.again {
                Some((status, _)) if stops => self.fail(call.id, status),
                _ => self.start(call),
            }
        }
        if self.shows_progress && self.shown.elapsed() >= PROGRESS_INTERVAL {
            self.show();
        }
    }

    fn collect(&mut self, left: Left) {
        if left != Left::Nothing {
            self.left = left;
            self.stop.get_or_insert(Stop::Failure);
        }
        for (pid, status) in self.supervised.take_ended() {
            let Some(mut call) = self.running.remove(&pid) else { continue };
            if status.success() && left == Left::Nothing {
                self.done += 1;
                self.write(&call.id, State::Done, None);
            } else if self.stop.is_none() && call.attempts <= self.runner.calls.retries.unwrap_or(0) {
                let pause = BACKOFF.saturating_mul(1 << (call.attempts - 1).min(10)).min(MAX_BACKOFF);
                call.again = Some((status, Instant::now() + pause));
                self.waiting.push(call);
            } else {
                self.fail(call.id, status);
            }
        }
    }

    /// Waits for the next event. A first signal only keeps calls from being begun; a second one is passed on to those that
    /// run.
    fn wait(&mut self) {
        if self.busy() == 0 {
            return;
        }
        let due = self.waiting.iter().filter_map(|call| Some(call.again?.1)).min();
        let progress = self.shows_progress.then(|| self.shown + PROGRESS_INTERVAL);
        let next = due.into_iter().chain(progress).min();
        let signal = self.supervised.wait(next.map(|next| next.saturating_duration_since(Instant::now())));
        let Some((signal, by_key)) = signal else { return };
        if !self.asked {
            self.asked = true;
            return errln!(
                "no call is begun any more; {} still run; a second signal is passed on to them",
                self.running.len()
            );
        }
        self.supervised.tell(signal, by_key);
        let left = self.supervised.finish(true);
        self.collect(left);
        for (_, call) in std::mem::take(&mut self.running) {
            self.fail(call.id, not_killed());
        }
    }

    fn fail(&mut self, id: String, status: ExitStatus) {
        self.failed += 1;
        if self.failed <= MAX_PRINTED {
            errln!("failed: `{}`: {status}", plain(&id));
        }
        self.write(&id, State::Failed, Some(status.to_string()));
        self.first_failure.get_or_insert((status, id));
        if !self.runner.calls.keep_going {
            self.stop.get_or_insert(Stop::Failure);
        }
    }

    fn write(&mut self, id: &str, state: State, reason: Option<String>) {
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.write(id, state, reason)) {
            self.stop.get_or_insert(Stop::Problem(format!("{error:#}")));
        }
    }

    fn show(&mut self) {
        let (done, running) = (self.done + self.earlier, self.running.len());
        errln!("{done} of {} deleted, {} failed, {running} running", self.all, self.failed);
        self.shown = Instant::now();
    }

    /// The result of all calls.
    fn ended(mut self) -> anyhow::Result<Ended> {
        if self.shows_progress {
            self.show();
        }
        if self.stop.is_none() && self.runner.signals.stopped().is_some() {
            self.stop = Some(Stop::Signal);
        }
        let begun = self.done + self.failed;
        let (all, earlier) = (self.all, self.earlier);
        let unbegun = all.saturating_sub(earlier + begun);
        let stop = match self.stop {
            Some(Stop::Problem(problem)) if begun == 0 => {
                return Err(with_help(anyhow::Error::msg(problem), "correct this, and run it again"));
            }
            Some(Stop::Signal) if unbegun > 0 || self.failed > 0 => {
                Some(format!("stopped by signal {}", self.runner.signals.stopped().unwrap_or_default()))
            }
            Some(Stop::Problem(problem)) => Some(problem),
            Some(Stop::Failure | Stop::Signal) | None => None,
        };
        ensure!(begun > 0 || unbegun == 0, "{}", stop.unwrap_or_else(|| "no call was begun".to_owned()));
        let (status, failed) = match self.first_failure {
            Some((status, id)) if self.failed == 1 => (status, Some(format!("at the target `{id}`"))),
            Some((status, id)) => {
                (status, Some(format!("{} calls failed, the first at the target `{id}`", self.failed)))
            }
            None => (ExitStatus::default(), None),
        };
        let unbegun = (unbegun > 0).then(|| plural(unbegun, "target was", "targets were") + " not begun");
        let problems: Vec<String> = [failed, left_over(self.left), stop, unbegun].into_iter().flatten().collect();
        let problem = (!problems.is_empty()).then(|| problems.join("; "));
        // If only calls that failed were begun, it is unknown whether anything was deleted.
        let deleted = Some(self.done).filter(|done| *done > 0 || self.failed == 0);
        Ok(Ended { status, deleted, earlier, problem })
    }
}
