//! Writes the seeds of the fuzz targets, valid inputs that the fuzzer changes, below `fuzz/corpus`.
#![allow(missing_docs)]

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use reprieve::ledger::Outcome;
use reprieve::policy::PolicyEntry;
use reprieve::signed::{Key, KeySet};
use reprieve::{Batch, Decision, Folder, Gate, PolicySet};
use reprieve_ledger::SqlLedger;
use reprieve_tests::guest;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = Seeds { corpus: root.join("../fuzz/corpus"), temporary: tempfile::tempdir()? };
    seeds.incidents(&root.join("incidents"))?;
    seeds.columns()?;
    seeds.modules()?;
    seeds.tokens()?;
    seeds.sets(&root.join("../host/cli/presets"))?;
    seeds.ledger()
}

struct Seeds {
    corpus: PathBuf,
    temporary: tempfile::TempDir,
}

impl Seeds {
    fn write(&self, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(name), bytes)?)
    }

    /// Requests, lists and inventories of the incidents.
    fn incidents(&self, incidents: &Path) -> Result<()> {
        for incident in fs::read_dir(incidents)? {
            let incident = incident?.path();
            let name = incident.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for file in fs::read_dir(&incident)? {
                let path = file?.path();
                let bytes = if path.is_file() { fs::read(&path)? } else { continue };
                let bytes = &bytes[..bytes.len().min(8_192)];
                match path.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
                    "request.json" => self.write("request", &name, bytes)?,
                    "inventory.csv" => self.write("inventory", &name, &[&[0], bytes].concat())?,
                    list if list.ends_with(".csv") => self.write("csv", &name, bytes)?,
                    list if list.ends_with(".ndjson") => self.write("ndjson", &name, bytes)?,
                    _ => {}
                }
            }
        }
        self.write("request", "inline", br#"{"id":"a/1","mode":"soft","environment":"test","target_kind":"app","targets":[{"id":"a-1","kind":"app","tenant":"t-1","x_size":7}]}"#)?;
        self.write("request", "files", br#"{"id":"a/1","mode":"soft","environment":"test","target_kind":"app","targets":{"files":[{"path":"a.csv"},{"path":"b/c.csv","sha256":"f00"}],"columns":{"id":"app"}}}"#)?;
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for (name, database, statement) in [
            (
                "postgres",
                0,
                "BEGIN; DELETE FROM app AS a USING t WHERE a.t = t.id AND f(a.x) @> '{}' RETURNING *; COMMIT;",
            ),
            ("sqlite", 1, "DELETE FROM \"app\" WHERE id IN (SELECT id FROM v); -- done\n"),
            ("truncate", 0, "TRUNCATE TABLE a, b.c CASCADE;"),
        ] {
            self.write("deletion", name, &[&[database], statement.as_bytes()].concat())?;
        }
        self.write("manifest", "lines", format!("{empty}  a\n").as_bytes())?;
        self.write("csv", "quoted", b"id,kind,tenant\n\"a,1\",app,\"t \"\"1\"\"\"\na-2,app,\n")?;
        self.write(
            "ndjson",
            "rows",
            b"{\"id\":\"a-1\",\"kind\":\"app\",\"tenant\":\"t-1\"}\n{\"id\":\"a-2\",\"dependents\":[\"b\"]}\n",
        )?;
        let review = r#"{"a":"1","b":"test","c":"camp","d":"text","e":"f00","f":[1,{"x":"\\\""}]}"#;
        self.write("sdk_index", "review", review.as_bytes())
    }

    /// Lists and inventories in columns.
    fn columns(&self) -> Result<()> {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|row| format!("app-{row}"))));
        let kinds: ArrayRef = Arc::new(StringArray::from(vec!["app"; 100]));
        let tenants: ArrayRef =
            Arc::new(StringArray::from_iter((0..100).map(|row| (row % 7 > 0).then(|| format!("t-{}", row % 9)))));
        let holds: ArrayRef = Arc::new(BooleanArray::from_iter((0..100).map(|row| Some(row % 50 == 0))));
        let sizes: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let list = RecordBatch::try_from_iter([
            ("id", ids.clone()),
            ("kind", kinds.clone()),
            ("tenant", tenants.clone()),
            ("x_size", sizes),
        ])?;
        let inventory =
            RecordBatch::try_from_iter([("id", ids), ("kind", kinds), ("tenant", tenants), ("legal_hold", holds)])?;
        let compressions = [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(Default::default())];
        for (number, compression) in compressions.into_iter().enumerate() {
            for (batch, target, prefix) in [(&list, "parquet", &[][..]), (&inventory, "inventory", &[2][..])] {
                let properties =
                    WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(40));
                let mut writer = ArrowWriter::try_new(prefix.to_vec(), batch.schema(), Some(properties.build()))?;
                writer.write(batch)?;
                self.write(target, &format!("parquet-{number}"), &writer.into_inner()?)?;
            }
        }
        for (batch, target, prefix) in [(&list, "arrow", &[][..]), (&inventory, "inventory", &[3][..])] {
            let mut file = FileWriter::try_new(prefix.to_vec(), &batch.schema())?;
            file.write(batch)?;
            self.write(target, "arrow-file", &file.into_inner()?)?;
            let mut stream = StreamWriter::try_new(prefix.to_vec(), &batch.schema())?;
            stream.write(batch)?;
            self.write(target, "arrow-stream", &stream.into_inner()?)?;
        }
        self.write("inventory", "ndjson", b"\x01{\"id\":\"app-1\",\"kind\":\"app\",\"tenant\":\"t\"}\n")?;
        let path = self.temporary.path().join("inventory.sqlite");
        rusqlite::Connection::open(&path)?.execute_batch(
            "CREATE TABLE inventory (id TEXT PRIMARY KEY, kind TEXT, tenant TEXT); INSERT INTO inventory VALUES ('app-1', 'app', 't-1')",
        )?;
        self.write("inventory", "sqlite", &[&[4], &fs::read(path)?[..]].concat())
    }

    /// Policies that do nothing, as core modules and as a component.
    fn modules(&self) -> Result<()> {
        for name in ["passes", "denies", "imports", "bad_schema"] {
            self.write("component", name, guest(name))?;
        }
        self.write("component", "wrapped", &reprieve_build::wrap("passes", guest("passes"))?)
    }

    fn tokens(&self) -> Result<()> {
        let permit = r#"{"jti":"f00","sub":"a/1","iat":1772452800,"exp":1772456400,"entry":1,"mode":"soft","environment":"test","targets":1,"tenants":1,"request_sha256":"f00","targets_sha256":"f00","policy_set_sha256":"f00"}"#;
        let terms = r#"{"jti":"f00","iat":1772452800,"exp":1772456400,"codes":["mode/no-window"],"request_sha256":"f00","targets_sha256":"f00","mode":"soft","environment":"test","reason":"a test"}"#;
        for (target, kind, claims) in
            [("permit", "reprieve-permit+jwt", permit), ("override", "reprieve-override+jwt", terms)]
        {
            self.write(target, "claims", claims.as_bytes())?;
            let header = format!(r#"{{"typ":"{kind}","alg":"EdDSA","kid":"ann"}}"#);
            self.write(target, "header-and-claims", format!("{header}\n{claims}").as_bytes())?;
        }
        let key = Key::generate("ann")?;
        let mut keys = KeySet::default();
        keys.add(&key)?;
        self.write("keys", "set", keys.to_json().as_bytes())?;
        let private = self.temporary.path().join("private.json");
        key.write(&private)?;
        self.write("keys", "private", &fs::read(private)?)
    }

    fn sets(&self, presets: &Path) -> Result<()> {
        for preset in fs::read_dir(presets)? {
            let path = preset?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.write("policy_set", &name, &fs::read(&path)?)?;
        }
        let set = b"[[policy]]\nuse = \"builtin:mode\"\nenforce = true\nwhen = { environment = \"production\" }\n";
        self.write("policy_set", "small", set)
    }

    /// The bodies of a ledger's entries.
    fn ledger(&self) -> Result<()> {
        let path = self.temporary.path().join("ledger.db");
        let ledger = SqlLedger::create_sqlite(&path)?;
        let set = PolicySet::of(vec![PolicyEntry::builtin("mode")]);
        let gate = Gate::builder().policies(set, None).ledger(ledger.clone()).build()?;
        let request = br#"{"id":"a/1","mode":"soft","environment":"test","target_kind":"app","targets":[{"id":"a-1","kind":"app","tenant":"t"}]}"#;
        let folder = Folder::open(self.temporary.path())?;
        let batch = Batch::read(&request[..], "request.json", &folder)?;
        if let Decision::Allow(permit) = gate.vet(batch) {
            permit.commit(&Outcome::succeeded(1))?;
        }
        ledger.halt("a test", "ann")?;
        ledger.resume(None, "it is over", "ann")?;
        let database = rusqlite::Connection::open(&path)?;
        let mut entries = database.prepare("SELECT entry, kind, body FROM entries")?;
        let mut rows = entries.query([])?;
        while let Some(row) = rows.next()? {
            let (entry, kind, body): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let number = ["decision", "closed", "used", "halted", "resumed"].iter().position(|known| *known == kind);
            let number = u8::try_from(number.ok_or("an unknown kind of entry")?)?;
            self.write("ledger_entry", &format!("{entry}-{kind}"), &[&[number], body.as_bytes()].concat())?;
        }
        Ok(())
    }
}
