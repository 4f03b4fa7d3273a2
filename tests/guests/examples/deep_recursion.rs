//! Recurses without end.

use reprieve_guests::{Guest, guest};

struct Policy;

impl Guest for Policy {
    fn begin() {
        #[inline(never)]
        fn deeper(n: u64) -> u64 {
            if n == 0 { 1 } else { deeper(n - 1).wrapping_mul(31) ^ n }
        }
        std::hint::black_box(deeper(u64::MAX));
    }
}

guest!(Policy);
