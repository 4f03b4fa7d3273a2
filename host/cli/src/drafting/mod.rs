//! The arguments of a draft, and the lists of files of other tools that requests are drafted for.

mod reading;

pub use reading::{
    From, FromArguments, Hashing, LIST_NAME, NothingToDelete, Source, format, formats, read_deletions, selects,
};

use crate::mode::ModeArgument;
use clap::Args;
use reprieve_readers::draft::Claims;
use serde_json::Value;

/// What a person says of a deletion, because its list does not.
#[derive(Args, Clone, Debug, Default)]
pub struct ClaimArguments {
    /// The kind of the targets, if the list does not state it
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Whether the targets remain recoverable for a while (soft) or not (hard)
    #[arg(long, value_enum)]
    pub mode: Option<ModeArgument>,
    /// The environment in which the call will run, for example `production`
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// A name for the request [default: that of the run of continuous integration, or of the list]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Set any other field: `--set reason.ticket=CHG-17`. The value is JSON, or else text
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = assignment)]
    pub set: Vec<(String, Value)>,
}

impl ClaimArguments {
    /// Whether no claim is set.
    pub fn is_empty(&self) -> bool {
        let Self { kind, mode, environment, id, set } = self;
        kind.is_none() && mode.is_none() && environment.is_none() && id.is_none() && set.is_empty()
    }

    /// What they say.
    pub fn claims(&self) -> Claims {
        let Self { kind, mode, environment, id, set } = self.clone();
        Claims { kind, mode: mode.map(Into::into), environment, id, set }
    }
}

fn assignment(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            Ok((field.trim_start_matches('/').replace('/', "."), value))
        }
        _ => Err("expected FIELD=VALUE, for example `reason.ticket=CHG-17`".to_owned()),
    }
}
