//! `fulcrum domains events`

use clap::ValueEnum;
use fulcrum_rpc::control::{Event, EventsRequest};

use super::{Context, stream};
use crate::client;
use crate::exit::Stop;
use crate::output::{EventShape, Paint};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Names or globs; without any, all
    #[arg(value_name = "NAME|GLOB")]
    names: Vec<String>,
    /// Go on with what happens from now on
    #[arg(short, long)]
    follow: bool,
    /// What to print
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A transition a line
    Table,
    /// One object a line
    Json,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), Stop> {
    let output = &context.output;
    let client = context.connect().await?;
    let request = EventsRequest {
        domains: args.names,
        follow: args.follow,
    };
    let events = client.events(request).await.map_err(client::refused)?;
    let colour = output.stdout().colour;
    let print = |event: Event, out: &mut Vec<u8>| {
        let shape = EventShape::from(event);
        let line = match args.output {
            Format::Table => line(&shape, colour),
            Format::Json => serde_json::to_string(&shape).expect("its keys are texts"),
        };
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    };
    stream::print(events, args.follow, output, print).await
}

fn line(event: &EventShape, colour: bool) -> String {
    let EventShape {
        time,
        domain,
        from,
        to,
        generation,
        reason,
        ..
    } = event;
    let time = Paint::Dim.apply(time.as_deref().unwrap_or("-"), colour);
    let text = format!("{domain}  {from} → {to}  #{generation}  {reason}");
    let mut safe = Vec::new();
    fulcrum_logs::sanitise(text.as_bytes(), false, &mut safe);
    format!("{time}  {}", String::from_utf8_lossy(&safe).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_is_one_harmless_line() {
        let event = Event {
            domain: "users".into(),
            from: "starting".into(),
            to: "backoff".into(),
            generation: 2,
            reason: "exit code 1\n\x1b[2J".into(),
            ..Event::default()
        };
        assert_eq!(
            line(&EventShape::from(event), false),
            "-  users  starting → backoff  #2  exit code 1␊␛[2J"
        );
    }
}
