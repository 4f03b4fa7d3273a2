//! Has no objection to anything: what the others are compared with.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {}

guest!(Policy);
