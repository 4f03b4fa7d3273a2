//! Counting offending targets.

use serde::{Deserialize, Serialize};

/// The number of offending targets, and the first few of them. Merging the counts of partitions results in the same
/// count and examples as one pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Number of offending targets.
    pub count: u64,
    /// The lowest row numbers, ascending.
    pub examples: Vec<u64>,
}

impl Rows {
    /// Number of examples to keep.
    pub const MAX_EXAMPLES: usize = 5;

    /// Counts the row if `offends` holds.
    #[inline]
    pub fn add_if(&mut self, offends: bool, row: u64) {
        if offends {
            self.add(row);
        }
    }

    /// Counts the row. Within a partition, rows must be added in ascending order.
    pub fn add(&mut self, row: u64) {
        self.count += 1;
        if self.examples.len() < Self::MAX_EXAMPLES {
            self.examples.push(row);
        }
    }

    /// Adds the rows of another partition.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.sort_unstable();
        self.examples.truncate(Self::MAX_EXAMPLES);
    }

    /// Whether any target offends.
    pub const fn any(&self) -> bool {
        self.count > 0
    }
}
