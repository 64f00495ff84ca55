//! Facts about the app: its instance, logs, SDK and files.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use fulcrum_config::{App, Program, Severity};
use fulcrum_logs::store::{StoreQuery, StoreReader, Stored};
use fulcrum_spawn::prepare::Sdk;
use fulcrum_spawn::process::find_stale_run;
use fulcrum_watch::{file_system_name, polling_hint};
use serde_json::Value;

use super::request::Request;
use super::{domains, files};
use crate::facts::{AppFacts, Holder, InstanceFacts, LogFacts, PortFacts, SdkCopy, SizeFacts};

/// So many lines are read to find damaged files; a larger store is checked in part.
const MAX_LINES: usize = 2_000_000;

pub(super) fn app(root: &Path, request: &Request<'_>) -> AppFacts {
    let of = |severity| {
        let found = request.diagnostics.iter();
        let found = found.filter(move |one| one.severity == severity);
        found.map(|one| one.to_string().replace('\n', "")).collect()
    };
    let instance = instance(request);
    let pid = instance.pid;
    let app = request.app;
    let entries = app.iter().flat_map(|app| &app.domains);
    let entries = entries.filter_map(|domain| match &domain.program {
        Program::Node { entry } => Some(entry.as_path()),
        _ => None,
    });
    AppFacts {
        root: root.to_path_buf(),
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        domains: app.map_or_else(Vec::new, |app| domains::domains(app, pid, request)),
        port: app.map(|app| port(app, pid)),
        logs: app.and_then(|app| logs(app, pid.is_some(), request)),
        sdk: sdk(root, app),
        denied: files::denied(root, entries),
        directories: files::watched_directories(root),
        file_system: file_system_name(root),
        polling_hint: polling_hint(root),
        polls: app.is_some_and(|app| app.runtime.watch.poll.is_some()),
        instance,
    }
}

fn instance(request: &Request<'_>) -> InstanceFacts {
    let holder = request.runtime_dir.and_then(|dir| dir.holder().ok()?);
    let pid = holder.flatten().map(|holder| holder.pid);
    let record = request.runtime_dir.map(|dir| {
        let lock = dir.lock_path();
        lock.parent().unwrap_or(lock).join("record")
    });
    let stale = match pid {
        Some(_) => None,
        None => record.and_then(|record| find_stale_run(&record)),
    };
    InstanceFacts {
        pid,
        connect_error: request.connect_error.clone(),
        has_stale_record: stale.is_some(),
        stale: stale
            .unwrap_or_default()
            .into_iter()
            .map(|(pid, command)| Holder {
                pid,
                command,
                is_own: false,
            })
            .collect(),
    }
}

fn port(app: &App, instance: Option<u32>) -> PortFacts {
    let listen = &app.runtime.grpc.listen;
    let host = listen
        .host
        .parse()
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let address = SocketAddr::new(host, listen.port);
    PortFacts {
        address: listen.to_string(),
        is_explicit: listen.explicit,
        holder: (listen.port != 0)
            .then(|| domains::holder_of(address, instance))
            .flatten(),
    }
}

fn logs(app: &App, has_writer: bool, request: &Request<'_>) -> Option<LogFacts> {
    let settings = app.runtime.logs.store.as_ref()?;
    let dir = request.logs.clone()?;
    Some(LogFacts {
        size: SizeFacts {
            bytes: files::size(&dir),
            limit: settings.total_size,
            warning: None,
            dir: dir.clone(),
        },
        damaged: damaged(&dir, has_writer),
    })
}

/// The damaged files of a store, each once.
fn damaged(dir: &Path, has_writer: bool) -> Vec<String> {
    let Ok(reader) = StoreReader::open(dir) else {
        return Vec::new();
    };
    let query = StoreQuery {
        has_writer,
        ..StoreQuery::default()
    };
    let stored = reader.read_with_gaps(&query).take(MAX_LINES);
    let gaps = stored.filter_map(|stored| match stored {
        Stored::Gap(gap) => Some(format!("{}: {}", gap.file.display(), gap.reason)),
        Stored::Line(_) => None,
    });
    gaps.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The copies of `@fulcrum/domain` that domains may load.
fn sdk(root: &Path, app: Option<&App>) -> Vec<SdkCopy> {
    let domains = app.iter().flat_map(|app| &app.domains);
    let mut dirs: BTreeSet<PathBuf> = domains.map(|domain| domain.dir.clone()).collect();
    dirs.insert(root.to_path_buf());
    let current = Sdk::embedded();
    let copy = |dir: &PathBuf| {
        let package = dir.join("node_modules/@fulcrum/domain");
        let manifest = fs::read(package.join("package.json")).ok()?;
        let manifest: Value = serde_json::from_slice(&manifest).ok()?;
        let marker = Sdk::marker(&manifest);
        let version = manifest.get("version").and_then(Value::as_str);
        let version = version.unwrap_or("unknown").to_owned();
        Some(SdkCopy {
            dir: package.strip_prefix(root).unwrap_or(&package).to_path_buf(),
            is_managed: marker.is_some(),
            is_current: match marker {
                Some(hash) => hash == current.hash(),
                None => version == Sdk::VERSION,
            },
            version,
        })
    };
    dirs.iter().filter_map(copy).collect()
}
