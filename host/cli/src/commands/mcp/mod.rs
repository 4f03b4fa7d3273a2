//! `reprieve mcp`: a server of the Model Context Protocol, so that an agent can ask before it acts.

mod server;
mod tools;

use anyhow::Context;
use clap::Args;
use reprieve_report::status::Status;
use rmcp::ServiceExt;
use std::path::PathBuf;

/// Serve `check`, `draft`, `explain` and `report` as tools of the Model Context Protocol, on standard input and output
///
/// An agent asks before it acts. Nothing is recorded, approved, halted or resumed, and files are read only below this folder.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The policy set [default: `reprieve.toml` in this folder if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command until the client closes standard input.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let tools = tools::Tools::new(arguments.config.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let served = runtime.block_on(async {
        let running = server::Server::new(tools).serve(rmcp::transport::stdio()).await;
        running.context("the client did not begin a session")?.waiting().await.context("the session failed")
    });
    // A thread that waits for standard input must not keep the process.
    runtime.shutdown_background();
    served.map(|_| Status::Success)
}
