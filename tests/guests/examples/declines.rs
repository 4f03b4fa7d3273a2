//! Returns an error instead of findings.

use reprieve_guests::{Finding, Guest, guest};

struct Policy;

impl Guest for Policy {
    fn finish() -> Result<Vec<Finding>, String> {
        Err("the moon is in the wrong phase".to_owned())
    }
}

guest!(Policy);
