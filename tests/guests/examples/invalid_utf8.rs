//! Returns bytes that are not UTF-8.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn findings() -> Vec<Finding> {
        #[allow(unsafe_code)]
        // SAFETY: not sound in general; an invalid string is the purpose of this guest, and nothing in it reads the string.
        let message = unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe]) };
        vec![Finding { message, ..finding() }]
    }
}

guest!(Policy);
