//! Changes to outputs of aws-nuke: a deletion is still there, or the file is refused.

use crate::support::altered::*;
use reprieve_readers::Options;

#[test]
fn truncations() {
    truncations_never_alter_an_item("aws-nuke");
}

#[test]
fn changed_bytes() {
    changed_bytes_never_hide_an_item("aws-nuke");
}

/// The counts make a list that is cut before them unreadable.
#[test]
fn every_accepted_truncation_is_whole() {
    for file in accepted("aws-nuke") {
        for end in 0..file.bytes.len() {
            if let Ok((items, _)) = read("aws-nuke", &file.name, &file.bytes[..end], &Options::default()) {
                assert_eq!(items, file.items, "{} cut at {end}", file.name);
            }
        }
    }
}

#[test]
fn a_line_less_or_more_is_refused() {
    for file in accepted("aws-nuke") {
        let text = String::from_utf8(file.bytes.clone()).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        let is_resource = |line: &str| line.contains("would remove") && !line.ends_with("filtered by config");
        let mut changed = 0;
        for at in (0..lines.len()).filter(|at| is_resource(lines[*at])) {
            let mut less = lines.clone();
            less.remove(at);
            let mut twice = lines.clone();
            twice.insert(at, lines[at]);
            let upper = lines[at].replace("would remove", "Would remove");
            let quoted = lines[at].replace("would remove", "'would remove'");
            let mut last = lines.clone();
            last.remove(at);
            last.push(lines[at]);
            for variant in [less, twice, last] {
                assert!(
                    read("aws-nuke", "x", variant.join("\n").as_bytes(), &file.options).is_err(),
                    "{}",
                    file.name
                );
            }
            for line in [upper, quoted] {
                let mut variant = lines.clone();
                variant[at] = &line;
                assert!(read("aws-nuke", "x", variant.join("\n").as_bytes(), &file.options).is_err(), "{line}");
            }
            changed += 1;
        }
        assert!(changed > 0 || file.items.is_empty(), "{}", file.name);
        for (before, after) in
            [("noise", ""), ("", "noise"), ("", text.as_str()), ("", "--- truncating long output ---")]
        {
            let wrapped = format!("{before}\n{text}\n{after}");
            let is_same = before.is_empty() && after.is_empty();
            assert!(is_same || read("aws-nuke", "x", wrapped.as_bytes(), &file.options).is_err(), "{}", file.name);
        }
        let windows = text.replace('\n', "\r\n");
        let (items, _) = read("aws-nuke", "x", windows.as_bytes(), &file.options).expect("accepted");
        assert_eq!(items, file.items, "{}", file.name);
    }
}

#[test]
fn disguised_removals_are_refused() {
    for (file, from, to) in [
        ("dry-run.txt", "11 nukeable", "10 nukeable"),
        ("dry-run.txt", "13 total", "14 total"),
        ("dry-run.txt", "2 filtered", "3 filtered"),
        ("dry-run.txt", "Scan complete", "Scan finished"),
        ("dry-run.txt", "'i-01b489457a60298dd' - would remove", "'i-01b489457a60298dd' - cannot remove"),
        ("dry-run.txt", "'i-01b489457a60298dd' - would remove", "'i-01b489457a60298dd' - removed"),
        ("dry-run.txt", "'i-01b489457a60298dd' - would remove", "'i-01b489457a60298dd' - waiting for removal"),
        ("dry-run.txt", "'i-01b489457a60298dd' - would remove", "'i-01b489457a60298dd' - would remove "),
        ("dry-run.txt", "'i-01b489457a60298dd'", "'i-01b489457a60298dd"),
        ("dry-run.txt", "'i-01b489457a60298dd'", "''"),
        ("dry-run.txt", "eu-west-1 - EC2Instance", " eu-west-1 - EC2Instance"),
        ("dry-run.txt", "eu-west-1 - EC2Instance", "eu-west-1 EC2Instance"),
        (
            "dry-run.txt",
            "eu-west-1 - EC2Instance - 'i-01b489457a60298dd'",
            "eu-west-1 - EC2DHCPOption - 'dopt-bf2ec3d8'",
        ),
        ("made-json.txt", r#""state":"new","#, r#""state":"filtered","#),
        ("made-json.txt", r#""state":"new","#, r#""state":"New","#),
        ("made-json.txt", r#""state":"new","#, r#""state":null,"#),
        ("made-json.txt", r#""state":"new","#, r#""State":"new","#),
        ("made-json.txt", r#""state":"new","state_code":0,"#, ""),
        ("made-json.txt", r#""state":"new","state_code":0"#, r#""state":"new","state_code":7"#),
        ("made-json.txt", r#""state":"new","state_code":0"#, r#""state":"finished","state_code":8"#),
        ("made-json.txt", r#""name":"vol-1""#, r#""name":1"#),
        ("made-json.txt", r#""name":"vol-1""#, r#""name":"vol-1","name":"vol-2""#),
        ("made-json.txt", r#""owner":"us-east-1","prop"#, r#""prop"#),
        ("made-json.txt", r#""msg":"would remove""#, r#""msg":"filtered: by config""#),
        ("made-json.txt", r#""prop:Name":"zone""#, r#""prop:Name":7"#),
        ("made-json.txt", r#""prop:Name":"zone","#, ""),
        ("made-json.txt", r#""level":"debug""#, r#""level":"error""#),
        ("made-json-old.txt", r#""state":0"#, r#""state":7"#),
        ("made-json-old.txt", r#""state":0"#, r#""state":99"#),
        ("made-json-old.txt", r#""state":0"#, r#""state":0.5"#),
        ("made-v2.txt", "level=warning", "level=fatal"),
        ("made-v2.txt", "flow - would remove after dependencies", "flow - would remove after"),
        ("made-quiet-colours.txt", "1 nukeable, 2 filtered", "0 nukeable, 3 filtered"),
    ] {
        refused("aws-nuke", file, from, to);
    }
}
