//! The time of one decision from Rust, to compare with the same one from Python (`measure.py`, which starts this):
//! `measure REQUEST INVENTORY AT COUNT` prints microseconds.
#![allow(missing_docs)]

use reprieve::inventory::open_inventory;
use reprieve::model::Timestamp;
use reprieve::{Batch, Gate};
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, request, inventory, at, count] = arguments.as_slice() else {
        return Err("usage: measure REQUEST INVENTORY AT COUNT".into());
    };
    let gate = Gate::builder().inventory(open_inventory(inventory.as_ref())?).build()?;
    let (at, count): (_, u32) = (Timestamp::parse(at)?, count.parse()?);
    let mut shortest = u128::MAX;
    for _ in 0..count {
        let start = Instant::now();
        let decision = gate.vet(Batch::open(Path::new(request))?.at(at));
        shortest = shortest.min(start.elapsed().as_micros());
        drop(decision);
    }
    println!("{shortest}");
    Ok(())
}
