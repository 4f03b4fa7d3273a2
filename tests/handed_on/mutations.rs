//! Mutations of the bytes of a list or a request whose evidence is in order.

use super::formats::{counted, read_back};
use reprieve::model::{Mode, Verdict};
use reprieve::{Batch, Decision};
use reprieve_tests::incident::{Incident, incidents};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// A generator of numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Changes a text in one to three places, as accidents and attackers do.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const PIECES: [&[u8]; 24] = [
        b"\n",
        b"\r",
        b"\r\n",
        b"\"",
        b"\"\"",
        b",",
        b"\0",
        b"\x7f",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xe2\x80\x8b",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b" ",
        b"\t",
        b";",
        b"{",
        b"}",
        b"\\u0000",
        b"id",
        b"ID",
        b"app",
        b"\xd1\x81",
        b"hard",
    ];
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.remove(at)),
            2 | 3 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            4 => {
                let end = (at + random.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            5 => {
                let end = (at + random.below(40)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
            6 => {
                // A line twice, or moved.
                let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1);
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            bytes.push(b' ');
        }
    }
}

/// The number of mutations.
const MUTATIONS: usize = 20_000;
const SEED: u64 = 20_220_405;

/// An allow of a mutated batch is an allow of exactly what its list says, in the original's mode, of things that the
/// inventory knows. The evidence is bound to each mutated list anew, so that digests do not hide what is looked for.
#[test]
fn no_mutation_of_a_list_or_a_request_lets_anything_else_go() {
    let path = incidents().into_iter().find(|path| path.ends_with("i01-atlassian")).unwrap().join("corrected");
    let incident = Incident::open(&path);
    let original: serde_json::Value = serde_json::from_str(&incident.case.request).unwrap();
    let targets = original["targets"].as_array().unwrap().clone();
    let known: BTreeSet<String> = targets.iter().map(|target| target["id"].as_str().unwrap().to_owned()).collect();
    let text = |target: &serde_json::Value, name: &str| target[name].as_str().unwrap_or_default().to_owned();
    let csv: String = std::iter::once("id,kind,tenant\n".to_owned())
        .chain(targets.iter().map(|t| format!("{},{},{}\n", text(t, "id"), text(t, "kind"), text(t, "tenant"))))
        .collect();
    let ndjson: String = targets.iter().map(|target| target.to_string() + "\n").collect();
    let old_digest = original["dry_run"]["targets_sha256"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(SEED);
    let (mut allowed, mut denied, mut refused) = (0, 0, 0);
    for number in 0..MUTATIONS {
        let format = ["csv", "ndjson"][number % 2];
        let mut list = if format == "csv" { csv.clone() } else { ndjson.clone() }.into_bytes();
        let of_request = number % 4 >= 2;
        if !of_request {
            mutate(&mut list, &mut random);
        }
        let name = format!("list.{format}");
        std::fs::write(folder.path().join(&name), &list).unwrap();
        let mut request = original.clone();
        request["targets"] = serde_json::json!({ "path": name });
        let digest: String = Sha256::digest(&list).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut request = request.to_string().replace(&old_digest, &digest).into_bytes();
        if of_request {
            mutate(&mut request, &mut random);
        }
        std::fs::write(folder.path().join("request.json"), &request).unwrap();
        let Ok(batch) = Batch::open(&folder.path().join("request.json")) else {
            refused += 1;
            continue;
        };
        let decision = incident.gate().vet(batch.at(incident.case.at));
        if decision.verdict() != Verdict::Allow {
            denied += 1;
            continue;
        }
        allowed += 1;
        let Decision::Allow(permit) = decision else { unreachable!() };
        let batch = permit.batch();
        let ids = counted(batch);
        let shown = String::from_utf8_lossy(if of_request { &request } else { &list });
        let mut handed = Vec::new();
        batch.write_list(&mut handed).unwrap();
        assert_eq!(handed, list, "{shown}");
        assert_eq!(read_back(&name, &handed), ids, "{shown}");
        assert!(ids.iter().all(|id| known.contains(id)), "{shown}");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{shown}");
        assert_eq!(batch.claims().mode, Mode::Soft, "{shown}");
        assert_eq!(batch.claims().environment, "production", "{shown}");
        drop(permit.hand_over());
    }
    println!(
        "seed {SEED}, {MUTATIONS} mutations: {allowed} allowed, {denied} denied or undecided, {refused} refused"
    );
    assert!(allowed > 100 && denied > 1_000 && refused > 1_000, "{allowed}, {denied}, {refused}");
}
