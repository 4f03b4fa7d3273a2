//! Tables in Markdown.

use crate::engines::{Engine, Part};
use std::time::Duration;

/// The measurements for one size.
pub struct Column {
    /// The number of targets.
    pub targets: usize,
    /// For each engine, the time for the allowed request and for the denied one.
    pub cells: Vec<[Duration; 2]>,
}

/// The ratio of every engine to the first engine that does the same part of the work, and the time of the first.
pub fn ratios(engines: &[Engine], columns: &[Column]) -> String {
    let mut header = vec!["allowed / denied".to_owned(), "rules".to_owned()];
    header.extend(columns.iter().map(|column| thousands(column.targets as u64)));
    let mut rows = Vec::new();
    for part in Part::ALL {
        let of_part = |engine: &&(usize, &Engine)| engine.1.part == part;
        let numbered: Vec<(usize, &Engine)> = engines.iter().enumerate().collect();
        let of_part: Vec<_> = numbered.iter().filter(of_part).collect();
        let Some((first, base)) = of_part.first() else { continue };
        let mut absolute = vec![format!("**{part}**: what `{}` takes", base.name), String::new()];
        absolute.extend(
            columns
                .iter()
                .map(|column| either(column.cells.get(*first).into_iter().flatten().copied().map(shown).collect())),
        );
        rows.push(absolute);
        for (number, engine) in of_part {
            let mut row = vec![engine.name.to_owned(), rules(engine)];
            for column in columns {
                let bases = column.cells.get(*first).into_iter().flatten();
                let cells = column.cells.get(*number).into_iter().flatten();
                let ratios: Vec<String> =
                    cells.zip(bases).map(|(cell, base)| ratio(cell.as_secs_f64() / base.as_secs_f64())).collect();
                row.push(either(ratios));
            }
            rows.push(row);
        }
    }
    markdown(&header, &rows)
}

/// The number of rules that an engine can express.
fn rules(engine: &Engine) -> String {
    match engine.rules.len() {
        0 => "others".to_owned(),
        rules => format!("{rules} of 4"),
    }
}

/// The cells of the allowed and the denied request, or one cell if they are equal.
fn either(mut cells: Vec<String>) -> String {
    cells.dedup();
    cells.join(" / ")
}

/// A ratio with three significant digits.
pub fn ratio(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 0.01 => format!("{ratio:.4}"),
        ratio if ratio < 0.1 => format!("{ratio:.3}"),
        ratio if ratio < 10.0 => format!("{ratio:.2}"),
        ratio if ratio < 100.0 => format!("{ratio:.1}"),
        ratio => thousands(ratio.round() as u64),
    }
}

/// A time with three significant digits.
pub fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (number, unit) = match seconds {
        seconds if seconds < 1e-6 => (seconds * 1e9, "ns"),
        seconds if seconds < 1e-3 => (seconds * 1e6, "µs"),
        seconds if seconds < 1.0 => (seconds * 1e3, "ms"),
        seconds => (seconds, "s"),
    };
    let places = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    format!("{number:.places$} {unit}")
}

/// A number with a comma between thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// A table with aligned columns.
pub fn markdown(header: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(Vec::as_slice).chain([header]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default().max(3)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(i, (cell, width))| match i {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(i, width)| match i {
        0 => "-".repeat(*width),
        _ => "-".repeat(width - 1) + ":",
    });
    let rule: Vec<String> = rule.collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    line(header) + &line(&rule) + &body
}
