//! The modes of the terminal, and the way back from them.
//!
//! Keys arrive one by one and without echo, while Ctrl-C stays a signal. Ctrl-Z arrives as a key, so
//! that the terminal is as before when the shell gets it.
//!
//! The state is global, since the terminal of a process is: a panic anywhere, and an exit that skips
//! destructors, have to restore it.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpgrp, kill_current_process_group};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr,
    tcgetpgrp, tcsetattr,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// How long a terminal that takes no output is waited for when it is restored.
const WRITE_LIMIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// How long a process may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// The value of a special character that does not exist.
const DISABLED: u8 = 0;

/// What is switched on besides keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    /// The screen of full-screen programs, without a cursor. Pasted text is marked.
    pub full_screen: bool,
    /// Reports of the mouse.
    pub mouse: bool,
    /// Reports of the focus.
    pub focus: bool,
    /// The window's title is saved, to be restored at the end.
    pub title: bool,
}

struct State {
    /// The terminal's settings before.
    original: Termios,
    modes: Modes,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// Restores the terminal when it is dropped.
#[derive(Debug)]
pub struct ModeGuard(());

impl Drop for ModeGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether standard input and standard output are a terminal.
pub fn is_interactive() -> bool {
    isatty(io::stdin()) && isatty(io::stdout())
}

/// Whether this process may read from the terminal and change it: it is not in the background.
pub fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// Switches the terminal to these modes, from its original state or from others.
///
/// # Errors
/// Standard input is no terminal, or it is gone.
pub fn enter(modes: Modes) -> io::Result<ModeGuard> {
    let mut state = lock();
    let (original, undo) = match state.take() {
        Some(state) => (state.original, leave_sequence(state.modes)),
        None => (tcgetattr(io::stdin())?, String::new()),
    };
    let mut settings = original.clone();
    settings.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN;
    settings.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
    settings.special_codes[SpecialCodeIndex::VMIN] = 1;
    settings.special_codes[SpecialCodeIndex::VTIME] = 0;
    if modes.full_screen {
        settings.input_modes -= InputModes::IXON | InputModes::ICRNL;
    }
    tcsetattr(io::stdin(), OptionalActions::Now, &settings)?;
    *state = Some(State { original, modes });
    drop(state);
    write_sequence(&(undo + &enter_sequence(modes)));
    Ok(ModeGuard(()))
}

/// Restores the terminal, if it was changed.
pub fn restore() {
    let Some(State { original, modes }) = lock().take() else {
        return;
    };
    write_sequence(&leave_sequence(modes));
    // What the mouse still reports is no input of the shell.
    let action = match modes.mouse {
        true => OptionalActions::Flush,
        false => OptionalActions::Now,
    };
    // In the background, the terminal is another job's, and to change it stops this process.
    if is_foreground() {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(io::stdin(), action, &original);
    }
}

/// Stops the job as Ctrl-Z does, with a restored terminal. Returns when it is continued, or after a
/// second where nobody could continue it, so that the system does not stop it.
///
/// # Errors
/// SIGCONT cannot be caught; the job was not stopped then.
pub async fn suspend() -> io::Result<()> {
    let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    restore();
    kill_current_process_group(Signal::TSTP)?;
    // The threads of a process stop one after the other: this one may run on for a moment, in which
    // the terminal still seems to be that of this job.
    let _ = timeout(STOP_LIMIT, continued.recv()).await;
    Ok(())
}

fn enter_sequence(modes: Modes) -> String {
    let mut sequence = String::new();
    let mut add = |wanted, text| {
        if wanted {
            sequence.push_str(text);
        }
    };
    add(modes.title, "\x1b[22;2t");
    add(modes.full_screen, "\x1b[?1049h\x1b[?25l\x1b[?2004h");
    add(modes.mouse, "\x1b[?1000h\x1b[?1006h");
    add(modes.focus, "\x1b[?1004h");
    sequence
}

fn leave_sequence(modes: Modes) -> String {
    let mut sequence = String::new();
    let mut add = |wanted, text| {
        if wanted {
            sequence.push_str(text);
        }
    };
    add(modes.focus, "\x1b[?1004l");
    add(modes.mouse, "\x1b[?1006l\x1b[?1000l");
    add(modes.full_screen, "\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l");
    add(modes.title, "\x1b[23;2t");
    sequence
}

/// Writes to the terminal, unless it takes nothing for a while.
fn write_sequence(sequence: &str) {
    let stdout = io::stdout();
    let mut rest = sequence.as_bytes();
    while !rest.is_empty() {
        let mut ready = [PollFd::new(&stdout, PollFlags::OUT)];
        if !poll(&mut ready, Some(&WRITE_LIMIT)).is_ok_and(|ready| ready > 0) {
            return;
        }
        match rustix::io::write(&stdout, rest) {
            Ok(written) => rest = &rest[written..],
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

fn lock() -> MutexGuard<'static, Option<State>> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_switched_on_is_switched_off() {
        let modes = Modes {
            full_screen: true,
            mouse: true,
            focus: true,
            title: true,
        };
        let (on, off) = (enter_sequence(modes), leave_sequence(modes));
        for mode in on.split("\x1b[?").skip(1) {
            let number = mode.trim_end_matches(['h', 'l']);
            let opposite = match mode.ends_with('h') {
                true => format!("\x1b[?{number}l"),
                false => format!("\x1b[?{number}h"),
            };
            assert!(off.contains(&opposite), "{opposite:?} not in {off:?}");
        }
        assert!(off.ends_with("\x1b[23;2t"));
        assert_eq!(enter_sequence(Modes::default()), "");
        assert_eq!(leave_sequence(Modes::default()), "");
    }
}
