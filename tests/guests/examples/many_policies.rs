//! Holds more policies than a component may.

use reprieve_guests::{Several, several};

struct Policies;

impl Several for Policies {
    fn policies() -> Vec<String> {
        (0..1_000).map(|i| format!("policy-{i}")).collect()
    }
}

several!(Policies);
