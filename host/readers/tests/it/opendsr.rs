//! Changes to files of the format `opendsr`: a deletion is still there, or the file is refused.

use crate::support::altered::*;

#[test]
fn truncations() {
    truncations_never_alter_an_item("opendsr");
}

#[test]
fn changed_bytes() {
    changed_bytes_never_hide_an_item("opendsr");
}

#[test]
fn disguised_identities_are_refused() {
    for (from, to) in [
        (r#""erasure""#, r#""ERASURE""#),
        (r#""erasure""#, r#"["erasure"]"#),
        (r#""subject_identities""#, r#""Subject_identities""#),
        (r#""subject_identities""#, r#""subject_identities": [], "subject_identities""#),
        (r#""identity_value": "johndoe@example.com""#, r#""identity_value": null"#),
        (r#""identity_value": "johndoe@example.com""#, r#""identity_value": 4.2"#),
        (r#""identity_value": "johndoe@example.com""#, r#""identity_value": """#),
        (r#""identity_value": "johndoe@example.com""#, r#""Identity_value": "johndoe@example.com""#),
        (r#""identity_value": "0042""#, r#""identity_value": "00\n42""#),
        (r#""identity_format": "sha256""#, r#""identity_format": 256"#),
        (r#""mpids": ["#, r#""mpids": ["1", "#),
        (r#""mpids": ["#, r#""mpids": [9223372036854775808, "#),
        (r#""mpids": ["#, r#""mpids": [9007199254740993, "#),
        (r#""mpids": ["#, r#""mpids": [1e3, "#),
        (r#""mpids""#, r#""mpid""#),
        (r#""extensions": {"#, r#""extensions": { "opengdpr.mparticle.com": [],"#),
        (r#""regulation""#, r#""request_status": "pending", "regulation""#),
        (r#""regulation""#, r#""encoded_request": "x", "regulation""#),
        ("{", "POST /requests\n{"),
    ] {
        refused("opendsr", "erasure.json", from, to);
    }
}

#[test]
fn numbers_are_exact() {
    let items = &accepted("opendsr").into_iter().find(|file| file.name == "erasure.json").expect("the file").items;
    for id in ["9223372036854775807", "-9223372036854775808", "9007199254740993"] {
        assert!(items.iter().any(|item| item.id == id), "{id}");
    }
}
