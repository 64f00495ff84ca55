//! `runtime:` as typed settings.

use std::path::Path;

use super::export::resolve_export;
use super::reader::{SET, SettingsReader};
use super::telemetry::resolve_telemetry;
use super::web_origins::web_origins;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::runtime::{
    AppWatchSettings, FailureNotice, GrpcSettings, HttpSettings, ListenAddress, LogFormat,
    LogSettings, LogStoreSettings, RegistrationMode, RestartStrategy, RuntimeSettings,
    SupervisionGroup, TerminalSettings, TlsSettings,
};
use crate::setting::{Origin, Setting, SettingTree};

/// The settings of the app.
pub(crate) fn runtime(
    tree: &SettingTree,
    root: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> RuntimeSettings {
    let settings = SettingsReader {
        tree,
        section: "runtime",
    };
    let listen = settings.leaf("grpc.listen").expect(SET);
    let (host, port) = settings.address("grpc.listen").expect(SET);
    let tls = tls(&settings, root, diagnostics);
    let groups = tree.entries("groups").map(|(name, group)| {
        let group = SettingsReader {
            tree: group,
            section: "group",
        };
        let strategy = match group.string("strategy") {
            Some("rest_for_one") => RestartStrategy::RestForOne,
            Some("one_for_all") => RestartStrategy::OneForAll,
            _ => RestartStrategy::OneForOne,
        };
        (
            name.clone(),
            SupervisionGroup {
                strategy,
                domains: group.string_list("domains"),
            },
        )
    });
    RuntimeSettings {
        domains: settings.string_list("domains"),
        grpc: GrpcSettings {
            listen: ListenAddress {
                host,
                port,
                explicit: listen.origin != Origin::Default,
            },
            registration: match settings.string("grpc.registration") {
                Some("open") => RegistrationMode::Open,
                _ => RegistrationMode::Token,
            },
            call_timeout: settings.duration("grpc.call_timeout").expect(SET),
            call_queue: settings.size("grpc.call_queue").expect(SET),
            max_message: max_message(&settings, diagnostics),
            web_origins: web_origins(&settings, diagnostics),
            tls,
        },
        http: HttpSettings {
            listen: http_listen(&settings),
        },
        telemetry: resolve_telemetry(&settings, root, diagnostics),
        notify: match settings.leaf("notify").map(|leaf| &leaf.setting) {
            Some(Setting::Webhooks(webhooks)) => webhooks.clone(),
            _ => Vec::new(),
        },
        logs: LogSettings {
            level: settings.string("logs.level").expect(SET).to_owned(),
            format: match settings.string("logs.format") {
                Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                _ => LogFormat::Auto,
            },
            store: log_store(&settings),
            forward: resolve_export(&settings, diagnostics),
        },
        watch: AppWatchSettings {
            enabled: settings.bool("watch.enabled"),
            poll: settings.duration("watch.poll"),
            ignore: settings.string_list("watch.ignore"),
        },
        standby: settings.integer("standby"),
        env_override: settings.bool("env_override").expect(SET),
        typecheck: settings.bool("typecheck").expect(SET),
        cache_size: settings.size("cache_size").expect(SET),
        terminal: terminal(&settings),
        groups: groups.collect(),
    }
}

fn terminal(settings: &SettingsReader<'_>) -> TerminalSettings {
    TerminalSettings {
        keys: settings.bool("terminal.keys").expect(SET),
        title: settings.bool("terminal.title").expect(SET),
        notify: match settings.string("terminal.notify") {
            Some("bell") => FailureNotice::Bell,
            Some("osc9") => FailureNotice::Osc9,
            Some("osc777") => FailureNotice::Osc777,
            _ => FailureNotice::Off,
        },
    }
}

/// Where metrics and health endpoints are served; `off` is no address.
fn http_listen(settings: &SettingsReader<'_>) -> Option<ListenAddress> {
    let (host, port) = settings.address("http.listen")?;
    let origin = &settings.leaf("http.listen")?.origin;
    Some(ListenAddress {
        host,
        port,
        explicit: *origin != Origin::Default,
    })
}

fn log_store(settings: &SettingsReader<'_>) -> Option<LogStoreSettings> {
    let set = |key: &str| settings.bool(&format!("logs.store.{key}")).expect(SET);
    set("enabled").then(|| LogStoreSettings {
        file_size: settings.size("logs.store.file_size").expect(SET),
        files: settings.integer("logs.store.files").expect(SET) as usize,
        max_age: settings.duration("logs.store.max_age").expect(SET),
        total_size: settings.size("logs.store.total_size").expect(SET),
        compress: set("compress"),
    })
}

/// The limits of `runtime.grpc.max_message`: less than the least would cut registrations, and
/// `@fulcrum/domain` receives no more than the greatest.
const MAX_MESSAGE: std::ops::RangeInclusive<u64> = 64 * 1024..=64 * 1024 * 1024;

fn max_message(settings: &SettingsReader<'_>, diagnostics: &mut Vec<Diagnostic>) -> u64 {
    let size = settings.size("grpc.max_message").expect(SET);
    if !MAX_MESSAGE.contains(&size) {
        diagnostics.push(
            settings
                .diagnostic(
                    "grpc.max_message",
                    Code::OutOfRange,
                    "the size of a message must be from 64KiB to 64MiB",
                )
                .hint("send larger data as a file, and its path as a message"),
        );
    }
    size
}

fn tls(
    settings: &SettingsReader<'_>,
    root: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<TlsSettings> {
    let first = ["cert", "key", "client_ca"]
        .into_iter()
        .find(|name| settings.leaf(&format!("grpc.tls.{name}")).is_some())?;
    // An error rather than ignored, since an unencrypted connection would be unexpected.
    diagnostics.push(
        settings
            .diagnostic(&format!("grpc.tls.{first}"), Code::NotSupported, "TLS is not supported in this version")
            .hint("remove `runtime.grpc.tls`, and listen on the loopback behind a proxy that terminates TLS"),
    );
    Some(TlsSettings {
        cert: settings.path("grpc.tls.cert", root)?,
        key: settings.path("grpc.tls.key", root)?,
        client_ca: settings.path("grpc.tls.client_ca", root),
    })
}
