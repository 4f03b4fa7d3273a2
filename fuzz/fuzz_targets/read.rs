//! Files of other tools: the first byte selects the format, and the second what a person says of the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve_readers::{FORMATS, Input, Options};

fuzz_target!(|bytes: &[u8]| {
    let [format, said, bytes @ ..] = bytes else { return };
    let Some(format) = FORMATS.get(usize::from(*format) % FORMATS.len()) else { return };
    let options = Options {
        kind: (said & 1 != 0).then(|| "ebs".to_owned()),
        id: if said & 2 != 0 { vec!["id".to_owned()] } else { Vec::new() },
        no_header: said & 4 != 0,
    };
    // A file that is named is the file itself: it is as hostile.
    let companion = |_: &str| Ok(bytes.to_vec());
    let input = Input { name: "file", bytes, companion: &companion };
    let mut sink = |item: reprieve_readers::Item| {
        assert!(!item.id.is_empty(), "an item has an id");
        Ok(())
    };
    drop((format.read)(&input, &options, &mut sink));
});
