//! Holds four policies. Selecting the third never returns, and the fourth has another name than it says.

use reprieve_guests::{Several, descriptor, several};
use std::cell::Cell;

const NAMES: [&str; 4] = ["first", "second", "endless", "renamed"];

thread_local! {
    static SELECTED: Cell<u32> = const { Cell::new(0) };
}

struct Policies;

impl Several for Policies {
    fn policies() -> Vec<String> {
        NAMES.map(str::to_owned).to_vec()
    }

    fn select(policy: u32) {
        let mut n = 0_u64;
        while std::hint::black_box(policy) == 2 {
            n = std::hint::black_box(n.wrapping_add(1));
        }
        SELECTED.set(policy);
    }

    fn describe() -> reprieve_guests::Descriptor {
        let name = match SELECTED.get() {
            3 => "other",
            selected => NAMES[selected as usize],
        };
        reprieve_guests::Descriptor { name: name.to_owned(), ..descriptor() }
    }
}

several!(Policies);
