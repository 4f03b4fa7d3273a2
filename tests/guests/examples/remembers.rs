//! Denies if its instance has run before.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static RUNS: AtomicU32 = AtomicU32::new(0);
        if RUNS.fetch_add(1, Ordering::Relaxed) == 0 { Vec::new() } else { vec![finding()] }
    }
}

guest!(Policy);
