//! How a target list is read, as the commands take it, and how far it has come.

use anstream::stream::IsTerminal;
use anyhow::Context;
use clap::Args;
use reprieve::{Batch, Folder, Progress, Reading};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How a target list is read.
#[derive(Args, Debug)]
pub struct ReadingArguments {
    /// Take the targets from this file instead of those that the request names
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// Read a field of the targets from the column of another name: `--column id=app_id`
    #[arg(long = "column", value_name = "FIELD=COLUMN", value_parser = column)]
    columns: Vec<(String, String)>,
    /// Memory that the batch may take, in bytes, KiB, MiB or GiB; what is more is set aside in temporary files
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = bytes)]
    memory: u64,
    /// Threads to keep busy; as many as there are cores, if not given
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

impl ReadingArguments {
    /// Threads to keep busy, where that was said.
    pub fn threads(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }

    /// Reads a request from a file, or from standard input where the path is `-`. Its target file is looked for beside
    /// it, or in this folder.
    pub fn request(&self, path: &Path) -> anyhow::Result<Batch> {
        let mut meter = Meter::start();
        let mut each = |progress| meter.show(progress);
        let mut reading = Reading::default().memory(self.memory).progress(&mut each);
        if let Some(threads) = self.threads() {
            reading = reading.threads(threads);
        }
        if let Some(targets) = &self.targets {
            reading = reading.targets(targets);
        }
        for (field, column) in &self.columns {
            reading = reading.column(field, column);
        }
        let batch = if path == Path::new("-") {
            let folder = Folder::open(Path::new(".")).context("this folder")?;
            reading.read(std::io::stdin().lock(), "<stdin>", &folder)
        } else {
            reading.open(path)
        };
        meter.clear();
        Ok(batch?)
    }
}

fn column(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column)) if !field.is_empty() && !column.is_empty() => Ok((field.to_owned(), column.to_owned())),
        _ => Err("write the field, `=` and the column: `id=app_id`".to_owned()),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))
        .ok_or("write a number and a unit: `512MiB`")?;
    let number: u64 = number.trim().parse().map_err(|_| "write a whole number and a unit: `512MiB`")?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is more than there can be".to_owned())
}

/// Nothing is said about what takes less.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is said how far it has come.
const EVERY: Duration = Duration::from_millis(200);

/// Says on a terminal how far reading has come, once it takes long.
struct Meter {
    start: Instant,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Meter {
    fn start() -> Self {
        Self { start: Instant::now(), shown: None, is_terminal: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, progress: Progress) {
        let is_late = self.start.elapsed() > PATIENCE && self.shown.is_none_or(|shown| shown.elapsed() > EVERY);
        if self.is_terminal && is_late {
            self.shown = Some(Instant::now());
            // Whether it can be seen changes nothing.
            drop(write!(std::io::stderr(), "\r{}\x1b[K", line(progress, self.start.elapsed())));
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            drop(write!(std::io::stderr(), "\r\x1b[K"));
        }
    }
}

/// Rows, rate and time left.
fn line(Progress { rows, bytes, of }: Progress, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(f64::EPSILON);
    let mut line = format!("{} rows read, {:.1} million a second", thousands(rows), rows as f64 / seconds / 1e6);
    if bytes > 0 && bytes <= of {
        let left = seconds * (of - bytes) as f64 / bytes as f64;
        line += &format!(", {} %, {left:.0} s left", 100 * bytes / of);
    }
    line
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [("0", 0), ("17", 17), ("4KiB", 4_096), ("512 MiB", 512 << 20), ("2GiB", 2 << 30)] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MiB", "1.5GiB", "-1", "1GB", "99999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn progress_is_rows_rate_and_time_left() {
        let progress = Progress { rows: 12_345_678, bytes: 1 << 20, of: 4 << 20 };
        let said = "12,345,678 rows read, 2.5 million a second, 25 %, 15 s left";
        assert_eq!(line(progress, Duration::from_secs(5)), said);
        assert_eq!(
            line(Progress { rows: 7, bytes: 0, of: 0 }, Duration::from_secs(2)),
            "7 rows read, 0.0 million a second"
        );
    }
}
