//! Plots of what a batch consists of, as bars in a terminal.

use crate::output::{Page, WIDTH, plain};
use clap::ValueEnum;
use reprieve::{Breakdown, Distribution};
use std::io::IsTerminal;

/// The maximum number of names of a plot.
const MAX_NAMES: usize = 10;
/// The maximum length of a name in characters.
const MAX_NAME_CHARS: usize = 24;
/// The cells of the longest bar.
const BAR: u64 = 40;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// When plots are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Plots {
    /// If standard output is a terminal, as far as the screen has room
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Plots {
    /// Whether they are shown.
    pub fn are_shown(self) -> bool {
        match self {
            Self::Auto => std::io::stdout().is_terminal(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// The plots of a batch: the title of each, and what it shows.
pub fn plots(breakdown: &Breakdown) -> [(&'static str, &Distribution); 4] {
    let Breakdown { kinds, tenants, created, last_used } = breakdown;
    [("kind", kinds), ("tenant", tenants), ("created", created), ("last used", last_used)]
}

/// The bars of a plot: a name and a number of targets each.
pub fn bars(distribution: &Distribution) -> Vec<(String, u64)> {
    let named = distribution.counts.iter().map(|count| (count.name.clone(), count.targets));
    let rest = [("(others)".to_owned(), distribution.others), ("(unknown)".to_owned(), distribution.unknown)];
    named.chain(rest).filter(|(_, targets)| *targets > 0).collect()
}

/// Whether the locale of the terminal is UTF-8.
fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
}

/// Renders the plots within a number of lines, after a blank line. Names and plots that have no room are left out; their
/// targets are counted with the others.
pub fn page(breakdown: &Breakdown, room: usize) -> Page {
    let all = plots(breakdown);
    let fitting = [&all[..], &all[..2]].into_iter().find_map(|shown| {
        let page_of = |names: usize| {
            let shown = shown.iter().map(|(title, distribution)| {
                // Ages are in their order, so none of them is left out.
                let is_age = ["created", "last used"].contains(title);
                (*title, bars(&distribution.limited(if is_age { usize::MAX } else { names })))
            });
            let shown: Vec<_> = shown.collect();
            let lines = 1 + shown.iter().map(|(_, bars)| bars.len()).sum::<usize>();
            (lines > 1 && lines <= room).then_some(shown)
        };
        (1..=MAX_NAMES).rev().find_map(page_of)
    });
    let mut page = Page::default();
    let Some(shown) = fitting else { return page };
    page.blank();
    let bar_of = if is_utf8() { Bar::Blocks } else { Bar::Ascii };
    for (title, bars) in &shown {
        let most = bars.iter().map(|(_, targets)| *targets).max().unwrap_or_default();
        for (i, (name, targets)) in bars.iter().enumerate() {
            let title = if i == 0 { *title } else { "" };
            let (name, bar) = (cut(name), bar_of.of(*targets, most));
            line!(page, "{title:<9}  {name:<MAX_NAME_CHARS$}  {bar} {targets}");
        }
    }
    page
}

/// A name, cut to the length that names may have.
fn cut(name: &str) -> String {
    let name = plain(name);
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some(_) => name.chars().take(MAX_NAME_CHARS - 1).chain(['…']).collect(),
        None => name.into_owned(),
    }
}

/// What a bar is drawn with.
#[derive(Clone, Copy)]
enum Bar {
    Blocks,
    Ascii,
}

impl Bar {
    /// A bar in proportion to the longest one. What is not zero is at least the smallest bar.
    fn of(self, targets: u64, most: u64) -> String {
        let scaled = |cells: u64| {
            let exact = u128::from(targets) * u128::from(cells);
            usize::try_from(exact.div_ceil(u128::from(most.max(1)))).unwrap_or_default()
        };
        match self {
            Self::Ascii => "#".repeat(scaled(BAR)),
            Self::Blocks => {
                let eighths = scaled(8 * BAR);
                "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
            }
        }
    }
}

// A title, a name, a bar and a number fit into a line.
const _: () = assert!(9 + 2 + MAX_NAME_CHARS + 2 + BAR as usize + 1 + 18 <= WIDTH);

#[cfg(test)]
mod tests {
    use super::*;
    use reprieve::NamedCount;

    fn distribution(targets: &[u64]) -> Distribution {
        let count = |(i, targets): (usize, &u64)| NamedCount { name: format!("n-{i}"), targets: *targets };
        Distribution { counts: targets.iter().enumerate().map(count).collect(), others: 0, unknown: 3 }
    }

    #[test]
    fn bars_are_in_proportion_and_never_empty() {
        assert_eq!(Bar::Ascii.of(10, 10), "#".repeat(40));
        assert_eq!(Bar::Ascii.of(1, u64::MAX), "#");
        assert_eq!(Bar::Blocks.of(u64::MAX, u64::MAX), "█".repeat(40));
        assert_eq!(Bar::Blocks.of(1, 1_000_000), "▏");
        assert_eq!(Bar::Blocks.of(1, 32), "█▎");
        assert_eq!(Bar::Blocks.of(0, 0), "");
    }

    #[test]
    fn plots_have_at_most_the_lines_there_is_room_for() {
        let ages = distribution(&[0, 1, 0, 5]);
        let breakdown = Breakdown {
            kinds: distribution(&[9]),
            tenants: distribution(&[9, 8, 7, 6, 5, 4, 3, 2, 1, 1]),
            created: ages.clone(),
            last_used: ages,
        };
        for room in 0..40 {
            let lines = page(&breakdown, room).lines();
            assert!(lines <= room, "{lines} lines for {room}");
            assert_eq!(lines > 0, room >= 6, "{lines} lines for {room}");
        }
        assert_eq!(page(&breakdown, 40).lines(), 1 + 2 + 11 + 3 + 3);
    }
}
