//! Counting offending targets.

use serde::{Deserialize, Serialize};

/// How many targets offend, and the first few of them. Adding up parts gives the same as counting in one pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// How many.
    pub count: u64,
    /// The lowest row numbers, ascending.
    pub examples: Vec<u64>,
}

impl Rows {
    /// Examples kept.
    pub const EXAMPLES: usize = 5;

    /// Counts the row where `offends` holds.
    #[inline]
    pub fn add_if(&mut self, offends: bool, row: u64) {
        if offends {
            self.add(row);
        }
    }

    /// Counts the row. Rows come in ascending order within a part.
    pub fn add(&mut self, row: u64) {
        self.count += 1;
        if self.examples.len() < Self::EXAMPLES {
            self.examples.push(row);
        }
    }

    /// Adds those of another part.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.sort_unstable();
        self.examples.truncate(Self::EXAMPLES);
    }

    /// Whether any row offends.
    pub const fn any(&self) -> bool {
        self.count > 0
    }
}
