//! Lines as they are asked for: for people, for programs, or byte for byte.

use std::collections::HashMap;
use std::sync::Arc;

use fulcrum_logs::{Gap, Level, LineRenderer, LogLine, Source, Stream, Style, to_json};

use super::request::{Format, LogRequest};
use crate::exit::CliError;
use crate::output::Output;

/// As much is gathered before it is written, if more is there already.
const FLUSH_BYTES: usize = 64 * 1024;

/// Renders and writes lines.
pub(super) struct Printer {
    look: LineFormat,
    output: Output,
    buffer: Vec<u8>,
    previous: bool,
    generation: Option<u64>,
    all_domains: bool,
}

enum LineFormat {
    Text {
        terminal: LineRenderer,
        /// Whose last line was from which life, where Fulcrum's words between lives are left out.
        lives: Option<HashMap<Arc<str>, (u64, u64)>>,
    },
    Json,
    Raw {
        /// Who wrote last, and hasn't ended the line.
        open: Option<(Source, Stream)>,
    },
}

impl Printer {
    pub(super) fn new(request: &LogRequest, names: &[String], output: &Output) -> Self {
        let args = &request.args;
        let look = if args.output == Format::Json {
            LineFormat::Json
        } else if args.raw {
            LineFormat::Raw { open: None }
        } else {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let face = output.stdout();
            let told = args.stream.is_none_or(|stream| stream == Stream::Fulcrum)
                && args.grep.is_none()
                && args.level.is_none();
            LineFormat::Text {
                terminal: LineRenderer::new(Style {
                    color: face.color,
                    width: face.width,
                    names: &names,
                    timestamps: args.timestamps,
                    raw: false,
                }),
                lives: (!told).then(HashMap::new),
            }
        };
        Self {
            look,
            output: output.clone(),
            buffer: Vec::new(),
            previous: args.previous,
            generation: args.generation,
            all_domains: args.names.is_empty(),
        }
    }

    /// Whether the last life that is over is asked for, or one by its number.
    pub(super) fn generation_filter(&self) -> (bool, Option<u64>) {
        (self.previous, self.generation)
    }

    /// Whether all domains are asked for, and Fulcrum's own words.
    pub(super) fn wants_everybody(&self) -> bool {
        self.all_domains
    }

    /// A line from a run; 0 is the one that goes on.
    pub(super) fn line(&mut self, run: u64, line: &LogLine, out: &mut Vec<u8>) {
        match &mut self.look {
            LineFormat::Json => {
                out.extend_from_slice(to_json(line).as_bytes());
                out.push(b'\n');
            }
            LineFormat::Raw { .. } if line.stream == Stream::Fulcrum => {}
            LineFormat::Raw { open } => {
                let whose = (line.source.clone(), line.stream);
                // What one said last isn't glued to what another says.
                if open.take().is_some_and(|before| before != whose) {
                    out.push(b'\n');
                }
                out.extend_from_slice(&line.message);
                if line.partial {
                    *open = Some(whose);
                } else {
                    out.push(b'\n');
                }
            }
            LineFormat::Text { terminal, lives } => {
                if let Some(lives) = lives
                    && line.source.generation > 0
                {
                    let life = (run, line.source.generation);
                    let before = lives.insert(Arc::clone(&line.source.domain), life);
                    let begins = before.is_some_and(|(was_run, was)| {
                        // The run that goes on is met under its own number, too.
                        was != life.1 || (was_run != run && was_run != 0 && run != 0)
                    });
                    if begins {
                        terminal.render_into(&generation_separator(line), out);
                    }
                }
                terminal.render_into(line, out);
            }
        }
    }

    /// That lines are missing here.
    pub(super) fn gap(&mut self, missed: u64, out: &mut Vec<u8>) {
        match &mut self.look {
            LineFormat::Text { terminal, .. } => out.extend(terminal.render_gap(Gap { missed })),
            LineFormat::Json | LineFormat::Raw { .. } => {
                let text = format!("fulcrum: {missed} lines missed here: output came too fast");
                self.output.eprint(&text);
            }
        }
    }

    /// A line, to be written soon: the first at once, others when enough have gathered.
    pub(super) fn line_now(&mut self, run: u64, line: &LogLine) -> Result<(), CliError> {
        let mut gathered = std::mem::take(&mut self.buffer);
        self.line(run, line, &mut gathered);
        self.buffer = gathered;
        if self.buffer.len() >= FLUSH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what has gathered.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        self.output.data(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// What tells two lives apart where Fulcrum's words about them aren't shown.
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
        ..first.clone()
    }
}
