//! `reprieve split`: splits a batch that is too large into parts that are not.

use crate::error::fail;
use crate::setup::{BatchArguments, Vetting};
use anyhow::{Context, ensure};
use clap::Args;
use reprieve::Batch;
use reprieve::split::{Excluded, Split};
use reprieve_report::output::{Page, plain};
use reprieve_report::render::short;
use reprieve_report::status::Status;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Split a batch into parts that are small enough, canary first, and exclude targets that offend by themselves
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
    /// The folder to write, which must not exist
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Max tenants of a part, if that is fewer than the policies allow
    #[arg(long, value_name = "COUNT")]
    tenants: Option<u64>,
}

/// A line of `excluded.ndjson`.
#[derive(Deserialize, Serialize)]
struct ExcludedLine {
    /// The row in the whole list, counted from 0.
    row: u64,
    /// The codes that the target offends against.
    codes: Vec<String>,
    target: Box<RawValue>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let Vetting { batch, from: _list, gate, .. } = arguments.batch.open()?;
    if arguments.out.exists() {
        return Err(fail(format!("{} already exists", arguments.out.display()), "name a new folder"));
    }
    let split = gate.split(&batch, arguments.tenants)?;

    // The folder is written under another name, checked and then renamed: half a split must not look like a whole one.
    let unfinished = arguments.out.with_extension(format!("unfinished-{}", std::process::id()));
    fs::create_dir(&unfinished).with_context(|| format!("cannot create {}", unfinished.display()))?;
    let written = write(&batch, &split, &unfinished)
        .and_then(|plan| Ok((verify_lines(&batch, &unfinished)?, plan)))
        .and_then(|((), plan)| Ok((fs::rename(&unfinished, &arguments.out)?, plan)));
    let plan = match written {
        Ok(((), plan)) => plan,
        Err(error) => {
            drop(fs::remove_dir_all(&unfinished));
            return Err(error);
        }
    };
    plan.print()?;
    Ok(Status::Success)
}

fn part_name(number: usize) -> String {
    format!("part-{number:03}")
}

/// Writes the parts and the excluded targets, and returns the plan.
fn write(batch: &Batch, split: &Split, folder: &Path) -> anyhow::Result<Page> {
    let mut plan = Page::default();
    let list = short(batch.targets_sha256());
    line!(plan, "{}: {} targets, list {list}", plain(&batch.claims().id), batch.len());
    plan.blank();
    for (i, part) in split.parts.iter().enumerate() {
        let name = part_name(i + 1);
        let targets = format!("{name}.ndjson");
        let mut file = fs::File::create(folder.join(&targets))?;
        part.batch.write_targets(&mut file)?;
        let mut request = part.request(&name)?;
        request["targets"] = json!({ "path": targets, "sha256": part.batch.targets_sha256() });
        fs::write(folder.join(format!("{name}.json")), serde_json::to_string_pretty(&request)? + "\n")?;
        let canary = if split.canary && i == 0 { "  canary" } else { "" };
        line!(
            plan,
            "{name}  {:>7} targets  {:>6} tenants  list {}{canary}",
            part.batch.len(),
            part.tenants,
            short(part.batch.targets_sha256())
        );
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut file = fs::File::create(folder.join("excluded.ndjson"))?;
    for Excluded { row, codes } in &split.excluded {
        let mut target = Vec::new();
        batch.select(&[*row])?.write_targets(&mut target)?;
        let target = RawValue::from_string(String::from_utf8(target)?.trim_end().to_owned())?;
        let line = ExcludedLine { codes: codes.clone(), row: *row, target };
        writeln!(file, "{}", serde_json::to_string(&line)?)?;
        codes.iter().for_each(|code| *counts.entry(code).or_default() += 1);
    }
    let excluded = split.excluded.len() as u64;
    line!(plan, "excluded  {excluded:>6} targets");
    counts.iter().for_each(|(code, count)| line!(plan, "          {count:>7} {}", plain(code)));
    let in_parts: u64 = split.parts.iter().map(|part| part.batch.len()).sum();
    ensure!(
        in_parts + excluded == batch.len(),
        "{in_parts} targets in parts and {excluded} excluded targets are not {}",
        batch.len()
    );
    plan.blank();
    line!(
        plan,
        "{in_parts} targets in {} parts and {excluded} excluded are all {} targets; the lists have the same lines",
        split.parts.len(),
        batch.len()
    );
    let missing = split.parts.iter().flat_map(|part| &part.denied).collect::<std::collections::BTreeSet<_>>();
    if !missing.is_empty() {
        let missing: Vec<_> = missing.into_iter().map(|code| plain(code)).collect();
        line!(plan, "Each part is a batch of its own and still needs its own evidence: {}", missing.join(", "));
    }
    Ok(plan)
}

/// Reads the written lists back, and compares their lines in any order with the lines of the batch.
fn verify_lines(batch: &Batch, folder: &Path) -> anyhow::Result<()> {
    let mut whole = Vec::new();
    batch.write_targets(&mut whole)?;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_list = path.extension().is_some_and(|extension| extension == "ndjson");
        if !is_list {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        if path.file_stem().is_some_and(|name| name == "excluded") {
            for line in text.lines() {
                let line: ExcludedLine = serde_json::from_str(line)?;
                lines.push(line.target.get().as_bytes().to_vec());
            }
        } else {
            lines.extend(text.lines().map(|line| line.as_bytes().to_vec()));
        }
    }
    let mut expected: Vec<Vec<u8>> = whole.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    expected.pop();
    ensure!(
        digest(&mut lines) == digest(&mut expected),
        "the parts do not add up to the list, so nothing was written; please report this bug in Reprieve"
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
