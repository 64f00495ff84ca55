//! Runs the domains of an app from another program: `cargo run -p fulcrum-runtime --example embed`.
//!
//! An argument is the directory of an app. Without one, an app with one JavaScript domain is
//! written to a temporary directory. Needs Node, and no network.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, io};

use fulcrum_config::{LoadOptions, Mode, load};
use fulcrum_logs::{Hub, HubConfig};
use fulcrum_rpc::{Listeners, serve_domains};
use fulcrum_runtime::{ProcessParts, Runtime, RuntimeParts};
use fulcrum_spawn::prepare::PrepareContext;
use tokio_util::sync::CancellationToken;

const DOMAIN: &str = "
import { DomainBase } from '@fulcrum/domain';

export default class Catalog extends DomainBase {
  async productIndexHandler() {
    return { success: true, products: ['tea', 'pot'] };
  }
}
";

#[tokio::main]
#[expect(clippy::disallowed_macros, reason = "an example prints what it does")]
async fn main() -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let argument = env::args_os().nth(1).map(PathBuf::from);
    let root = argument.map_or_else(|| write_app(scratch.path()), Ok)?;

    // The configuration, and the parts that open, bind or start something.
    let options = LoadOptions {
        app: Some(root.clone()),
        cwd: root,
        env: BTreeMap::new(),
        flags: Vec::new(),
        mode: Mode::Serve,
        auto_ports: None,
    };
    let loaded = load(&options);
    let app = loaded
        .app
        .ok_or_else(|| format!("{:?}", loaded.diagnostics))?;
    let hub = Hub::new(HubConfig::default());
    let listeners = Listeners::bind("127.0.0.1:0", false)?;
    let address = listeners.address();
    let prepare = PrepareContext::new(scratch.path().join("cache"), Vec::new());
    let processes = ProcessParts::start()?;
    let mut parts = RuntimeParts::new(app, options, hub, processes, prepare, address);
    parts.environment = env::vars_os().collect();

    // The engine, and the server at which its domains register.
    let runtime = Runtime::new(parts)?;
    let handle = runtime.handle();
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve_domains(listeners, runtime.registry(), stop.clone()));
    let running = tokio::spawn(runtime.run(None));

    handle.wait_until_ready().await?;
    for domain in handle.domains() {
        println!("{} is {} (pid {:?})", domain.name, domain.phase, domain.pid);
    }
    let (message, limit) = ("product_index_request", Duration::from_secs(5));
    println!("{}", handle.call("catalog", message, "{}", limit).await?);

    handle.shutdown();
    let exit = running.await?;
    stop.cancel();
    server.await??;
    exit.result?;
    println!("stopped; {} processes left", exit.survivors.len());
    Ok(())
}

fn write_app(scratch: &Path) -> io::Result<PathBuf> {
    let domain = scratch.join("app/domains/catalog");
    fs::create_dir_all(&domain)?;
    fs::write(domain.join("domain.mjs"), DOMAIN)?;
    fs::write(scratch.join("app/fulcrum.yml"), "")?;
    Ok(scratch.join("app"))
}
