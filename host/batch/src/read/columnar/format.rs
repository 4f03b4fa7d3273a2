//! The columnar formats and their file extensions.

/// The format of a columnar file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnarFormat {
    Parquet,
    /// Arrow's file format, with a footer.
    ArrowFile,
    /// Arrow's stream format.
    ArrowStream,
}

impl ColumnarFormat {
    /// Returns the format of a file from its extension; `None` if it is not a columnar one.
    pub fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" => Some(Self::ArrowFile),
            "arrows" => Some(Self::ArrowStream),
            _ => None,
        }
    }
}

/// The extensions of columnar files, for messages.
pub(crate) const EXTENSIONS: &str = "; or in .parquet, .arrow, .feather or .arrows";
