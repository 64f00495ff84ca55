//! Taking the pictures.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::app;
use super::shots::{COMMANDS, DEV, Shot, Step, TOP};
use super::svg::svg;
use super::terminal::Terminal;
use crate::command::CommandRunner;
use crate::{sample, workspace};

/// The sizes of the windows.
const SIZES: [(u16, u16); 2] = [(80, 24), (160, 48)];

/// Takes all pictures, or those whose names contain `filter`.
///
/// # Errors
/// A build or a command that fails, or a screen that does not come.
pub(crate) fn run(filter: Option<&str>) -> anyhow::Result<()> {
    let program = sample::build()?;
    let directory = workspace::root().join("docs").join("screens");
    fs::create_dir_all(&directory)?;
    let temporary = tempfile::tempdir()?;
    // The name of the directory is the name of the app.
    let root = temporary.path().join("shop");
    app::write(&root)?;
    let studio = Studio {
        program: program.display().to_string(),
        root: &root,
        sockets: temporary.path(),
        directory: &directory,
        filter,
    };
    for size in SIZES {
        studio.dev(size)?;
        studio.top(size)?;
    }
    Ok(())
}

struct Studio<'a> {
    program: String,
    root: &'a Path,
    sockets: &'a Path,
    directory: &'a Path,
    filter: Option<&'a str>,
}

impl Studio<'_> {
    /// `dev` in the foreground.
    fn dev(&self, size: (u16, u16)) -> anyhow::Result<()> {
        let terminal = Terminal::open(self.root, self.sockets, size)?;
        terminal.command(&format!("{} dev", self.program))?;
        let taken = DEV
            .iter()
            .try_for_each(|shot| self.take(&terminal, shot, size));
        // The app ends in any case.
        self.fulcrum(&["down"])?;
        taken
    }

    /// `top` of an instance in the background.
    fn top(&self, size: (u16, u16)) -> anyhow::Result<()> {
        self.fulcrum(&["dev", "--detach"])?;
        let taken = self.take_top(size);
        self.fulcrum(&["down"])?;
        taken
    }

    fn take_top(&self, size: (u16, u16)) -> anyhow::Result<()> {
        for (name, arguments, text) in COMMANDS {
            let terminal = Terminal::open(self.root, self.sockets, size)?;
            terminal.command(&format!("{} {arguments}", self.program))?;
            terminal.wait_for(text).context(*name)?;
            self.save(&terminal, name, size)?;
        }
        let terminal = Terminal::open(self.root, self.sockets, size)?;
        terminal.command(&format!("{} top", self.program))?;
        TOP.iter()
            .try_for_each(|shot| self.take(&terminal, shot, size))
    }

    fn take(&self, terminal: &Terminal, shot: &Shot, size: (u16, u16)) -> anyhow::Result<()> {
        for step in shot.steps {
            match step {
                Step::Keys(keys) => terminal.keys(keys)?,
                Step::Text(text) => terminal.text(text)?,
                Step::Wait(text) => terminal.wait_for(text).context(shot.name)?,
                Step::Run(seconds) => thread::sleep(Duration::from_secs(*seconds)),
            }
        }
        // The last key is on the screen.
        thread::sleep(Duration::from_millis(300));
        self.save(terminal, shot.name, size)
    }

    /// Writes the screen into its files.
    fn save(&self, terminal: &Terminal, name: &str, size: (u16, u16)) -> anyhow::Result<()> {
        if self.filter.is_some_and(|filter| !name.contains(filter)) {
            return Ok(());
        }
        let (columns, rows) = size;
        let name = format!("{name}-{columns}x{rows}");
        let colored = self.relative(&terminal.capture(true)?);
        let plain = self.relative(&terminal.capture(false)?);
        fs::write(self.directory.join(format!("{name}.txt")), &plain)?;
        fs::write(self.directory.join(format!("{name}.ansi")), &colored)?;
        fs::write(
            self.directory.join(format!("{name}.svg")),
            svg(&colored, size),
        )?;
        println!("{name}");
        Ok(())
    }

    /// Without the paths of this machine.
    fn relative(&self, text: &str) -> String {
        let text = text
            .replace(&self.root.display().to_string(), "/srv/shop")
            .replace(&self.program, "fulcrum");
        match std::env::var("HOME") {
            Ok(home) if home.len() > 1 => text.replace(&format!("{home}/"), "~/"),
            _ => text,
        }
    }

    fn fulcrum(&self, arguments: &[&str]) -> anyhow::Result<()> {
        CommandRunner::new(&self.program, self.root)
            .args(arguments)
            .stdout()
            .map(drop)
    }
}
