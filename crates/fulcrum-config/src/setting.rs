//! A single checked setting and where it came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::node::Spot;
use crate::problem::Place;
use crate::process::{Check, Port, Probe};
use crate::units::{format_duration, format_size};

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// `defaults.yml`.
    Default,
    /// A configuration file.
    File {
        /// As shown.
        file: PathBuf,
        /// Its folder, absolute: paths written there are relative to it.
        folder: PathBuf,
        /// Where in it.
        spot: Spot,
    },
    /// A `FULCRUM_…` variable.
    Variable(String),
    /// A flag, by its dotted path.
    Flag(String),
}

impl Origin {
    /// The place, if it is in a file.
    pub(crate) fn place(&self) -> Option<Place> {
        match self {
            Self::File { file, spot, .. } => Some(crate::file::place(file, *spot)),
            _ => None,
        }
    }

    /// What paths are relative to.
    pub(crate) fn folder<'a>(&'a self, root: &'a Path) -> &'a Path {
        match self {
            Self::File { folder, .. } => folder,
            _ => root,
        }
    }

    /// For messages about what has no place: `FULCRUM_X: `.
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
            Self::File { file, spot, .. } => {
                write!(f, "{}:{}:{}", file.display(), spot.line, spot.column)
            }
            Self::Variable(name) => write!(f, "env {name}"),
            Self::Flag(_) => f.write_str("flag"),
        }
    }
}

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    Text(String),
    Texts(Vec<String>),
    Switch(bool),
    Whole(i64),
    Codes(Vec<i32>),
    Number(f64),
    Time(Duration),
    Size(u64),
    Probe(Probe),
    Listen { host: String, port: u16 },
    Port(Port),
}

impl Setting {
    /// How it is shown: as it could be written.
    pub(crate) fn show(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Texts(texts) => json!(texts),
            Self::Switch(on) => json!(on),
            Self::Whole(number) => json!(number),
            Self::Codes(codes) => json!(codes),
            Self::Number(number) => json!(number),
            Self::Time(time) => json!(format_duration(*time)),
            Self::Size(bytes) => json!(format_size(*bytes)),
            Self::Probe(probe) => show_probe(probe),
            Self::Listen { host, port } => json!(host_port(host, Some(*port))),
            Self::Port(Port::Auto) => json!("auto"),
            Self::Port(Port::Fixed(port)) => json!(port),
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

fn show_probe(probe: &Probe) -> Value {
    let (name, what) = match &probe.check {
        Check::Registered => return json!("registered"),
        Check::Http {
            port: None, path, ..
        } => ("http", json!(path)),
        Check::Http { host, port, path } => (
            "http",
            json!(format!("http://{}{path}", host_port(host, *port))),
        ),
        Check::Tcp { port: None, .. } => ("tcp", json!("port")),
        Check::Tcp { host, port } => ("tcp", json!(host_port(host, *port))),
        Check::Exec(command) => ("exec", json!(command)),
        Check::Log(text) => ("log", json!(text)),
    };
    json!({
        name: what,
        "interval": format_duration(probe.interval),
        "timeout": format_duration(probe.timeout),
        "failures": probe.failures,
        "successes": probe.successes,
    })
}

/// A setting and its origin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) setting: Setting,
    pub(crate) origin: Origin,
}

/// The settings after layering: what is under each key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Map(BTreeMap<String, Tree>),
    Leaf(Leaf),
}

impl Tree {
    /// What is under a dotted path of schema names.
    pub(crate) fn find(&self, path: &str) -> Option<&Tree> {
        path.split('.').try_fold(self, |tree, name| match tree {
            Tree::Map(entries) => entries.get(name),
            Tree::Leaf(_) => None,
        })
    }

    /// The setting at a dotted path of schema names.
    pub(crate) fn leaf(&self, path: &str) -> Option<&Leaf> {
        match self.find(path)? {
            Tree::Leaf(leaf) => Some(leaf),
            Tree::Map(_) => None,
        }
    }

    /// The entries of the map at a dotted path of schema names; none there are none.
    pub(crate) fn entries(&self, path: &str) -> impl Iterator<Item = (&String, &Tree)> {
        let entries = match self.find(path) {
            Some(Tree::Map(entries)) => Some(entries),
            _ => None,
        };
        entries.into_iter().flatten()
    }

    /// As JSON, each setting `{value, origin}`.
    pub(crate) fn show(&self) -> Value {
        match self {
            Tree::Map(entries) => entries
                .iter()
                .map(|(name, tree)| (name.clone(), tree.show()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Tree::Leaf(leaf) => shown(leaf.setting.show(), &leaf.origin.to_string()),
        }
    }
}

/// One leaf of what is shown.
pub(crate) fn shown(value: Value, origin: &str) -> Value {
    json!({ "value": value, "origin": origin })
}
