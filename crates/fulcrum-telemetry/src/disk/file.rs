//! The file: a database of encoded requests by number.

use std::fmt;

use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, StorageError,
    TableDefinition, TableError, TableHandle, TransactionError,
};

use super::ledger::Ledger;
use super::queue::Entry;
use crate::export::Signal;

/// By its number, each request: a byte for its signal, and the encoded message of OTLP.
const ENTRIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("fulcrum telemetry 1");

/// Memory of the database for pages.
const CACHE: usize = 2 * 1024 * 1024;

/// A file may be larger than its entries by so much, besides twice their limit, before it is
/// compacted.
const SLACK: u64 = 4 * 1024 * 1024;

/// Why a file cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OpenError {
    /// It is damaged, or something else has written it.
    Foreign(String),
    /// It may be usable later.
    Unavailable(String),
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => {
                Self::Foreign(error.to_string())
            }
            DatabaseError::Storage(error) => error.into(),
            DatabaseError::DatabaseAlreadyOpen => {
                Self::Unavailable("another process has opened it".to_owned())
            }
            error => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        use std::io::ErrorKind::{InvalidData, UnexpectedEof};
        let is_damage = match &error {
            StorageError::Corrupted(_) => true,
            StorageError::Io(error) => matches!(error.kind(), InvalidData | UnexpectedEof),
            _ => false,
        };
        match is_damage {
            true => Self::Foreign(error.to_string()),
            false => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<TransactionError> for OpenError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            error => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<TableError> for OpenError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            error => Self::Foreign(error.to_string()),
        }
    }
}

/// How large the file is.
pub(super) type FileSize = Box<dyn Fn() -> u64 + Send>;

/// An open file.
pub(super) struct DiskFile {
    database: Database,
    ledger: Ledger,
    size: FileSize,
    max_size: u64,
}

impl fmt::Debug for DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskFile").finish_non_exhaustive()
    }
}

impl DiskFile {
    /// Opens a file, or begins an empty one, and passes its entries on, the oldest first.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(super) fn open(
        backend: impl StorageBackend,
        size: FileSize,
        limit: usize,
        restore: &mut dyn FnMut(Signal, &[u8]),
    ) -> Result<Self, OpenError> {
        let database = Database::builder()
            .set_cache_size(CACHE)
            // What was changed by others is an error then, and nothing is read that is not intact.
            .set_check_integrity_on_open(true)
            .create_with_backend(backend)?;
        let mut file = Self {
            database,
            ledger: Ledger::new(limit),
            size,
            max_size: 2 * limit as u64 + SLACK,
        };
        file.read(restore)?;
        Ok(file)
    }

    fn read(&mut self, restore: &mut dyn FnMut(Signal, &[u8])) -> Result<(), OpenError> {
        let transaction = self.database.begin_read()?;
        let mut others = transaction.list_tables()?;
        if others.any(|table| table.name() != ENTRIES.name()) {
            let text = "it has the tables of another program".to_owned();
            return Err(OpenError::Foreign(text));
        }
        let table = match transaction.open_table(ENTRIES) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for entry in table.iter()? {
            let (number, value) = entry?;
            let Some((signal, body)) = decode(value.value()) else {
                let text = format!("entry {} is of an unknown kind", number.value());
                return Err(OpenError::Foreign(text));
            };
            self.ledger.restore(number.value(), signal, body.len());
            restore(signal, body);
        }
        Ok(())
    }

    /// Adds entries, in one transaction that is on disk afterwards; the oldest ones make room. How
    /// many were added: one that alone is larger than there is room is not.
    ///
    /// # Errors
    /// Nothing was added. The file must be opened again before anything else.
    pub(super) fn append(&mut self, batch: &[Entry]) -> Result<u64, redb::Error> {
        let mut added = 0;
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(ENTRIES)?;
            for entry in batch {
                if let Some(number) = self.ledger.add(entry.signal, entry.body.len()) {
                    table.insert(number, &*encode(entry))?;
                    added += 1;
                }
            }
            for number in self.ledger.take_surplus() {
                table.remove(number)?;
            }
        }
        transaction.commit()?;
        if (self.size)() > self.max_size {
            self.database.compact()?;
        }
        Ok(added)
    }
}

fn encode(entry: &Entry) -> Vec<u8> {
    let signal = match entry.signal {
        Signal::Traces => 1,
        Signal::Metrics => 2,
        Signal::Logs => 3,
    };
    let mut value = Vec::with_capacity(entry.body.len() + 1);
    value.push(signal);
    value.extend_from_slice(&entry.body);
    value
}

fn decode(value: &[u8]) -> Option<(Signal, &[u8])> {
    let (signal, body) = value.split_first()?;
    let signal = match signal {
        1 => Signal::Traces,
        2 => Signal::Metrics,
        3 => Signal::Logs,
        _ => return None,
    };
    Some((signal, body))
}
