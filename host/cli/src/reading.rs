//! The arguments about how a target list is read, and the progress of reading it.

use crate::error::with_help;
use anstream::stream::IsTerminal;
use anyhow::Context;
use clap::Args;
use reprieve::model::{NumericTimes, SourceColumns, TargetFiles};
use reprieve::{Batch, BatchPlan, Folder, Progress, ReadError, ReadOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The arguments about the form of a target list.
#[derive(Args, Debug, Default)]
pub struct ListArguments {
    /// Read a field of the targets from a column with another name: `--column id=app_id`. An id may be joined from several
    /// columns: `--column id=bucket+key`
    #[arg(long = "column", value_name = "FIELD=COLUMN", value_parser = column)]
    columns: Vec<(String, SourceColumns)>,
    /// The file has no header. Fields are read from numbers of columns, counted from 1: `--column id=2`
    #[arg(long)]
    no_header: bool,
    /// Number of lines before the header, which are not read
    #[arg(long, value_name = "COUNT")]
    skip_lines: Option<u64>,
    /// What a number means in a column of times
    #[arg(long, value_name = "UNIT", value_parser = times)]
    times: Option<NumericTimes>,
}

impl ListArguments {
    /// Whether the file has no header.
    pub const fn no_header(&self) -> bool {
        self.no_header
    }

    /// Sets these options.
    pub fn apply<'a>(&self, mut options: ReadOptions<'a>) -> ReadOptions<'a> {
        for (field, columns) in &self.columns {
            options = match columns {
                SourceColumns::One(column) => options.column(field, column),
                SourceColumns::Several(columns) => {
                    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                    options.joined_columns(field, &columns)
                }
            };
        }
        if self.no_header {
            options = options.header(false);
        }
        if let Some(lines) = self.skip_lines {
            options = options.skip_lines(lines);
        }
        match self.times {
            Some(times) => options.times(times),
            None => options,
        }
    }

    /// Adds these options to the description of a list in a request.
    pub fn describe(&self, files: TargetFiles) -> TargetFiles {
        TargetFiles {
            columns: self.columns.iter().cloned().collect(),
            skip_lines: self.skip_lines,
            header: self.no_header.then_some(false),
            times: self.times,
            ..files
        }
    }
}

/// The arguments about how a target list is read.
#[derive(Args, Debug)]
pub struct ReadingArguments {
    /// Read the targets from this file instead of those that the request names
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    #[command(flatten)]
    list: ListArguments,
    #[command(flatten)]
    resources: Resources,
}

/// What a command may use.
#[derive(Args, Debug)]
pub struct Resources {
    /// Max memory of the batch and the inventory, for example 512MiB; what exceeds it is spilled to temporary files
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = bytes)]
    memory: u64,
    /// Number of threads [default: one per core]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

impl Resources {
    /// The memory in bytes.
    pub const fn memory(&self) -> u64 {
        self.memory
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads.map_or_else(reprieve::inventory::threads, usize::from)
    }

    /// Sets these options.
    fn apply<'a>(&self, options: ReadOptions<'a>) -> ReadOptions<'a> {
        options.memory(self.memory).threads(self.threads())
    }
}

impl ReadingArguments {
    /// Whether the file has no header.
    pub const fn no_header(&self) -> bool {
        self.list.no_header()
    }

    /// What the command may use.
    pub const fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Reads the request for a file of another tool. Its list is below the folder.
    pub fn drafted(&self, request: &str, shown: &str, folder: &Path) -> anyhow::Result<Batch> {
        let options = self.resources.apply(ReadOptions::default());
        let folder = Folder::open(folder)?;
        Batch::read_with(request.as_bytes(), shown, &folder, options).map_err(with_flags)
    }

    /// Reads a request from a file, or from standard input if the path is `-`. Its target file is below the folder of the
    /// request, or below this folder.
    pub fn request(&self, path: &Path) -> anyhow::Result<Batch> {
        let mut meter = Meter::start();
        let mut each = |progress| meter.show(progress);
        let options = self.options().progress(&mut each);
        let batch = if path == Path::new("-") {
            let folder = Folder::open(Path::new(".")).context("this folder")?;
            Batch::read_with(std::io::stdin().lock(), "<stdin>", &folder, options)
        } else {
            Batch::open_with(path, options)
        };
        meter.clear();
        batch.map_err(with_flags)
    }

    /// Plans the batch of a request, as [`request`](Self::request) reads it.
    pub fn plan(&self, path: &Path) -> anyhow::Result<BatchPlan> {
        let plan = if path == Path::new("-") {
            BatchPlan::read(std::io::stdin().lock(), "<stdin>", Path::new("."), self.options())
        } else {
            BatchPlan::open(path, self.options())
        };
        plan.map_err(with_flags)
    }

    fn options(&self) -> ReadOptions<'_> {
        let options = self.list.apply(self.resources.apply(ReadOptions::default()));
        match &self.targets {
            Some(targets) => options.targets(targets),
            None => options,
        }
    }
}

/// Adds the flags that help with an error to its help.
fn with_flags(error: ReadError) -> anyhow::Error {
    let flag = match error.message.as_str() {
        message if message.starts_with("there is no column") || message.starts_with("a target has no field") => {
            "`--column FIELD=COLUMN` reads a field from a column with another name, for example `--column id=app_id`"
        }
        message if message.contains("spilled") => "`--memory SIZE` sets the memory it may take",
        message if message.starts_with("inline targets") => "`--targets FILE` reads the targets from a file",
        message if message == "the file is empty" || message.contains("no field `targets`") => {
            "`reprieve schema request` describes a request"
        }
        _ => return error.into(),
    };
    let help = match &error.help {
        Some(help) if help.contains("reprieve schema") => return error.into(),
        Some(help) => format!("{help}; {flag}"),
        None => flag.to_owned(),
    };
    with_help(error, help)
}

/// Parses a field and the columns that it is read from.
fn column(text: &str) -> Result<(String, SourceColumns), String> {
    match text.split_once('=') {
        Some((field, column)) if !field.is_empty() && !column.is_empty() => {
            let names: Vec<String> = column.split('+').map(str::to_owned).collect();
            let columns = if field == "id" && names.len() > 1 && names.iter().all(|name| !name.is_empty()) {
                SourceColumns::Several(names)
            } else {
                SourceColumns::One(column.to_owned())
            };
            Ok((field.to_owned(), columns))
        }
        _ => Err("expected FIELD=COLUMN, for example `id=app_id`".to_owned()),
    }
}

/// Parses what a number means in a column of times, in the word of the request.
fn times(text: &str) -> Result<NumericTimes, String> {
    serde_json::from_value(text.into()).map_err(|_| "expected `unix-seconds` or `unix-milliseconds`".to_owned())
}

/// The least memory that a check may be limited to. With less, everything is spilled, and a check takes many times as long.
const MIN_MEMORY: u64 = 1 << 20;

fn bytes(text: &str) -> Result<u64, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))
        .ok_or("expected a number and a unit, for example `512MiB`")?;
    let number: u64 = number.trim().parse().map_err(|_| "expected an integer and a unit, for example `512MiB`")?;
    let bytes = number.checked_mul(1 << shift).ok_or("the size is too large; write for example `512MiB`")?;
    if bytes < MIN_MEMORY {
        return Err(format!("{bytes} bytes are less than the minimum, 1 MiB; write a unit, for example `64MiB`"));
    }
    Ok(bytes)
}

/// Progress is shown only if reading takes longer than this.
const PROGRESS_DELAY: Duration = Duration::from_secs(1);
/// The time between two updates of the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Shows the progress of reading on a terminal.
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
        let is_late = self.start.elapsed() > PROGRESS_DELAY
            && self.shown.is_none_or(|shown| shown.elapsed() > PROGRESS_INTERVAL);
        if self.is_terminal && is_late {
            self.shown = Some(Instant::now());
            // Reading goes on even if the progress cannot be shown.
            drop(write!(std::io::stderr(), "\r{}\x1b[K", line(progress, self.start.elapsed())));
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            drop(write!(std::io::stderr(), "\r\x1b[K"));
        }
    }
}

/// Formats the rows, the rate and the remaining time.
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
    fn parses_sizes_with_units() {
        for (text, expected) in
            [("1048576", 1 << 20), ("4096KiB", 4 << 20), ("512 MiB", 512 << 20), ("2GiB", 2 << 30)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MiB", "1.5GiB", "-1", "1GB", "99999999999GiB", "0", "64", "1023KiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn progress_shows_rows_rate_and_remaining_time() {
        let progress = Progress { rows: 12_345_678, bytes: 1 << 20, of: 4 << 20 };
        let expected = "12,345,678 rows read, 2.5 million a second, 25 %, 15 s left";
        assert_eq!(line(progress, Duration::from_secs(5)), expected);
        assert_eq!(
            line(Progress { rows: 7, bytes: 0, of: 0 }, Duration::from_secs(2)),
            "7 rows read, 0.0 million a second"
        );
    }
}
