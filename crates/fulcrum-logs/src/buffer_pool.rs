//! Memory that a flood is read into, used again.
//!
//! Fresh memory in pieces of this size comes from the kernel, page by page and zeroed, and goes back
//! to it; in a flood that costs more than the reading itself.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// What a pooled piece holds: a full read and the unfinished line before it.
pub(crate) const BUFFER_SIZE: usize = 320 * 1024;

/// So many are kept for the next flood; what a flood takes beyond is given back.
const MAX_POOLED: usize = 8;

/// Hands out pieces of memory, and takes them back. Clones are the same pool.
#[derive(Debug, Clone, Default)]
pub(crate) struct BufferPool(Arc<Mutex<Vec<Vec<u8>>>>);

impl BufferPool {
    /// An empty piece of [`PIECE`] bytes.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.free()
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(BUFFER_SIZE))
    }

    /// What was read into a piece, which comes back once nobody holds it any more.
    pub(crate) fn freeze(&self, piece: Vec<u8>) -> Bytes {
        Bytes::from_owner(PooledBytes {
            piece,
            pool: self.clone(),
        })
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct PooledBytes {
    piece: Vec<u8>,
    pool: BufferPool,
}

impl AsRef<[u8]> for PooledBytes {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

impl Drop for PooledBytes {
    fn drop(&mut self) {
        let mut piece = std::mem::take(&mut self.piece);
        piece.clear();
        let mut free = self.pool.free();
        if free.len() < MAX_POOLED && piece.capacity() >= BUFFER_SIZE {
            free.push(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_comes_back_when_its_last_reader_is_gone() {
        let pool = BufferPool::default();
        let mut piece = pool.take();
        piece.extend_from_slice(b"one\ntwo\n");
        let memory = piece.as_ptr();
        let text = pool.freeze(piece);
        let line = text.slice(4..7);
        drop(text);
        assert_eq!(line, "two");
        assert!(pool.free().is_empty());
        drop(line);
        let again = pool.take();
        assert_eq!((again.as_ptr(), again.len()), (memory, 0));
        let many: Vec<Bytes> = (0..2 * MAX_POOLED)
            .map(|_| pool.freeze(pool.take()))
            .collect();
        drop(many);
        assert_eq!(pool.free().len(), MAX_POOLED);
    }
}
