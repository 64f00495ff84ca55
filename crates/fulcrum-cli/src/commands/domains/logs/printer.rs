//! Lines as they are asked for: for people, for programs, or byte for byte.

use std::collections::HashMap;
use std::sync::Arc;

use fulcrum_logs::{Gap, Level, LogLine, Source, Stream, Style, Terminal, to_json};

use super::{Format, Wish};
use crate::exit::Stop;
use crate::output::Output;

/// As much is gathered before it is written, if more is there already.
const FULL: usize = 64 * 1024;

/// Renders and writes lines.
pub(super) struct Printer {
    look: Look,
    output: Output,
    gathered: Vec<u8>,
    previous: bool,
    generation: Option<u64>,
    everybody: bool,
}

enum Look {
    Text {
        terminal: Terminal,
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
    pub(super) fn new(wish: &Wish, names: &[String], output: &Output) -> Self {
        let args = &wish.args;
        let look = if args.output == Format::Json {
            Look::Json
        } else if args.raw {
            Look::Raw { open: None }
        } else {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let face = output.stdout();
            let told = args.stream.is_none_or(|stream| stream == Stream::Fulcrum)
                && args.grep.is_none()
                && args.level.is_none();
            Look::Text {
                terminal: Terminal::new(Style {
                    colour: face.colour,
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
            gathered: Vec::new(),
            previous: args.previous,
            generation: args.generation,
            everybody: args.names.is_empty(),
        }
    }

    /// Whether the last life that is over is asked for, or one by its number.
    pub(super) fn life(&self) -> (bool, Option<u64>) {
        (self.previous, self.generation)
    }

    /// Whether all domains are asked for, and Fulcrum's own words.
    pub(super) fn wants_everybody(&self) -> bool {
        self.everybody
    }

    /// A line from a run; 0 is the one that goes on.
    pub(super) fn line(&mut self, run: u64, line: &LogLine, out: &mut Vec<u8>) {
        match &mut self.look {
            Look::Json => {
                out.extend_from_slice(to_json(line).as_bytes());
                out.push(b'\n');
            }
            Look::Raw { .. } if line.stream == Stream::Fulcrum => {}
            Look::Raw { open } => {
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
            Look::Text { terminal, lives } => {
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
                        terminal.render_into(&boundary(line), out);
                    }
                }
                terminal.render_into(line, out);
            }
        }
    }

    /// That lines are missing here.
    pub(super) fn gap(&mut self, missed: u64, out: &mut Vec<u8>) {
        match &mut self.look {
            Look::Text { terminal, .. } => out.extend(terminal.render_gap(Gap { missed })),
            Look::Json | Look::Raw { .. } => {
                let text = format!("fulcrum: {missed} lines missed here: output came too fast");
                self.output.say(&text);
            }
        }
    }

    /// A line, to be written soon: the first at once, others when enough have gathered.
    pub(super) fn line_now(&mut self, run: u64, line: &LogLine) -> Result<(), Stop> {
        let mut gathered = std::mem::take(&mut self.gathered);
        self.line(run, line, &mut gathered);
        self.gathered = gathered;
        if self.gathered.len() >= FULL {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what has gathered.
    pub(super) fn flush(&mut self) -> Result<(), Stop> {
        self.output.data(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

/// What tells two lives apart where Fulcrum's words about them aren't shown.
fn boundary(first: &LogLine) -> LogLine {
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
