//! A Parquet file: what its footer says, and readers of runs of its rows.

use super::chunks::batch_to_chunks;
use super::guard::pages::{GroupPlan, PlannedColumn, plan_group};
use super::guard::{nesting, row_counts};
use super::snapshot::Snapshot;
use super::wanted::WantedColumn;
use crate::columns::{Chunk, OriginRow};
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::basic::Type as PhysicalType;
use ::parquet::file::metadata::PageIndexPolicy;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, TimeUnit};
use std::sync::{Arc, OnceLock};

/// Opens a file. `is_dictionary` says which columns of strings are read as dictionaries.
pub(super) fn open_parquet(
    snapshot: &Snapshot,
    is_dictionary: impl Fn(&str) -> bool,
) -> Result<ArrowReaderMetadata, String> {
    nesting::check_nesting(snapshot)?;
    // The Arrow schema and the page index that a program adds to a file may contradict it, so both are ignored.
    let options =
        || ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Skip);
    let plain = ArrowReaderMetadata::load(snapshot, options()).map_err(|error| error.to_string())?;
    row_counts::check_footer(plain.metadata())?;
    let columns = plain.parquet_schema().root_schema().get_fields().iter();
    let fields = plain.schema().fields().iter().zip(columns).map(|(field, column)| {
        let kind = match field.data_type() {
            DataType::Utf8 if is_dictionary(field.name()) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            // Nanoseconds would overflow for times before 1678 and after 2262.
            DataType::Timestamp(_, _)
                if column.is_primitive() && column.get_physical_type() == PhysicalType::INT96 =>
            {
                DataType::Timestamp(TimeUnit::Second, None)
            }
            other => other.clone(),
        };
        Arc::new(field.as_ref().clone().with_data_type(kind))
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options().with_schema(Arc::new(schema)))
        .map_err(|error| error.to_string())
}

/// A run of rows of a row group.
#[derive(Clone, Copy)]
pub(super) struct RowRange {
    pub start: OriginRow,
    pub rows: usize,
}

/// The columns of a file that are read.
#[derive(Clone, Debug)]
pub(super) struct ParquetColumns {
    snapshot: Snapshot,
    metadata: ArrowReaderMetadata,
    columns: Arc<[PlannedColumn]>,
    /// How each row group is decoded.
    plans: Arc<[OnceLock<GroupPlan>]>,
}

impl ParquetColumns {
    /// The columns of these indices.
    pub fn new(snapshot: Snapshot, metadata: ArrowReaderMetadata, columns: impl IntoIterator<Item = usize>) -> Self {
        let is_dictionary =
            |index: usize| matches!(metadata.schema().field(index).data_type(), DataType::Dictionary(_, _));
        let columns = columns.into_iter();
        let columns = columns.map(|index| PlannedColumn { index, is_dictionary: is_dictionary(index) }).collect();
        let plans = (0..metadata.metadata().num_row_groups()).map(|_| OnceLock::new()).collect();
        Self { snapshot, metadata, columns, plans }
    }

    /// The number of row groups.
    pub fn groups(&self) -> usize {
        self.plans.len()
    }

    /// Returns how a row group is decoded.
    pub fn plan(&self, group: usize) -> Result<GroupPlan, String> {
        let plan = self.plans.get(group).ok_or_else(|| format!("there is no row group {group}"))?;
        if let Some(plan) = plan.get() {
            return Ok(*plan);
        }
        let found = plan_group(&self.snapshot, self.metadata.metadata(), group, &self.columns)?;
        Ok(*plan.get_or_init(|| found))
    }

    /// The number of rows of a row group.
    pub fn group_rows(&self, group: usize) -> usize {
        self.metadata.metadata().row_group(group).num_rows() as usize
    }

    /// Checks the row counts of the pages of a row group.
    pub fn check_group(&self, group: usize) -> Result<(), String> {
        let columns: Vec<usize> = self.columns.iter().map(|column| column.index).collect();
        row_counts::check_pages(&self.snapshot, self.metadata.metadata(), group, &columns)
    }

    /// Creates a reader of the batches of a range.
    pub fn reader(&self, RowRange { start, rows }: RowRange) -> Result<ParquetRecordBatchReader, String> {
        let columns = self.columns.iter().map(|column| column.index);
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns);
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.snapshot.clone(), self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(self.plan(start.part)?.batch_rows)
            .with_row_groups(vec![start.part])
            .with_offset(start.row)
            .with_limit(rows)
            .build()
            .map_err(|error| error.to_string())
    }
}

/// The targets in a file.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    pub columns: ParquetColumns,
    wanted: Vec<WantedColumn>,
}

impl Targets {
    /// The columns `wanted` of a file.
    pub fn new(snapshot: Snapshot, metadata: ArrowReaderMetadata, wanted: Vec<WantedColumn>) -> Self {
        let indices = wanted.iter().map(|wanted| wanted.index);
        Self { columns: ParquetColumns::new(snapshot, metadata, indices), wanted }
    }

    /// Turns a batch into chunks, whose rows are counted from its first one.
    pub fn chunks(&self, batch: &RecordBatch) -> Result<Vec<Chunk>, String> {
        batch_to_chunks(batch, &self.wanted)
    }
}
