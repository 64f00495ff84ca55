//! `fulcrum domains profile`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use fulcrum_rpc::control::{ProfileRequest, ProfileResponse};
use fulcrum_telemetry::flame::FlameGraph;
use serde_json::json;

use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// How long CPU time is sampled by default.
const DEFAULT_CPU_TIME: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the domain
    #[arg(value_name = "NAME")]
    name: String,
    /// Sample CPU time for this long [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "heap")]
    cpu: Option<Duration>,
    /// Take a snapshot of the heap; the domain stands still meanwhile
    #[arg(long)]
    heap: bool,
    /// Draw the CPU profile as a flame graph, too
    #[arg(long, conflicts_with = "heap")]
    flame: bool,
    /// Write to this file instead of one in .fulcrum/profiles
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people
    Text,
    /// One JSON object
    Json,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let client = context.connect().await?;
    let time = args.cpu.unwrap_or(DEFAULT_CPU_TIME);
    if !args.heap && args.output == Format::Text {
        let time = humantime::format_duration(time);
        context
            .output
            .progress(&format!("sampling {} for {time}", args.name));
    }
    let request = ProfileRequest {
        domain: args.name.clone(),
        cpu_ms: match args.heap {
            true => 0,
            false => duration::to_millis(time).max(1),
        },
    };
    let response = client
        .profile(request)
        .await
        .map_err(client::control_error)?;
    let path = moved(&response, args.to.as_deref())?;
    let flame = match args.flame {
        true => Some(draw(&path, &args.name)?),
        false => None,
    };
    match args.output {
        Format::Json => context.output.json(&json!({
            "path": path, "bytes": response.bytes, "pid": response.pid, "flame": flame,
        })),
        Format::Text => {
            let text = describe(&path, response.bytes, flame.as_deref(), args.heap);
            context.output.data(text.as_bytes())
        }
    }
}

/// Where the profile is: moved, if another place was asked for.
fn moved(response: &ProfileResponse, to: Option<&Path>) -> Result<PathBuf, CliError> {
    let from = PathBuf::from(&response.path);
    let Some(to) = to else { return Ok(from) };
    // It may be on another disk.
    let moved = std::fs::rename(&from, to)
        .or_else(|_| std::fs::copy(&from, to).and_then(|_| std::fs::remove_file(&from)));
    match moved {
        Ok(()) => Ok(to.to_owned()),
        Err(error) => Err(CliError::new(
            ErrorCode::FileFailed,
            format!(
                "cannot write {}: {error}\n  hint: the profile is in {}",
                to.display(),
                from.display()
            ),
        )),
    }
}

/// Draws a CPU profile beside it. Returns the path of the picture.
fn draw(profile: &Path, domain: &str) -> Result<PathBuf, CliError> {
    let failed = |error: &dyn std::fmt::Display| {
        CliError::new(
            ErrorCode::FileFailed,
            format!("cannot draw {}: {error}", profile.display()),
        )
    };
    let text = std::fs::read_to_string(profile).map_err(|error| failed(&error))?;
    let graph = FlameGraph::from_cpu_profile(&text).map_err(|error| failed(&error))?;
    let picture = profile.with_extension("svg");
    std::fs::write(
        &picture,
        graph.to_svg(&format!("{domain}: CPU time by functions")),
    )
    .map_err(|error| failed(&error))?;
    Ok(picture)
}

/// Where the profile is, and how it is opened.
fn describe(path: &Path, bytes: u64, flame: Option<&Path>, heap: bool) -> String {
    let size = match bytes {
        bytes if bytes >= 1 << 20 => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        bytes => format!("{} KiB", bytes.div_ceil(1024)),
    };
    let opened_by = match heap {
        true => "open it in Chrome: DevTools, Memory, Load profile",
        false => "open it in VS Code, or in Chrome: DevTools, Performance, Load profile",
    };
    let mut text = format!("{} ({size})\n  {opened_by}\n", path.display());
    if let Some(flame) = flame {
        text.push_str(&format!("{}\n  open it in a browser\n", flame.display()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_says_where_the_files_are_and_how_to_open_them() {
        let path = Path::new("/a/users-1-7.cpuprofile");
        assert_eq!(
            describe(path, 3000, Some(Path::new("/a/users-1-7.svg")), false),
            "/a/users-1-7.cpuprofile (3 KiB)\n  \
             open it in VS Code, or in Chrome: DevTools, Performance, Load profile\n\
             /a/users-1-7.svg\n  open it in a browser\n"
        );
        assert_eq!(
            describe(Path::new("/a/x.heapsnapshot"), 5 << 20, None, true),
            "/a/x.heapsnapshot (5.0 MiB)\n  open it in Chrome: DevTools, Memory, Load profile\n"
        );
    }
}
