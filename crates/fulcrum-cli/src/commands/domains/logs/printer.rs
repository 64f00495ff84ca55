//! Renders log lines as text, JSON or raw bytes.

use std::collections::HashMap;
use std::sync::Arc;

use fulcrum_logs::store::{GenerationFilter, StoreGap};
use fulcrum_logs::{
    Gap, Level, LineRenderer, LogLine, Source, Stream, Style, gap_to_json, to_json_into,
};
use fulcrum_runtime::format::pluralize;

use super::request::{Format, LogRequest};
use crate::exit::CliError;
use crate::output::Output;

/// How many bytes are buffered before a write.
const FLUSH_BYTES: usize = 64 * 1024;

/// Renders and writes lines.
pub(super) struct Printer {
    format: LineFormat,
    output: Output,
    buffer: Vec<u8>,
    hides_debug: bool,
    previous: bool,
    current: bool,
    generation: Option<u64>,
    all_domains: bool,
}

enum LineFormat {
    Text {
        terminal: LineRenderer,
        /// The run and generation of each domain's last line, to separate generations where the
        /// messages of Fulcrum are filtered out; else none.
        last_generations: Option<HashMap<Arc<str>, (u64, u64)>>,
    },
    Json,
    Raw {
        /// The origin of a last line without its end.
        open: Option<(Source, Stream)>,
    },
}

impl Printer {
    pub(super) fn new(request: &LogRequest, names: &[String], output: &Output) -> Self {
        let args = &request.args;
        let format = if args.output == Format::Json {
            LineFormat::Json
        } else if args.raw {
            LineFormat::Raw { open: None }
        } else {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let stdout = output.stdout();
            let has_messages = args.stream.is_none_or(|stream| stream == Stream::Fulcrum)
                && args.grep.is_none()
                && args.level.is_none();
            LineFormat::Text {
                terminal: LineRenderer::new(Style {
                    color: stdout.color,
                    width: stdout.width,
                    names: &names,
                    timestamps: args.timestamps,
                    raw: false,
                    links: None,
                }),
                last_generations: (!has_messages).then(HashMap::new),
            }
        };
        Self {
            format,
            output: output.clone(),
            buffer: Vec::new(),
            hides_debug: request.hides_debug(),
            previous: args.previous,
            current: args.current,
            generation: args.generation,
            all_domains: args.names.is_empty(),
        }
    }

    /// Which generation of each domain is requested; none is all of them. `running` is the running
    /// one.
    pub(super) fn generation_filter(&self, running: Option<u64>) -> Option<GenerationFilter> {
        match self.generation {
            Some(generation) => Some(GenerationFilter::Generation(generation)),
            None if self.previous => Some(GenerationFilter::Previous(running)),
            None => self.current.then_some(GenerationFilter::Latest),
        }
    }

    /// Whether all domains are requested, with the messages of Fulcrum.
    pub(super) fn all_domains(&self) -> bool {
        self.all_domains
    }

    /// Whether a line is printed at all.
    pub(super) fn shows(&self, line: &LogLine) -> bool {
        let is_debug = line.level.is_some_and(|level| level <= Level::Debug);
        !(self.hides_debug && line.stream == Stream::Fulcrum && is_debug)
    }

    /// Renders a line of a run; 0 is the current run.
    pub(super) fn line(&mut self, run: u64, line: &LogLine, out: &mut Vec<u8>) {
        if !self.shows(line) {
            return;
        }
        match &mut self.format {
            LineFormat::Json => {
                to_json_into(line, out);
                out.push(b'\n');
            }
            LineFormat::Raw { .. } if line.stream == Stream::Fulcrum => {}
            LineFormat::Raw { open } => {
                let origin = (line.source.clone(), line.stream);
                // Lines of different origins are not joined.
                if open.take().is_some_and(|last| last != origin) {
                    out.push(b'\n');
                }
                out.extend_from_slice(&line.message);
                if line.partial {
                    *open = Some(origin);
                } else {
                    out.push(b'\n');
                }
            }
            LineFormat::Text {
                terminal,
                last_generations,
            } => {
                let generation = line.source.generation;
                if let Some(last) = last_generations
                    && generation > 0
                {
                    let domain = Arc::clone(&line.source.domain);
                    let previous = last.insert(domain, (run, generation));
                    let is_new = previous.is_some_and(|(last_run, last_generation)| {
                        // Lines of the current run can also have its number.
                        last_generation != generation
                            || (last_run != run && last_run != 0 && run != 0)
                    });
                    if is_new {
                        terminal.render_into(&generation_separator(line), out);
                    }
                }
                terminal.render_into(line, out);
            }
        }
    }

    /// Renders a gap in the lines.
    pub(super) fn gap(&mut self, missed: u64, out: &mut Vec<u8>) {
        match &mut self.format {
            LineFormat::Text { terminal, .. } => out.extend(terminal.render_gap(Gap { missed })),
            LineFormat::Json | LineFormat::Raw { .. } => {
                let lines = pluralize(usize::try_from(missed).unwrap_or(usize::MAX), "line");
                let text = format!("fulcrum: {lines} dropped (output rate too high)");
                self.output.eprint(&text);
            }
        }
    }

    /// Renders a line into the buffer, and writes the buffer if it is full.
    pub(super) fn buffer_line(&mut self, run: u64, line: &LogLine) -> Result<(), CliError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.line(run, line, &mut buffer);
        self.buffer = buffer;
        if self.buffer.len() >= FLUSH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Renders lines that a damaged file has lost into the buffer. Raw bytes have none of Fulcrum's.
    pub(super) fn buffer_store_gap(&mut self, gap: &StoreGap) -> Result<(), CliError> {
        match &mut self.format {
            LineFormat::Text { terminal, .. } => {
                terminal.render_into(&gap.to_line(), &mut self.buffer);
            }
            LineFormat::Json => {
                self.buffer.extend_from_slice(gap_to_json(gap).as_bytes());
                self.buffer.push(b'\n');
            }
            LineFormat::Raw { .. } => {
                self.flush()?;
                self.output.eprint(&format!("fulcrum: {gap}"));
            }
        }
        Ok(())
    }

    /// Writes the buffer.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        self.output.data(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// The line between two generations where the messages of Fulcrum are filtered out.
fn generation_separator(first: &LogLine) -> LogLine {
    let text = format!(
        "generation {}, pid {}",
        first.source.generation, first.source.pid
    );
    LogLine {
        stream: Stream::Fulcrum,
        level: Some(Level::Debug),
        message: text.into_bytes().into(),
        partial: false,
        continues: false,
        message_trace: None,
        ..first.clone()
    }
}
