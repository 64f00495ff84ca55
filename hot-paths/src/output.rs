//! Lines of a program: from its pipe to the store, and as text and JSON.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, SystemTime};

use anyhow::ensure;
use bytes::Bytes;
use fulcrum_logs::store::RetentionLimits;
use fulcrum_logs::{
    Chunk, Hub, HubConfig, LineBatch, LineRenderer, PumpCounters, Source, Store, Stream, Style,
    pump, to_json_into,
};
use tokio::io::{AsyncRead, ReadBuf};

/// Lines of a block, which is about the largest read.
const BLOCK_LINES: u32 = 2_500;

/// A pipe from which a program's lines are read: the same block again and again.
struct Lines {
    block: Bytes,
    at: usize,
    blocks: u32,
}

impl AsyncRead for Lines {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.at == self.block.len() && self.blocks > 0 {
            (self.at, self.blocks) = (0, self.blocks - 1);
        }
        let length = buffer.remaining().min(self.block.len() - self.at);
        buffer.put_slice(&self.block[self.at..self.at + length]);
        self.at += length;
        Poll::Ready(Ok(()))
    }
}

/// Stores `blocks` times 2,500 lines.
pub(super) async fn store(blocks: u32) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let limits = RetentionLimits {
        // Nothing is rotated: when that happens is up to the thread that writes.
        file_bytes: 1 << 30,
        total_bytes: 4 << 30,
        ..RetentionLimits::default()
    };
    let (store, _events) = Store::open(directory.path().to_owned(), limits)?;
    let hub = Hub::with_store(HubConfig::default(), &store);
    let block = block();
    let lines = Lines {
        at: block.len(),
        block,
        blocks,
    };
    let counters = PumpCounters::default();
    let stats = pump(lines, &hub, source(), Stream::Stdout, &counters).await?;
    ensure!(
        stats.lines == u64::from(blocks) * u64::from(BLOCK_LINES),
        "{} lines were read",
        stats.lines
    );
    ensure!(
        store.close(Duration::from_secs(600)),
        "the store was not written in time"
    );
    Ok(())
}

/// Renders `blocks` times 2,500 lines as `serve` prints them.
pub(super) fn text(blocks: u32) -> anyhow::Result<()> {
    let mut renderer = LineRenderer::new(Style::default());
    let chunk = chunk();
    let mut out = Vec::new();
    for _ in 0..blocks {
        out.clear();
        renderer.render_chunk_into(&chunk, &mut out);
    }
    ensure!(blocks == 0 || out.len() > chunk.lines.text.len(), "no text");
    Ok(())
}

/// The same as JSON.
pub(super) fn json(blocks: u32) -> anyhow::Result<()> {
    let chunk = chunk();
    let mut out = Vec::new();
    for _ in 0..blocks {
        out.clear();
        for line in chunk.lines() {
            to_json_into(&line, &mut out);
            out.push(b'\n');
        }
    }
    ensure!(blocks == 0 || out.len() > chunk.lines.text.len(), "no JSON");
    Ok(())
}

fn source() -> Source {
    Source {
        domain: Arc::from("users"),
        generation: 1,
        pid: 4242,
    }
}

fn chunk() -> Chunk {
    Chunk {
        first_seq: 1,
        time: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        source: source(),
        stream: Stream::Stdout,
        explicit_level: None,
        lines: LineBatch {
            text: block(),
            lines: BLOCK_LINES,
            continues: false,
            partial: false,
        },
    }
}

/// Lines of 100 bytes, as a logger of a web server writes them.
fn block() -> Bytes {
    let mut text = String::new();
    for number in 0..BLOCK_LINES {
        let line = format!(
            "2026-11-29T08:15:30.123Z INFO request {number} GET /users/{number} 200 in 3 ms"
        );
        text.push_str(&format!("{line:.<99}\n"));
    }
    Bytes::from(text)
}
