//! Changes to lists of images, tags and packages: an element is still there, or the file is refused.

use crate::support::altered::*;
use reprieve_readers::Options;
use serde_json::{Value, json};

fn is_refused(document: &Value) -> bool {
    read("registry", "x", document.to_string().as_bytes(), &Options::default()).is_err()
}

fn tag(path: &str) -> Value {
    json!({"name": "a", "path": path, "location": format!("registry.example.com/{path}")})
}

/// Pages and lines that are cut between two documents are a shorter list; nothing else is.
#[test]
fn truncations_never_skip_or_alter_an_element() {
    let mut cut = 0;
    for file in accepted("registry") {
        let is_table = file.name.ends_with(".txt");
        let is_stream = file.name.ends_with("-pages.json") || file.name.starts_with("made-images");
        for end in 0..file.bytes.trim_ascii_end().len() {
            if let Ok((items, _)) = read("registry", &file.name, &file.bytes[..end], &Options::default()) {
                let ids =
                    |items: &[reprieve_readers::Item]| items.iter().map(|item| item.id.clone()).collect::<Vec<_>>();
                assert!(ids(&file.items).starts_with(&ids(&items)), "{} cut at {end}", file.name);
                assert!(is_table || is_stream, "{} cut at {end}", file.name);
                cut += 1;
            }
        }
    }
    assert!(cut > 0);
}

#[test]
fn changed_bytes() {
    changed_bytes_never_hide_an_item("registry");
}

#[test]
fn refuses_elements_that_it_cannot_name() {
    assert!(!is_refused(&json!([tag("a:1"), tag("a:2")])));
    let image = json!({"ID": "101010101010", "Repository": "a", "Tag": "1"});
    assert!(!is_refused(&image));
    let with = |name: &str, value: Value| {
        let mut image = image.clone();
        image[name] = value;
        image
    };
    for document in [
        json!([tag("a:1"), null]),
        json!([tag("a:1"), "a:2"]),
        json!([tag("a:1"), {"name": "a"}]),
        json!([tag("a:1"), [tag("a:2")]]),
        json!([tag("a:1"), tag("a:1")]),
        json!([tag("a:1"), tag(" ")]),
        json!([tag("a:1"), with("ID", json!("7"))]),
        json!([tag("a:1"), {"Name": "a", "Path": "a:2", "Location": "x"}]),
        json!({"tags": [tag("a:1")]}),
        json!({"name": "a", "tags": ["1", 2]}),
        json!({"name": "a", "tags": "1"}),
        json!({"name": "a", "tags": ["1"], "next": "x"}),
        with("ID", json!(1.5)),
        with("ID", json!(null)),
        with("ID", json!("<none>")),
        with("Tag", json!(7)),
        json!({"message": "Bad credentials"}),
        json!({"ImagesDeleted": null, "SpaceReclaimed": 0}),
        json!("a"),
        json!({}),
    ] {
        assert!(is_refused(&document), "{document}");
    }
}

#[test]
fn text_around_a_list_is_refused() {
    for file in accepted("registry") {
        for (before, after) in [("noise\n", ""), ("", "\nnoise"), ("", ","), ("", "\0"), ("[", ""), ("", "\n\"x\"")] {
            let bytes = [before.as_bytes(), &file.bytes, after.as_bytes()].concat();
            let outcome = read("registry", "x", &bytes, &Options::default());
            assert!(outcome.is_err(), "{}: {before:?} {after:?}", file.name);
        }
    }
}

#[test]
fn disguised_rows_are_refused() {
    for (file, from, to) in [
        ("docker-images-dangling.txt", "0263829989b6", "            "),
        ("docker-images-dangling.txt", "0263829989b6", "0263829989b "),
        ("docker-images-dangling.txt", "0263829989b6", "0263829989B6"),
        ("docker-images-dangling.txt", "0263829989b6", "87428fc52280"),
        ("docker-images-dangling.txt", "IMAGE ", "IMAGES"),
        ("docker-images-dangling.txt", "EXTRA", "NEW  "),
        ("docker-images-tree.txt", "101010101010", "            "),
        ("docker-images-tree.txt", "<untagged>            303030303030", "└─ <untagged>         3030303030  "),
        ("docker-images-tree.txt", "base:alpine           505050505050", "base:alpine                       "),
        ("docker-images-tree.txt", "app:latest", "└─ latest "),
        ("docker-images-tree.txt", "U    ", "X    "),
        ("docker-images-tree.txt", "app:v1             \n", "app:v1             \n\n"),
        ("docker-images-dangling.txt", "<untagged>       0263829989b6           0B             0B", "<untagged>"),
        ("made-images.txt", "0263829989b6", "101010101010"),
        ("made-images.txt", "REPOSITORY", "Repository"),
        ("made-images.txt", "latest   ", "v1       "),
        ("made-images-lines.json", r#""ID":"0263829989b6""#, r#""Id":"0263829989b6""#),
        ("made-images-lines.json", r#""ID":"0263829989b6""#, r#""ID":263829989"#),
        ("made-images-lines.json", r#""ID":"0263829989b6""#, r#""ID":"101010101010""#),
        ("made-github-pages.json", "][", r#"]["0"]["#),
        ("made-github-pages.json", "][", "] x ["),
        ("made-github-pages.json", "9007199254740993", "9007199254740993e0"),
        ("made-github-pages.json", "9007199254740993", "90071992547409930071992547409930"),
        ("made-github-pages.json", "9007199254740993", "2147483648001"),
        ("made-harbor-artifacts.json", r#""tags": null"#, r#""tags": "v1""#),
        ("made-harbor-artifacts.json", r#""size": 5300"#, r#""size": "5300""#),
    ] {
        refused("registry", file, from, to);
    }
}
