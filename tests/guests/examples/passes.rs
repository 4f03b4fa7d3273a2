//! Passes every batch: the baseline for the other guests.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {}

guest!(Policy);
