//! `reprieve split`: a batch that is too large, in parts that are not.

use crate::Status;
use crate::report::{plain, short};
use crate::setup::{BatchArguments, Vetting};
use anyhow::{Context, ensure};
use clap::Args;
use reprieve::model::Claims;
use reprieve::{Batch, Split};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Split a batch into parts that are small enough, the canary first, and set aside what offends by itself
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
    /// The folder to write into; it must not be there yet
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Tenants that a part may reach, where that is fewer than the policies allow
    #[arg(long, value_name = "COUNT")]
    tenants: Option<u64>,
}

/// A line of `set-aside.ndjson`.
#[derive(Deserialize, Serialize)]
struct SetAsideLine {
    /// The row in the whole list, counted from 0.
    row: u64,
    /// The codes that the target offends against.
    reasons: Vec<String>,
    target: Box<RawValue>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let Vetting { batch, gate, .. } = arguments.batch.open()?;
    ensure!(!arguments.out.exists(), "{} is there already\nhelp: name a new folder", arguments.out.display());
    let split = gate.split(&batch, arguments.tenants)?;

    // Written beside its place, checked, and only then put there: half a split must not look like one.
    let unfinished = arguments.out.with_extension(format!("unfinished-{}", std::process::id()));
    fs::create_dir(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
    let written = write(&batch, &split, &unfinished)
        .and_then(|plan| Ok((check_sum(&batch, &unfinished)?, plan)))
        .and_then(|((), plan)| Ok((fs::rename(&unfinished, &arguments.out)?, plan)));
    let plan = match written {
        Ok(((), plan)) => plan,
        Err(error) => {
            drop(fs::remove_dir_all(&unfinished));
            return Err(error);
        }
    };
    let mut out = anstream::stdout().lock();
    out.write_all(plan.as_bytes()).and_then(|()| out.flush())?;
    Ok(Status::Allow)
}

fn part_name(number: usize) -> String {
    format!("part-{number:03}")
}

/// Writes the parts and what is set aside; gives the plan for people.
fn write(batch: &Batch, split: &Split, folder: &Path) -> anyhow::Result<String> {
    let mut plan =
        format!("{}: {} targets, list {}\n\n", plain(&batch.claims().id), batch.len(), short(batch.targets_sha256()));
    for (i, part) in split.parts.iter().enumerate() {
        let name = part_name(i + 1);
        let targets = format!("{name}.ndjson");
        let mut file = fs::File::create(folder.join(&targets))?;
        part.batch.write_targets(&mut file)?;
        let request = request(batch.claims(), &name, &targets, part.batch.targets_sha256())?;
        fs::write(folder.join(format!("{name}.json")), request)?;
        let canary = if split.canary && i == 0 { "  canary" } else { "" };
        plan += &format!(
            "{name}  {:>7} targets  {:>6} tenants  list {}{canary}\n",
            part.batch.len(),
            part.tenants,
            short(part.batch.targets_sha256())
        );
    }
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let mut file = fs::File::create(folder.join("set-aside.ndjson"))?;
    for aside in &split.set_aside {
        let mut target = Vec::new();
        batch.select(&[aside.row])?.write_targets(&mut target)?;
        let target = RawValue::from_string(String::from_utf8(target)?.trim_end().to_owned())?;
        let line = SetAsideLine { reasons: aside.reasons.clone(), row: aside.row, target };
        writeln!(file, "{}", serde_json::to_string(&line)?)?;
        aside.reasons.iter().for_each(|reason| *reasons.entry(reason).or_default() += 1);
    }
    let aside = split.set_aside.len() as u64;
    plan += &format!("set-aside {aside:>6} targets\n");
    reasons.iter().for_each(|(reason, count)| plan += &format!("          {count:>7} {}\n", plain(reason)));
    let in_parts: u64 = split.parts.iter().map(|part| part.batch.len()).sum();
    ensure!(
        in_parts + aside == batch.len(),
        "{in_parts} targets in parts and {aside} set aside are not {}",
        batch.len()
    );
    plan += &format!(
        "\n{in_parts} in {} parts and {aside} set aside are all {} targets; the lists hold the same lines\n",
        split.parts.len(),
        batch.len()
    );
    let missing = split.parts.iter().flat_map(|part| &part.denied).collect::<std::collections::BTreeSet<_>>();
    if !missing.is_empty() {
        let missing: Vec<&str> = missing.into_iter().map(String::as_str).collect();
        plan +=
            &format!("Each part is a batch of its own, and still needs its own evidence: {}\n", missing.join(", "));
    }
    Ok(plan)
}

/// The request for a part: what was asked for, less the evidence for the whole list.
fn request(claims: &Claims, name: &str, targets: &str, sha256: &str) -> anyhow::Result<String> {
    let mut request = serde_json::to_value(claims)?;
    request["campaign"] = claims.campaign.as_deref().unwrap_or(&claims.id).into();
    request["id"] = format!("{}/{name}", claims.id).into();
    request["targets"] = json!({ "path": targets, "sha256": sha256 });
    for (object, field) in [
        ("", "dry_run"),
        ("", "approvals"),
        ("provenance", "row_count"),
        ("provenance", "sha256"),
        ("recovery", "checkpoints"),
    ] {
        let place = if object.is_empty() { Some(&mut request) } else { request.get_mut(object) };
        if let Some(fields) = place.and_then(Value::as_object_mut) {
            fields.remove(field);
        }
    }
    Ok(serde_json::to_string_pretty(&request)? + "\n")
}

/// Reads back what was written, and compares it line by line, in whatever order, with what was given.
fn check_sum(batch: &Batch, folder: &Path) -> anyhow::Result<()> {
    let mut given = Vec::new();
    batch.write_targets(&mut given)?;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_list = path.extension().is_some_and(|extension| extension == "ndjson");
        if !is_list {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        if path.file_stem().is_some_and(|name| name == "set-aside") {
            for line in text.lines() {
                let line: SetAsideLine = serde_json::from_str(line)?;
                lines.push(line.target.get().as_bytes().to_vec());
            }
        } else {
            lines.extend(text.lines().map(|line| line.as_bytes().to_vec()));
        }
    }
    let mut expected: Vec<Vec<u8>> = given.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    expected.pop();
    ensure!(
        digest(&mut lines) == digest(&mut expected),
        "the parts do not add up to the list; nothing was written. This is a bug in Reprieve, please report it"
    );
    Ok(())
}

fn digest(lines: &mut [Vec<u8>]) -> Vec<u8> {
    lines.sort_unstable();
    let mut hash = Sha256::new();
    lines.iter().for_each(|line| {
        hash.update(line);
        hash.update(b"\n");
    });
    hash.finalize().to_vec()
}
