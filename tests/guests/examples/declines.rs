//! Says that it cannot answer.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {
    fn answer() -> Result<(), String> {
        Err("the moon is in the wrong phase".to_owned())
    }
}

guest!(Policy);
