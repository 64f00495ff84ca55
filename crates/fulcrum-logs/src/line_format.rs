//! What a follower receives, as an instance prints it.

use crate::follower::{ChunkDelivery, Delivery, Follower, Gap};
use crate::json::to_json_into;
use crate::line::{Level, Stream};
use crate::renderer::LineRenderer;

/// The format of an instance's output.
#[derive(Debug)]
pub enum LineFormat {
    /// As [`LineRenderer`] renders it, without Fulcrum's debug messages: those are for readers of
    /// the logs.
    Text(LineRenderer),
    /// One JSON object a line.
    Json,
}

impl LineFormat {
    /// Waits for what comes next and appends it to `out`. False once nothing will come any more.
    pub async fn next_into(&mut self, follower: &mut Follower, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Text(renderer) => {
                let delivery = follower.next_chunk().await;
                render_text(renderer, delivery, out)
            }
            Self::Json => render_json(follower.next().await, out),
        }
    }

    /// Appends what waits already. False if nothing does.
    pub fn try_next_into(&mut self, follower: &mut Follower, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Text(renderer) => render_text(renderer, follower.try_next_chunk(), out),
            Self::Json => render_json(follower.try_next(), out),
        }
    }

    /// Appends one line or gap.
    pub fn line_into(&mut self, delivery: Delivery, out: &mut Vec<u8>) {
        match self {
            Self::Text(renderer) => {
                let delivery = match delivery {
                    Delivery::Line(line) => ChunkDelivery::Line(line),
                    Delivery::Gap(gap) => ChunkDelivery::Gap(gap),
                };
                render_text(renderer, Some(delivery), out);
            }
            Self::Json => drop(render_json(Some(delivery), out)),
        }
    }

    /// Appends a whole chunk, a line or a gap.
    pub fn chunk_into(&mut self, delivery: ChunkDelivery, out: &mut Vec<u8>) {
        match (self, delivery) {
            (Self::Text(renderer), delivery) => drop(render_text(renderer, Some(delivery), out)),
            (Self::Json, ChunkDelivery::Chunk(chunk)) => {
                for line in chunk.lines() {
                    render_json(Some(Delivery::Line(line)), out);
                }
            }
            (Self::Json, ChunkDelivery::Line(line)) => {
                render_json(Some(Delivery::Line(line)), out);
            }
            (Self::Json, ChunkDelivery::Gap(gap)) => {
                render_json(Some(Delivery::Gap(gap)), out);
            }
        }
    }
}

fn render_text(
    renderer: &mut LineRenderer,
    delivery: Option<ChunkDelivery>,
    out: &mut Vec<u8>,
) -> bool {
    let is_shown = |stream, level| stream != Stream::Fulcrum || level > Some(Level::Debug);
    match delivery {
        Some(ChunkDelivery::Chunk(chunk)) => {
            if is_shown(chunk.stream, chunk.explicit_level) {
                renderer.render_chunk_into(&chunk, out);
            }
        }
        Some(ChunkDelivery::Line(line)) => {
            if is_shown(line.stream, line.level) {
                renderer.render_into(&line, out);
            }
        }
        Some(ChunkDelivery::Gap(gap)) => out.extend(renderer.render_gap(gap)),
        None => return false,
    }
    true
}

fn render_json(delivery: Option<Delivery>, out: &mut Vec<u8>) -> bool {
    match delivery {
        Some(Delivery::Line(line)) => to_json_into(&line, out),
        Some(Delivery::Gap(Gap { missed })) => {
            out.extend_from_slice(format!("{{\"missed\":{missed}}}").as_bytes());
        }
        None => return false,
    }
    out.push(b'\n');
    true
}
