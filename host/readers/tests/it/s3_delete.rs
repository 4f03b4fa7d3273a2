//! No change of a file of S3 makes a deletion vanish silently.

use crate::support::mutation::{self, accepted, data, ids, read, refusal};
use reprieve_model::Mode;
use reprieve_readers::Options;

fn changed(file: &str, from: &str, to: &str) -> mutation::Outcome {
    let text = String::from_utf8(data("s3-delete", file)).expect("UTF-8");
    assert!(text.contains(from), "{file}: there is no `{from}`");
    read("s3-delete", text.replacen(from, to, 1).as_bytes(), &Options::default())
}

fn manifest(text: &str) -> mutation::Outcome {
    read("s3-delete", text.as_bytes(), &Options { no_header: true, ..Options::default() })
}

#[test]
fn no_change_of_a_byte_hides_a_deletion() {
    let mut files = 0;
    for (file, options) in accepted("s3-delete") {
        if file.ends_with(".csv") {
            continue;
        }
        files += 1;
        mutation::truncations_are_refused("s3-delete", &file, &options);
        mutation::text_around_is_refused("s3-delete", &file, &options);
        mutation::bytes_hide_nothing("s3-delete", &file, &options, &[]);
    }
    assert!(files >= 7);
}

#[test]
fn disguised_objects_are_refused() {
    for (from, to) in [
        ("<Object>", "<object>"),
        ("<Object>", "<Object/><Object>"),
        ("<Object>", "key<Object>"),
        ("<Object>", "<Objects><Object>"),
        ("<Key>key0</Key>", "<key>key0</key>"),
        ("<Key>key0</Key>", "<Key></Key>"),
        ("<Key>key0</Key>", "<Key>key0</Key><Key>key2</Key>"),
        ("<Key>key0</Key>", "<Key><Key>key0</Key></Key>"),
        ("<Key>key0</Key>", "<Key>key0&other;</Key>"),
        ("<Key>key0</Key>", "<Key>key0&#10;</Key>"),
        ("<Key>key0</Key>", "<s3:Key>key0</s3:Key>"),
        ("<VersionId>versionId0</VersionId>", "<Versionid>versionId0</Versionid>"),
        ("<VersionId>versionId0</VersionId>", "<VersionId> </VersionId>"),
        ("<VersionId>versionId0</VersionId>", "<VersionId/>"),
        ("key1</Key>\n    <VersionId>versionId1", "key0</Key>\n    <VersionId>versionId0"),
        ("<Quiet>false</Quiet>", "<Quiet>no</Quiet>"),
        ("<Quiet>false</Quiet>", "<Quiet><Object><Key>a</Key></Object></Quiet>"),
        ("<Quiet>false</Quiet>", "<?php ?>"),
        ("<Delete ", "<DELETE "),
        ("UTF-8", "UTF-16"),
    ] {
        assert!(changed("delete-request.xml", from, to).is_err(), "`{from}` -> `{to}` is accepted");
    }
    for (from, to) in [
        (r#""Key": "test1.txt""#, r#""key": "test1.txt""#),
        (r#""Key": "test1.txt""#, r#""Key": null"#),
        (r#""Key": "test1.txt""#, r#""Key": ["test1.txt"]"#),
        (r#""Key": "test1.txt""#, r#""Key": "test1.txt", "Key": "other""#),
        (r#""Key": "test1.txt""#, r#""Key": "test1.txt", "VersionId": null"#),
        (r#""Key": "test1.txt""#, r#""Key": "test1.txt", "VersionID": "1""#),
        (r#""Key": "test1.txt""#, r#""Key": "test1.txt", "VersionId": 1"#),
        (r#""Quiet": false"#, r#""Quiet": "false""#),
        (r#""Quiet": false"#, r#""Deleted": []"#),
        (r#""Objects""#, r#""objects""#),
        (r#""Objects": ["#, r#""Objects": null, "Other": ["#),
    ] {
        assert!(changed("cli-delete.json", from, to).is_err(), "`{from}` -> `{to}` is accepted");
    }
}

#[test]
fn lists_are_whole_or_refused() {
    for (from, to) in [
        ("<IsTruncated>false</IsTruncated>", ""),
        ("<IsTruncated>false", "<IsTruncated>true"),
        ("<IsTruncated>false", "<IsTruncated>False"),
        ("<KeyMarker/>", "<KeyMarker>a</KeyMarker>"),
        ("<KeyMarker/>", "<NextKeyMarker>a</NextKeyMarker>"),
        ("<KeyMarker/>", "<EncodingType>base64</EncodingType>"),
        ("<DeleteMarker>", "<deletemarker/><DeleteMarker>"),
        ("<VersionId>3/L4kqtJl40Nr8X8gdRQBpUMLUo</VersionId>", ""),
        ("<Size>434234</Size>", "<Size>-1</Size>"),
        ("<IsLatest>true", "<IsLatest>yes"),
        ("2009-10-12T17:50:30.000Z", "yesterday"),
    ] {
        assert!(changed("list-versions.xml", from, to).is_err(), "`{from}` -> `{to}` is accepted");
    }
    for (from, to) in [
        (r#""Prefix": """#, r#""IsTruncated": true"#),
        (r#""Prefix": """#, r#""IsTruncated": null"#),
        (r#""Prefix": """#, r#""isTruncated": true"#),
        (r#""Prefix": """#, r#""NextToken": "x""#),
        (r#""Prefix": """#, r#""KeyMarker": "x""#),
        (r#""Prefix": """#, r#""CommonPrefixes": [{"Prefix": "a/"}]"#),
        (r#""Prefix": """#, r#""KeyCount": 1"#),
        (r#""Prefix": """#, r#""Contents": []"#),
        (r#""DeleteMarkers""#, r#""deleteMarkers""#),
        (r#""VersionId": "null""#, r#""VersionId": null"#),
        (r#""Size": 11"#, r#""Size": "11""#),
        (r#""2026-01-02T03:04:05+00:00""#, r#""yesterday""#),
    ] {
        assert!(changed("made-list-versions.json", from, to).is_err(), "`{from}` -> `{to}` is accepted");
    }
}

#[test]
fn a_call_is_permanent_if_every_object_has_a_version() {
    let (_, summary) =
        read("s3-delete", &data("s3-delete", "delete-request.xml"), &Options::default()).expect("read");
    assert_eq!((summary.is_call, summary.mode), (true, Some(Mode::Hard)));
    let (_, summary) = read("s3-delete", &data("s3-delete", "cli-delete.json"), &Options::default()).expect("read");
    assert_eq!((summary.is_call, summary.mode), (true, None));
    let (_, summary) = read("s3-delete", &data("s3-delete", "list-versions.xml"), &Options::default()).expect("read");
    assert_eq!((summary.is_call, summary.mode), (false, None));
}

#[test]
fn manifests_are_read_line_by_line() {
    assert_eq!(ids(manifest("bucket-1,a%2Fb\nbucket-1,c\n")), ["a/b", "c"]);
    assert_eq!(ids(manifest("bucket-1,a,null\nbucket-1,a,v\n")), ["a?versionId=", "a?versionId=v"]);
    for text in [
        "bucket-1,a\nbucket-1\n",
        "bucket-1,a\nbucket-1,b,v\n",
        "bucket-1,a,\n",
        "bucket-1,a,v,x\n",
        "bucket-1,a\nbucket-1,a\n",
        "bucket-1,\"a\nbucket-1,b\n",
        "bucket-1,%\n",
        "bucket-1,%4x\n",
        "bucket-1,%ff\n",
        "bucket-1,\n",
        "bucket-1,%0A\n",
        "bucket-1;a\n",
        "# comment\nbucket-1,a\n",
    ] {
        assert!(manifest(text).is_err(), "{text:?} is accepted");
    }
    let without = read("s3-delete", b"bucket-1,a\n", &Options::default());
    assert!(refusal(without).contains("neither XML nor JSON"));
}

#[test]
fn deep_documents_are_refused() {
    let deep = "<Delete>".repeat(100_000);
    assert!(refusal(read("s3-delete", deep.as_bytes(), &Options::default())).contains("nested more than"));
}

#[test]
fn a_kind_of_a_person_is_used() {
    let options = Options { kind: Some("invoice".to_owned()), ..Options::default() };
    let (items, _) = read("s3-delete", &data("s3-delete", "cli-delete.json"), &options).expect("accepted");
    assert_eq!(items[0].record.kind.as_deref(), Some("invoice"));
}
