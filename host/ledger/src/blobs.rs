//! The bytes that entries refer to by their digest, compressed with Zstandard.

use crate::database::{Transaction, Value, damaged};
use crate::sql_ledger::SqlLedger;
use reprieve::ledger::{Blob, LedgerError};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{Read, Seek};
use tempfile::SpooledTempFile;
use zstd::stream::{Encoder, raw};
use zstd::zstd_safe::{CCtx, CParameter, ResetDirective};

/// The compression level: a low one, because blobs are compressed while the caller waits.
const COMPRESSION_LEVEL: i32 = 1;

/// The maximum size of a compressed blob that is held in memory.
const MAX_MEMORY_BYTES: usize = 1 << 20;

/// The number of digests that one query looks up.
const DIGESTS_PER_QUERY: usize = 16;

/// The maximum size of a decompressed blob, so that a damaged one cannot exhaust the memory.
const MAX_BLOB_BYTES: u64 = 16 << 30;

impl SqlLedger {
    /// Returns the bytes of a digest.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger does not have them, or if they were altered.
    pub fn blob(&self, sha256: &str) -> Result<Vec<u8>, LedgerError> {
        let rows = self.0.read()?.query("SELECT bytes FROM blobs WHERE sha256 = $1", &[sha256.into()])?;
        let row = rows
            .first()
            .ok_or_else(|| LedgerError::not_found(format!("the ledger has no blob with the digest `{sha256}`")))?;
        let bytes = decompress(row.bytes(0)?)
            .map_err(|error| damaged(format!("the blob {sha256} cannot be decompressed: {error}")))?;
        match hex::encode(Sha256::digest(&bytes)) {
            found if found == sha256 => Ok(bytes),
            found => Err(damaged(format!("the blob {sha256} has the digest {found}"))),
        }
    }

    /// Compresses the blobs that the ledger does not have yet.
    pub(crate) fn compress_missing<'b>(&self, blobs: &'b [Blob<'_>]) -> Result<Vec<Compressed<'b>>, LedgerError> {
        let mut transaction = self.0.read()?;
        let missing = missing(&mut *transaction, blobs)?;
        drop(transaction);
        let compress_blob = |blob: &'b Blob<'_>| {
            let compressed = Compressed::of(blob);
            compressed.map_err(|error| {
                LedgerError::unavailable(format!("the blob {} cannot be compressed: {error}", blob.sha256))
            })
        };
        missing.into_iter().map(compress_blob).collect()
    }
}

/// A compressed blob. A long one is in a temporary file without a name.
pub(crate) struct Compressed<'b> {
    pub sha256: &'b str,
    pub content: SpooledTempFile,
    /// The length of the content in bytes.
    pub length: u64,
}

thread_local! {
    /// Creating a context takes longer than compressing a small blob with it.
    static CONTEXT: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
}

impl<'b> Compressed<'b> {
    /// Compresses a blob while its bytes are written.
    fn of(blob: &'b Blob<'_>) -> std::io::Result<Self> {
        let mut content = CONTEXT.with_borrow_mut(|context| {
            // The blob before may have been left unfinished. Resetting fails only while a frame is open, and this ends it.
            let _ = context.reset(ResetDirective::SessionAndParameters);
            let mut encoder = raw::Encoder::with_context(context);
            encoder.set_parameter(CParameter::CompressionLevel(COMPRESSION_LEVEL))?;
            // So the tables are no larger than the blob needs. If it has another length, it is not stored.
            encoder.set_pledged_src_size(Some(blob.length))?;
            let mut encoder = Encoder::with_encoder(SpooledTempFile::new(MAX_MEMORY_BYTES), encoder);
            blob.content.write_to(&mut encoder)?;
            encoder.finish()
        })?;
        let length = content.stream_position()?;
        content.rewind()?;
        Ok(Self { sha256: &blob.sha256, content, length })
    }
}

/// Returns the blobs that the ledger does not have yet.
fn missing<'a, 'b>(
    transaction: &mut dyn Transaction,
    blobs: &'b [Blob<'a>],
) -> Result<Vec<&'b Blob<'a>>, LedgerError> {
    let mut found = HashSet::new();
    for some in blobs.chunks(DIGESTS_PER_QUERY) {
        // The statement is the same for any number of digests: the last one is asked for again.
        let digests = some.iter().chain(std::iter::repeat(&some[some.len() - 1])).take(DIGESTS_PER_QUERY);
        let digests: Vec<Value> = digests.map(|blob| Value::from(blob.sha256.as_str())).collect();
        let rows = transaction.query(
            "SELECT sha256 FROM blobs WHERE sha256 IN \
             ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            &digests,
        )?;
        for row in &rows {
            found.insert(row.text(0)?.to_owned());
        }
    }
    Ok(blobs.iter().filter(|blob| !found.contains(&blob.sha256)).collect())
}

pub(crate) fn decompress(compressed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zstd::stream::Decoder::new(compressed)?.take(MAX_BLOB_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
