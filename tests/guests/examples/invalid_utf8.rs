//! Returns bytes that are not text.

use reprieve_guests::{Finding, Guest, finding, guest};

struct Policy;

impl Guest for Policy {
    fn finish() -> Vec<Finding> {
        #[allow(unsafe_code)]
        // SAFETY: none: that the string is not UTF-8 is the point of this guest. Nothing in it reads the string.
        let message = unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe]) };
        vec![Finding { message, ..finding() }]
    }
}

guest!(Policy);
