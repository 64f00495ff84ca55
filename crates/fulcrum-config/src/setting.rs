//! A single checked setting and its origin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::diagnostic::Location;
use crate::node::Position;
use crate::process::{PortSetting, ProbeCheck, ProbeSettings};
use crate::runtime::{WebhookFormat, WebhookSettings};
use crate::units::{format_duration, format_size};

/// The origin of a setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// `defaults.yml`.
    Default,
    /// A configuration file.
    File {
        /// Its path, relative to the app root.
        file: PathBuf,
        /// Its directory, absolute; paths in the file are relative to it.
        dir: PathBuf,
        /// The position in the file.
        position: Position,
    },
    /// A `FULCRUM_…` variable.
    Variable(String),
    /// A flag, by its dotted path.
    Flag(String),
}

impl Origin {
    /// The location, if it is in a file.
    pub(crate) fn location(&self) -> Option<Location> {
        match self {
            Self::File { file, position, .. } => Some(crate::file::location(file, *position)),
            _ => None,
        }
    }

    /// The directory that paths are relative to.
    pub(crate) fn dir<'a>(&'a self, root: &'a Path) -> &'a Path {
        match self {
            Self::File { dir, .. } => dir,
            _ => root,
        }
    }

    /// The prefix of messages without a location: `variable FULCRUM_X: `.
    pub(crate) fn prefix(&self) -> String {
        match self {
            Self::Variable(name) => format!("variable {name}: "),
            Self::Flag(path) => format!("flag for {path}: "),
            Self::Default | Self::File { .. } => String::new(),
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, position, .. } => {
                write!(
                    f,
                    "{}:{}:{}",
                    file.display(),
                    position.line,
                    position.column
                )
            }
            Self::Variable(name) => write!(f, "env {name}"),
            Self::Flag(_) => f.write_str("flag"),
        }
    }
}

/// One item of `env_file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnvFileEntry {
    pub(crate) path: String,
    pub(crate) required: bool,
}

impl EnvFileEntry {
    fn to_json(&self) -> Value {
        match self.required {
            true => json!(self.path),
            false => json!({"path": self.path, "required": false}),
        }
    }
}

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    String(String),
    StringList(Vec<String>),
    EnvFiles(Vec<EnvFileEntry>),
    Bool(bool),
    Integer(i64),
    ExitCodes(Vec<i32>),
    Float(f64),
    Duration(Duration),
    Size(u64),
    Probe(ProbeSettings),
    Listen { host: String, port: u16 },
    Webhooks(Vec<WebhookSettings>),
    Port(PortSetting),
}

impl Setting {
    /// The value as it is written in a file.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::String(text) => json!(text),
            Self::StringList(items) => json!(items),
            Self::EnvFiles(files) => files.iter().map(EnvFileEntry::to_json).collect(),
            Self::Bool(on) => json!(on),
            Self::Integer(number) => json!(number),
            Self::ExitCodes(codes) => json!(codes),
            Self::Float(number) => json!(number),
            Self::Duration(duration) => json!(format_duration(*duration)),
            Self::Size(bytes) => json!(format_size(*bytes)),
            Self::Probe(probe) => probe_json(probe),
            Self::Listen { host, port } => json!(host_port(host, Some(*port))),
            Self::Webhooks(webhooks) => webhooks.iter().map(webhook_json).collect(),
            Self::Port(PortSetting::Auto) => json!("auto"),
            Self::Port(PortSetting::Fixed(port)) => json!(port),
        }
    }
}

fn host_port(host: &str, port: Option<u16>) -> String {
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

fn probe_json(probe: &ProbeSettings) -> Value {
    let (name, value) = match &probe.check {
        ProbeCheck::Registered => return json!("registered"),
        ProbeCheck::Started => return json!("started"),
        ProbeCheck::Http {
            port: None, path, ..
        } => ("http", json!(path)),
        ProbeCheck::Http { host, port, path } => (
            "http",
            json!(format!("http://{}{path}", host_port(host, *port))),
        ),
        ProbeCheck::Tcp { port: None, .. } => ("tcp", json!("port")),
        ProbeCheck::Tcp { host, port } => ("tcp", json!(host_port(host, *port))),
        ProbeCheck::Exec(command) => ("exec", json!(command)),
        ProbeCheck::Log(text) => ("log", json!(text)),
    };
    json!({
        name: value,
        "interval": format_duration(probe.interval),
        "timeout": format_duration(probe.timeout),
        "failures": probe.failures,
        "successes": probe.successes,
    })
}

fn webhook_json(webhook: &WebhookSettings) -> Value {
    let on: Vec<&str> = webhook.on.iter().map(|event| event.as_str()).collect();
    let format = match webhook.format {
        WebhookFormat::Json => "json",
        WebhookFormat::Slack => "slack",
    };
    let mut json = json!({ "webhook": webhook.url, "on": on, "format": format });
    if let Some(secret) = &webhook.secret {
        json["secret"] = json!(secret);
    }
    json
}

/// A setting and its origin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SettingWithOrigin {
    pub(crate) setting: Setting,
    pub(crate) origin: Origin,
}

/// The settings after merging, by key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SettingTree {
    Map(BTreeMap<String, SettingTree>),
    Leaf(SettingWithOrigin),
}

impl SettingTree {
    /// The value at a dotted path.
    pub(crate) fn find(&self, path: &str) -> Option<&SettingTree> {
        path.split('.').try_fold(self, |tree, name| match tree {
            SettingTree::Map(entries) => entries.get(name),
            SettingTree::Leaf(_) => None,
        })
    }

    /// The setting at a dotted path.
    pub(crate) fn leaf(&self, path: &str) -> Option<&SettingWithOrigin> {
        match self.find(path)? {
            SettingTree::Leaf(leaf) => Some(leaf),
            SettingTree::Map(_) => None,
        }
    }

    /// The entries of the map at a dotted path; empty if there is no map.
    pub(crate) fn entries(&self, path: &str) -> impl Iterator<Item = (&String, &SettingTree)> {
        let entries = match self.find(path) {
            Some(SettingTree::Map(entries)) => Some(entries),
            _ => None,
        };
        entries.into_iter().flatten()
    }

    /// As JSON, each setting `{value, origin}`.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            SettingTree::Map(entries) => entries
                .iter()
                .map(|(name, tree)| (name.clone(), tree.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            SettingTree::Leaf(leaf) => leaf_json(leaf.setting.to_json(), &leaf.origin.to_string()),
        }
    }
}

/// A setting in the effective configuration.
pub(crate) fn leaf_json(value: Value, origin: &str) -> Value {
    json!({ "value": value, "origin": origin })
}
