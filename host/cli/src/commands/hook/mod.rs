//! `reprieve hook`: answers a harness before an agent calls a tool.

mod advice;
mod answer;
mod doctor;
mod entries;
mod entry;
mod event;
mod exact;
mod guard;
mod harness;
mod install;
mod judge;
mod plain;
mod settings;
mod table;
mod vet;
mod words;

use answer::Answer;
use clap::{Args, Subcommand};
use harness::Harness;
use reprieve_report::status::Status;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

/// Answer a harness before its agent calls a tool: block what deletes and was not vetted
///
/// It reads the event from standard input. A call that deletes is blocked (exit status 2, with the reason), unless it says
/// exactly what it deletes and the policies allow that. So is a call that cannot be read, and every call if something fails.
/// Any other call passes without an opinion: the harness asks its user as it would without the hook.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The harness that asks
    #[arg(long, value_enum, required = true)]
    harness: Option<Harness>,
    /// The policy set [default: `reprieve.toml` in this folder if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Block the call if there is no answer after this time; less than the harness waits
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..harness::TIMEOUT_SECONDS))]
    deadline: u64,
}

#[derive(Subcommand, Debug)]
enum Command {
    Install(install::Arguments),
    Doctor(doctor::Arguments),
}

/// The maximum size of an event in bytes.
const MAX_EVENT_BYTES: u64 = 8 << 20;

impl Arguments {
    /// Whether it is the hook itself, which has exit statuses of its own.
    pub const fn answers(&self) -> bool {
        self.command.is_none()
    }
}

/// Runs `install` or `doctor`.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    match &arguments.command {
        Some(Command::Install(arguments)) => install::run(arguments),
        Some(Command::Doctor(arguments)) => doctor::run(arguments),
        None => Ok(Status::Undecided),
    }
}

/// Answers one event. Whatever fails blocks the call.
pub fn answer(arguments: &Arguments) -> ExitCode {
    let Some(harness) = arguments.harness else { return ExitCode::from(answer::BLOCKED) };
    let (config, deadline) = (arguments.config.clone(), Duration::from_secs(arguments.deadline));
    let (send, receive) = mpsc::channel();
    let judged = std::thread::Builder::new().spawn(move || {
        let judge = || match event() {
            Ok(bytes) => judge::judge(harness, &bytes, config.as_deref()),
            Err(why) => Answer::Block(format!("reprieve blocked this call: {why}")),
        };
        let answer = std::panic::catch_unwind(judge);
        // Without a receiver the deadline has passed.
        drop(send.send(
            answer.unwrap_or_else(|_| Answer::Block("reprieve blocked this call: the hook failed".to_owned())),
        ));
    });
    let answer = match judged {
        Ok(_) => receive.recv_timeout(deadline).unwrap_or_else(|_| {
            Answer::Block(format!("reprieve blocked this call: there was no answer within {} s", arguments.deadline))
        }),
        Err(error) => Answer::Block(format!("reprieve blocked this call: {error}")),
    };
    ExitCode::from(answer.print(harness))
}

fn event() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_EVENT_BYTES + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 > MAX_EVENT_BYTES => {
            Err(format!("the event is longer than {MAX_EVENT_BYTES} bytes"))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("the event cannot be read: {error}")),
    }
}
