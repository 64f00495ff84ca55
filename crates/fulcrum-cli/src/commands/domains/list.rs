//! `fulcrum domains list`

use clap::ValueEnum;

use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;
use crate::output::{Columns, DomainJson, domain_table};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select domains by name or glob [default: all]
    #[arg(value_name = "NAME|GLOB")]
    names: Vec<String>,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    /// The table with ports, inspectors and all other columns
    Wide,
    Json,
    Yaml,
    /// The names only, one per line
    Name,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = context.connect().await?;
    let domains = client::domains(&client, &args.names).await?;
    let to_json =
        |domains: Vec<_>| -> Vec<_> { domains.into_iter().map(DomainJson::from).collect() };
    match args.output {
        Format::Json => output.json(&to_json(domains)),
        Format::Yaml => output.yaml(&to_json(domains)),
        Format::Name => {
            let names: String = domains
                .iter()
                .map(|domain| format!("{}\n", domain.name))
                .collect();
            output.data(names.as_bytes())
        }
        Format::Table | Format::Wide if domains.is_empty() => {
            output.progress("the app has no domains");
            Ok(())
        }
        Format::Table | Format::Wide => {
            let columns = match args.output {
                Format::Wide => Columns::All,
                _ => Columns::Usual,
            };
            let stdout = output.stdout();
            output.data(
                domain_table(&domains, columns)
                    .render(stdout.color, stdout.width)
                    .as_bytes(),
            )
        }
    }
}
