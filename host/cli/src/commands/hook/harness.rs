//! The harnesses: how each names its events and its settings.

use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// A program that runs an agent and asks hooks before a tool is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Harness {
    /// Claude Code: `PreToolUse` in `.claude/settings.json`
    Claude,
    /// Codex: `PreToolUse` in `.codex/config.toml`
    Codex,
    /// Gemini CLI: `BeforeTool` in `.gemini/settings.json`
    Gemini,
    /// Cursor: `beforeShellExecution`, `beforeMCPExecution` and `preToolUse` in `.cursor/hooks.json`
    Cursor,
}

/// The time after which a harness stops a hook, in seconds. The deadline of the hook itself is shorter.
pub const TIMEOUT_SECONDS: u64 = 30;

impl Harness {
    /// The name on the command line. It is also the id of the actor in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Cursor => "cursor",
        }
    }

    /// The events before a call. A hook that is registered for another event guards nothing.
    pub const fn events(self) -> &'static [&'static str] {
        match self {
            Self::Claude | Self::Codex => &["PreToolUse"],
            Self::Gemini => &["BeforeTool"],
            Self::Cursor => &["beforeShellExecution", "beforeMCPExecution", "preToolUse"],
        }
    }

    /// The file of the settings in a project.
    pub fn settings(self, project: &Path) -> PathBuf {
        project.join(match self {
            Self::Claude => ".claude/settings.json",
            Self::Codex => ".codex/config.toml",
            Self::Gemini => ".gemini/settings.json",
            Self::Cursor => ".cursor/hooks.json",
        })
    }

    /// What a harness does by itself if the hook fails: what no answer of the hook can change.
    pub const fn weakness(self) -> &'static str {
        match self {
            Self::Claude => {
                "before 2.1.295, Claude Code ignores `onFailure`: a hook that cannot start or is killed lets the call run"
            }
            Self::Codex => {
                "Codex runs a project's hooks only after you trusted them with /hooks, and a hook that cannot start or is killed lets the call run"
            }
            Self::Gemini => {
                "Gemini CLI lets the call run if the hook cannot start or is killed, and asks you to trust a project's hooks"
            }
            Self::Cursor => "agents of Cursor in the cloud do not run every hook of a project",
        }
    }
}
