//! docker compose: services whose program is known become domains, which run on this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::dockerfile::{self, ImageProgram};
use super::draft::Draft;
use super::fields::{self, Dialect};
use super::program;
use super::source::Source;
use super::text::Dollars;
use super::translation::Translation;
use super::values::{self, duration_text, text, texts};
use super::{probe, words};
use crate::diagnostic::Diagnostic;
use crate::file::normalize;
use crate::node::{Entry, Node, NodeKind, Position};

const DIALECT: Dialect = Dialect {
    dollars: Dollars::Variables,
    unit: Duration::from_secs(1),
};

/// Fields that are read elsewhere, or whose absence changes nothing that a program notices.
const WITHOUT_EFFECT: [&str; 20] = [
    "build",
    "image",
    "command",
    "entrypoint",
    "working_dir",
    "container_name",
    "hostname",
    "init",
    "tty",
    "stdin_open",
    "labels",
    "logging",
    "platform",
    "pull_policy",
    "expose",
    "annotations",
    "attach",
    "domainname",
    "develop",
    "x-fulcrum",
];

/// Translates the services.
pub(super) fn translate(source: &Source, translation: &mut Translation) -> Result<(), Diagnostic> {
    let entries = source.programs("services", "a compose file begins with `services:`")?;
    let jobs = jobs(entries);
    for entry in entries {
        source.map(entry)?;
        if let Some(mut draft) = service(translation, entry) {
            if jobs.contains(&entry.key) {
                draft.set("kind", "job");
            }
            translation.drafts.push(draft);
        }
    }
    dependencies(translation, entries);
    top_level(translation, source.root()?);
    Ok(())
}

/// The services for whose end others wait.
fn jobs(entries: &[Entry]) -> BTreeSet<String> {
    let depends = entries
        .iter()
        .filter_map(|entry| entry.value.get("depends_on"));
    let conditions = depends.filter_map(|depends| match &depends.value.value {
        NodeKind::Mapping(entries) => Some(entries),
        _ => None,
    });
    let completed = conditions.flatten().filter(|entry| {
        let condition = entry.value.get("condition");
        condition.and_then(|condition| text(&condition.value))
            == Some("service_completed_successfully")
    });
    completed.map(|entry| entry.key.clone()).collect()
}

fn service(translation: &mut Translation, entry: &Entry) -> Option<Draft> {
    let service = &entry.value;
    let context = build_context(translation, service);
    let image = context.as_ref().map(|(dir, file)| {
        let text = std::fs::read_to_string(dir.join(file)).unwrap_or_default();
        dockerfile::parse(&text)
    });
    let command = command(service, image.as_ref());
    if command.is_empty() {
        let message = match service.get("image").and_then(|image| text(&image.value)) {
            Some(image) => format!(
                "{}: has no `command`: the program is in the image {image}",
                entry.key
            ),
            None => format!("{}: has no `command`", entry.key),
        };
        let hint = format!(
            "keep `docker compose up {}` beside Fulcrum, or write domains/{}/fulcrum.yml with \
             `process.command`",
            entry.key, entry.key
        );
        translation.note(entry.position, message, hint);
        return None;
    }
    let mut draft = translation.draft(&entry.key, entry.position);
    let mounts = Mounts::of(translation, service, context, image.as_ref());
    if let Some(dir) = mounts.working_dir(service, image.as_ref()) {
        draft.cwd = dir;
    }
    if let (Some(image), None) = (service.get("image"), service.get("build")) {
        let message = format!(
            "{}: the program is run from this machine, not from the image {}",
            entry.key,
            text(&image.value).unwrap_or_default()
        );
        let hint = format!("install `{}` if it is not", command[0]);
        translation.note(image.position, message, hint);
    }
    let command: Vec<String> = command
        .iter()
        .map(|word| mounts.path(word, &draft.cwd))
        .collect();
    program::set_words(translation, &mut draft, &command, DIALECT.dollars);
    let NodeKind::Mapping(fields) = &service.value else {
        return None;
    };
    for field in fields {
        service_field(translation, &mut draft, field, &mounts);
    }
    Some(draft)
}

/// `entrypoint` and `command`, or those of the image.
fn command(service: &Node, image: Option<&ImageProgram>) -> Vec<String> {
    let own = |key: &str| {
        let entry = service.get(key)?;
        match text(&entry.value) {
            Some(line) => words::split(line, false),
            None => texts(&entry.value),
        }
    };
    let image = |part: fn(&ImageProgram) -> &Vec<String>| image.map(part).cloned();
    let entrypoint = own("entrypoint");
    // An entry point of its own replaces the image's command too.
    let command = match &entrypoint {
        Some(_) => own("command"),
        None => own("command").or_else(|| image(|image| &image.command)),
    };
    let entrypoint = entrypoint.or_else(|| image(|image| &image.entrypoint));
    [entrypoint, command]
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

/// The directory that an image is built from, and its Dockerfile.
fn build_context(translation: &Translation, service: &Node) -> Option<(PathBuf, String)> {
    let build = &service.get("build")?.value;
    let field = |key| build.get(key).and_then(|entry| text(&entry.value));
    let context = text(build).or_else(|| field("context")).unwrap_or(".");
    let file = field("dockerfile").unwrap_or("Dockerfile").to_owned();
    Some((normalize(&translation.dir.join(context)), file))
}

/// Directories of this machine by their paths in the container.
struct Mounts(Vec<(PathBuf, PathBuf)>);

impl Mounts {
    fn of(
        translation: &Translation,
        service: &Node,
        context: Option<(PathBuf, String)>,
        image: Option<&ImageProgram>,
    ) -> Self {
        let mut mounts = Vec::new();
        if let Some(volumes) = service.get("volumes")
            && let NodeKind::Sequence(items) = &volumes.value.value
        {
            mounts.extend(items.iter().filter_map(|item| bind(translation, item)));
        }
        if let Some((dir, _)) = context {
            let workdir = image.and_then(|image| image.workdir.clone());
            mounts.push((PathBuf::from(workdir.unwrap_or_else(|| "/app".into())), dir));
        }
        Self(mounts)
    }

    fn find(&self, path: &Path) -> Option<PathBuf> {
        self.0.iter().find_map(|(inside, here)| {
            let rest = path.strip_prefix(inside).ok()?;
            Some(normalize(&here.join(rest)))
        })
    }

    /// The directory in which the program runs, if it is one of this machine.
    fn working_dir(&self, service: &Node, image: Option<&ImageProgram>) -> Option<PathBuf> {
        let own = service
            .get("working_dir")
            .and_then(|entry| text(&entry.value));
        let dir = own.or_else(|| image.and_then(|image| image.workdir.as_deref()));
        match dir {
            Some(dir) => self.find(Path::new(dir)).or_else(|| self.context()),
            None => self.context(),
        }
    }

    fn context(&self) -> Option<PathBuf> {
        self.0.last().map(|(_, here)| here.clone())
    }

    /// A word of a command, where a path of the container is one of this machine.
    fn path(&self, word: &str, cwd: &Path) -> String {
        if !word.starts_with('/') {
            return word.to_owned();
        }
        match self.find(Path::new(word)) {
            Some(path) => match path.strip_prefix(cwd) {
                Ok(inside) => format!("./{}", inside.display()),
                Err(_) => path.to_string_lossy().into_owned(),
            },
            None => word.to_owned(),
        }
    }
}

/// `./api:/app`, or `{type: bind, source: ./api, target: /app}`.
fn bind(translation: &Translation, item: &Node) -> Option<(PathBuf, PathBuf)> {
    let field = |key| item.get(key).and_then(|entry| text(&entry.value));
    let (source, target) = match text(item) {
        Some(short) => {
            let mut parts = short.split(':');
            (parts.next()?, parts.next()?)
        }
        None => (field("source")?, field("target")?),
    };
    let is_path = source.starts_with(['.', '/']);
    is_path.then(|| {
        (
            PathBuf::from(target),
            normalize(&translation.dir.join(source)),
        )
    })
}

fn service_field(translation: &mut Translation, draft: &mut Draft, entry: &Entry, mounts: &Mounts) {
    match entry.key.as_str() {
        key if WITHOUT_EFFECT.contains(&key) || key.starts_with("x-") => {}
        "depends_on" => {}
        "profiles" => draft.set("autostart", false),
        "ports" => ports(translation, draft, entry),
        "healthcheck" => match probe::convert_probe(&entry.value, DIALECT.unit, DIALECT.dollars) {
            Ok(Some(probe)) => {
                draft.set("ready", probe);
                if let Some(timeout) = probe::start_timeout(&entry.value, DIALECT.unit) {
                    draft.set("start_timeout", duration_text(timeout));
                }
            }
            Ok(None) => {}
            Err(why) => translation.skip(
                draft,
                "healthcheck",
                entry.position,
                why,
                "set `process.ready`",
            ),
        },
        "restart" => {
            // `on-failure:3`
            let policy = text(&entry.value).unwrap_or_default();
            match policy.split_once(':') {
                Some((policy, budget)) => {
                    draft.set("restart.policy", policy);
                    if let Ok(budget) = budget.parse::<u32>() {
                        draft.set("restart.budget", budget.max(1));
                    }
                }
                None => fields::apply(translation, draft, entry, &DIALECT),
            }
        }
        "deploy" => deploy(translation, draft, &entry.value),
        "volumes" if mounts.0.is_empty() => fields::apply(translation, draft, entry, &DIALECT),
        "volumes" => {}
        _ => fields::apply(translation, draft, entry, &DIALECT),
    }
}

/// One port is that of the program.
fn ports(translation: &mut Translation, draft: &mut Draft, entry: &Entry) {
    let NodeKind::Sequence(items) = &entry.value.value else {
        return;
    };
    let pair = |item: &Node| -> Option<(u16, u16)> {
        let number = |text: &str| text.split('/').next()?.parse().ok();
        if let Some(short) = text(item) {
            let mut parts = short.rsplit(':');
            let target = number(parts.next()?)?;
            return Some((parts.next().and_then(number).unwrap_or(target), target));
        }
        let field = |key| number(text(&item.get(key)?.value)?);
        let target = field("target")?;
        Some((field("published").unwrap_or(target), target))
    };
    let pairs: Vec<_> = items.iter().filter_map(pair).collect();
    match pairs.as_slice() {
        [(published, target)] if items.len() == 1 => {
            draft.set("port", *target);
            if published != target {
                let field = format!("ports: {published}:{target}");
                let why = format!("the program itself listens on {target}, and no port is mapped");
                let hint = format!(
                    "use port {target}, or let the program read PORT and set `process.port: {published}`"
                );
                translation.skip(draft, &field, entry.position, &why, &hint);
            }
        }
        _ => {
            let why = "a domain has one port, which it reads as PORT";
            translation.skip(draft, "ports", entry.position, why, "set `process.port`");
        }
    }
}

fn deploy(translation: &mut Translation, draft: &mut Draft, deploy: &Node) {
    let NodeKind::Mapping(entries) = &deploy.value else {
        return;
    };
    for entry in entries {
        match entry.key.as_str() {
            "replicas" => fields::apply(translation, draft, entry, &DIALECT),
            "resources" => {
                let limits = entry.value.get("limits").map(|limits| &limits.value.value);
                if let Some(NodeKind::Mapping(limits)) = limits {
                    for limit in limits {
                        let value = match limit.key.as_str() {
                            "memory" => values::size(&limit.value).map(|size| json!(size)),
                            "cpus" => text(&limit.value)
                                .and_then(|text| Some(json!(text.parse::<f64>().ok()?))),
                            _ => None,
                        };
                        if let Some(value) = value {
                            let key = limit.key.trim_end_matches('s');
                            draft.set(&format!("limits.{key}"), value);
                        }
                    }
                }
            }
            "mode" | "labels" | "endpoint_mode" | "placement" => {}
            key => {
                let why = "it has no counterpart";
                translation.skip(draft, &format!("deploy.{key}"), entry.position, why, "");
            }
        }
    }
}

/// `depends_on`, once it is known which services are domains.
fn dependencies(translation: &mut Translation, entries: &[Entry]) {
    for entry in entries {
        let Some(depends_on) = entry.value.get("depends_on") else {
            continue;
        };
        let names: Vec<(String, &str, Position)> = match &depends_on.value.value {
            NodeKind::Mapping(entries) => entries
                .iter()
                .map(|entry| {
                    let condition = entry.value.get("condition");
                    let condition = condition.and_then(|condition| text(&condition.value));
                    let condition = match condition {
                        Some("service_healthy") => "ready",
                        Some("service_completed_successfully") => "completed",
                        _ => "started",
                    };
                    (entry.key.clone(), condition, entry.position)
                })
                .collect(),
            _ => texts(&depends_on.value)
                .unwrap_or_default()
                .into_iter()
                .map(|name| (name, "started", depends_on.position))
                .collect(),
        };
        set_dependencies(translation, &entry.key, &names);
    }
}

/// Sets the dependencies of a program, without those that are no domains.
pub(super) fn set_dependencies(
    translation: &mut Translation,
    name: &str,
    dependencies: &[(String, &str, Position)],
) {
    let position = |draft: &Draft| draft.source_name == name;
    let Some(index) = translation.drafts.iter().position(position) else {
        return;
    };
    for (dependency, condition, position) in dependencies {
        match translation.domain_of(dependency).map(str::to_owned) {
            Some(here) => {
                let path = format!("depends_on.{here}");
                translation.drafts[index].set(&path, json!({ "condition": condition }));
            }
            None => {
                let message = format!(
                    "{name}: `depends_on: {dependency}` is not carried over: it is no domain"
                );
                translation.note(*position, message, "start it before Fulcrum");
            }
        }
    }
}

fn top_level(translation: &mut Translation, root: &Node) {
    let NodeKind::Mapping(entries) = &root.value else {
        return;
    };
    for entry in entries {
        let hint = match entry.key.as_str() {
            "services" | "version" | "name" => continue,
            key if key.starts_with("x-") => continue,
            "networks" => "domains share the network of this machine",
            "volumes" => "domains see the files of this machine",
            "secrets" | "configs" => {
                "name the file in `process.env_file`, or let the program read it"
            }
            "include" => "import the other file too",
            _ => "",
        };
        let message = format!("`{}` is not carried over: it has no counterpart", entry.key);
        translation.note(entry.position, message, hint);
    }
    let has_file = translation.dir.join(".env").is_file();
    let uses = |text: &str| text.contains("${");
    let is_used = translation.drafts.iter().any(|draft| {
        draft
            .settings()
            .values()
            .any(|value| uses(&value.to_string()))
    });
    if has_file && is_used {
        translation.note(
            Position::default(),
            "the variables of `.env` are read by docker compose, `${NAME}` here is that of the shell",
            "start with `set -a; . ./.env; set +a; fulcrum dev`, or set `process.env_file: ../../.env`",
        );
    }
}
