//! Says that it holds no policies.

use reprieve_guests::{Several, several};

struct Policies;

impl Several for Policies {
    fn policies() -> Vec<String> {
        Vec::new()
    }
}

several!(Policies);
