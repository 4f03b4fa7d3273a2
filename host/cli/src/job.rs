//! The folder of a planned batch: its plan, and a file for the result of each step and section.

use crate::error::fail;
use crate::files::{Readers, write_whole};
use anyhow::Context;
use reprieve::planned::{BUCKETS, Plan, SectionResult};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The name of the plan.
const PLAN: &str = "plan.json";
/// The name of the facts.
const FACTS: &str = "facts";

/// The folder of a planned batch.
#[derive(Clone, Debug)]
pub struct Job(PathBuf);

impl Job {
    /// Creates the folder with a plan.
    pub fn create(folder: &Path, plan: &Plan) -> anyhow::Result<Self> {
        if folder.exists() {
            return Err(fail(format!("{} already exists", folder.display()), "name a new folder"));
        }
        std::fs::create_dir(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let job = Self(folder.to_owned());
        job.write(PLAN, plan.to_text()?.as_bytes())?;
        Ok(job)
    }

    /// Opens the folder, and reads the plan.
    pub fn open(folder: &Path) -> anyhow::Result<(Self, Plan)> {
        let job = Self(folder.to_owned());
        let text = job.read(PLAN, "plan")?;
        Ok((job, Plan::read(&text)?))
    }

    /// The sections to work on: those that are named, or those without a result `name`.
    pub fn sections(&self, named: &[usize], plan: &Plan, name: &str) -> anyhow::Result<Vec<usize>> {
        let count = plan.sections();
        if let Some(unknown) = named.iter().find(|section| **section >= count) {
            let message = format!("there is no section {unknown}");
            return Err(fail(message, format!("the plan has {count} sections, counted from 0")));
        }
        let is_open = |section: &usize| !self.0.join(numbered(name, *section)).exists();
        Ok(if named.is_empty() { (0..count).filter(is_open).collect() } else { named.to_vec() })
    }

    /// Writes the counts of a section. The ids come first, so that a section with counts has both.
    pub fn write_counts(&self, section: usize, found: &SectionResult) -> anyhow::Result<()> {
        self.write(&numbered("ids", section), &pack(&found.ids))?;
        self.write(&numbered("counts", section), &found.counts)
    }

    /// Writes the facts.
    pub fn write_facts(&self, duplicates: &[Vec<u8>], facts: &[u8]) -> anyhow::Result<()> {
        self.write("duplicates", &pack(duplicates))?;
        self.write(FACTS, facts)
    }

    /// Writes the states of a section.
    pub fn write_states(&self, section: usize, states: &[u8]) -> anyhow::Result<()> {
        self.write(&numbered("states", section), states)
    }

    /// Writes the permit of a section.
    pub fn write_permit(&self, section: usize, token: &str) -> anyhow::Result<()> {
        self.write(&numbered("permit", section), token.as_bytes())
    }

    /// Reads the counts of every section.
    pub fn counts(&self, plan: &Plan) -> anyhow::Result<Vec<Vec<u8>>> {
        (0..plan.sections()).map(|section| self.read(&numbered("counts", section), "count")).collect()
    }

    /// Reads the states of every section.
    pub fn states(&self, plan: &Plan) -> anyhow::Result<Vec<Vec<u8>>> {
        (0..plan.sections()).map(|section| self.read(&numbered("states", section), "observe")).collect()
    }

    /// Reads the facts.
    pub fn facts(&self) -> anyhow::Result<Vec<u8>> {
        self.read(FACTS, "facts")
    }

    /// Reads the duplicates of every bucket.
    pub fn duplicates(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        (0..BUCKETS).map(|bucket| self.packed("duplicates", bucket, "facts")).collect()
    }

    /// Reads the ids of every section in one bucket.
    pub fn ids(&self, plan: &Plan, bucket: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        (0..plan.sections()).map(|section| self.packed(&numbered("ids", section), bucket, "count")).collect()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.0.join(name);
        write_whole(&path, bytes, Readers::Owner).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads a result of the command `step`.
    fn read(&self, name: &str, step: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.0.join(name);
        std::fs::read(&path).map_err(|error| self.missing(&path, &error, step))
    }

    fn missing(&self, path: &Path, error: &std::io::Error, step: &str) -> anyhow::Error {
        let message = format!("cannot read {}: {error}", path.display());
        match step {
            "plan" => fail(message, "`reprieve plan REQUEST --out FOLDER` makes such a folder"),
            _ => fail(message, format!("run `reprieve {step} {}` first", self.0.display())),
        }
    }

    /// Reads one of the [`BUCKETS`] parts of a packed file.
    fn packed(&self, name: &str, bucket: usize, step: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.0.join(name);
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(8 * bucket as u64))?;
            let mut number = || {
                let mut bytes = [0; 8];
                file.read_exact(&mut bytes).map(|()| u64::from_le_bytes(bytes))
            };
            let (start, end) = (number()?, number()?);
            if start > end || end > length {
                return Err(std::io::Error::other("it is damaged"));
            }
            let mut bytes = vec![0; (end - start) as usize];
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| self.missing(&path, &error, step))
    }
}

fn numbered(name: &str, section: usize) -> String {
    format!("{name}-{section:05}")
}

/// Packs parts into one file: where each begins, where the last one ends, and the parts.
fn pack(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut start = 8 * (parts.len() as u64 + 1);
    let mut packed = start.to_le_bytes().to_vec();
    for part in parts {
        start += part.len() as u64;
        packed.extend_from_slice(&start.to_le_bytes());
    }
    parts.iter().for_each(|part| packed.extend_from_slice(part));
    packed
}
