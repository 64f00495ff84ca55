//! Reused read buffers.
//!
//! The allocator gets new memory of this size from the kernel, page by page and zeroed, and returns
//! it. At high rates that costs more than reading the pipe.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Bytes of a pooled buffer: a full read and the unfinished line before it.
pub(crate) const BUFFER_SIZE: usize = 320 * 1024;

/// Unused buffers that are retained; more are freed.
const MAX_POOLED: usize = 8;

/// A pool of buffers. Clones are handles to the same pool.
#[derive(Debug, Clone, Default)]
pub(crate) struct BufferPool(Arc<Mutex<Vec<Vec<u8>>>>);

impl BufferPool {
    /// An empty buffer of [`BUFFER_SIZE`] bytes.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.free()
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(BUFFER_SIZE))
    }

    /// Takes back a buffer that [`BufferPool::take`] has returned; any other one is freed.
    pub(crate) fn put(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() < BUFFER_SIZE {
            return;
        }
        buffer.clear();
        let mut free = self.free();
        if free.len() < MAX_POOLED {
            free.push(buffer);
        }
    }

    /// The content of a buffer, which returns to the pool once the last reference is dropped.
    pub(crate) fn freeze(&self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(PooledBytes {
            buffer,
            pool: self.clone(),
        })
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct PooledBytes {
    buffer: Vec<u8>,
    pool: BufferPool,
}

impl AsRef<[u8]> for PooledBytes {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for PooledBytes {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_returns_when_its_last_reference_is_dropped() {
        let pool = BufferPool::default();
        let mut buffer = pool.take();
        buffer.extend_from_slice(b"one\ntwo\n");
        let memory = buffer.as_ptr();
        let text = pool.freeze(buffer);
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
