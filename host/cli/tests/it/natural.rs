//! Files as people have them are read with at most one short command before the check. See `tests/natural`.

use crate::support::fixture::{document, says};
use std::path::Path;

#[test]
fn files_as_people_have_them_are_read_and_checked() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/natural");
    let mut cases = 0;
    for case in std::fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(&case).unwrap().map(|entry| entry.unwrap().path()) {
            std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
        let document = document(&std::fs::read_to_string(case.join("case.json")).unwrap());
        for step in document["steps"].as_array().unwrap() {
            let words: Vec<&str> =
                step["says"].as_array().unwrap().iter().map(|words| words.as_str().unwrap()).collect();
            let status = i32::try_from(step["status"].as_i64().unwrap()).unwrap();
            says(&folder, step["run"].as_str().unwrap(), status, &words);
        }
        cases += 1;
    }
    assert_eq!(cases, 14);
}
