//! From a domain's last words to what is wrong and what cures it.

/// What ended a domain, as far as its last words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is wrong, in one line without a full stop.
    pub cause: String,
    /// What to do about it, in one line.
    pub cure: String,
    /// Starting it again without a change can't help.
    pub permanent: bool,
}

/// Looks for a known cause in the last lines of stderr (about twenty are enough) and the status.
/// `None` if they tell of none.
///
/// Where Node reports an uncaught error, that one counts and not what was logged before it.
#[must_use]
pub fn diagnose(
    stderr_tail: &[String],
    code: Option<i32>,
    signal: Option<i32>,
) -> Option<Diagnosis> {
    let words = LastWords::new(stderr_tail, code, signal);
    const RULES: [fn(&LastWords<'_>) -> Option<Diagnosis>; 14] = [
        heap_limit,
        bad_option,
        address_in_use,
        permission,
        unsupported_typescript,
        unknown_extension,
        module_kind,
        missing_module,
        native_module,
        missing_export,
        syntax,
        refused,
        unsettled_await,
        uncaught,
    ];
    RULES.iter().find_map(|rule| rule(&words))
}

/// A domain's last lines, cut to what belongs to its end.
struct LastWords<'a> {
    /// Everything there is.
    all: &'a [String],
    /// From the line that names the last error; everything if there is none.
    error: &'a [String],
    /// Where in the code it happened, as `path:line` or `path:line:column`.
    place: Option<&'a str>,
    /// Node itself reported the error as uncaught.
    uncaught: bool,
    code: Option<i32>,
    signal: Option<i32>,
}

impl<'a> LastWords<'a> {
    fn new(all: &'a [String], code: Option<i32>, signal: Option<i32>) -> Self {
        let headline = all.iter().rposition(|line| is_headline(line));
        let error = headline.map_or(all, |at| &all[at..]);
        let before = headline.map_or(&all[..0], |at| &all[..at]);
        Self {
            all,
            error,
            place: place_above(before).or_else(|| place_in_stack(error)),
            uncaught: headline.is_some() && all.iter().any(|line| line.starts_with("Node.js v")),
            code,
            signal,
        }
    }

    /// What follows `marker` in the first line that has it.
    fn after(&self, marker: &str) -> Option<&'a str> {
        let mut lines = self.error.iter();
        lines.find_map(|line| line.split_once(marker).map(|(_, after)| after.trim()))
    }

    fn says(&self, words: &str) -> bool {
        self.after(words).is_some()
    }

    fn at(&self) -> String {
        self.place
            .map(|place| format!(" at {place}"))
            .unwrap_or_default()
    }
}

/// `TypeError: …`, `Error [ERR_X]: …`, `Uncaught …`: the line that names an error.
fn is_headline(line: &str) -> bool {
    let line = line.strip_prefix("Uncaught ").unwrap_or(line);
    let name = line.split([':', ' ']).next().unwrap_or_default();
    (name.ends_with("Error") || name.ends_with("Exception"))
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_')
        && (line[name.len()..].starts_with(": ") || line[name.len()..].starts_with(" ["))
}

/// Node puts `path:line` above the offending code, and that above the headline.
fn place_above(before: &[String]) -> Option<&str> {
    let lines = before.iter().rev().take(6);
    lines
        .map(|line| without_scheme(line))
        .find(|line| is_place(line))
}

/// The first frame that isn't Node's own.
fn place_in_stack(error: &[String]) -> Option<&str> {
    error.iter().find_map(|line| {
        let frame = line.trim_start().strip_prefix("at ")?;
        let place = match frame.rsplit_once('(') {
            Some((_, place)) => place.strip_suffix(')')?,
            None => frame.strip_prefix("async ").unwrap_or(frame),
        };
        let place = without_scheme(place);
        is_place(place).then_some(place)
    })
}

fn without_scheme(place: &str) -> &str {
    place.strip_prefix("file://").unwrap_or(place)
}

fn is_place(text: &str) -> bool {
    text.starts_with('/')
        && text.rsplit_once(':').is_some_and(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

fn found(cause: impl Into<String>, cure: impl Into<String>) -> Option<Diagnosis> {
    Some(Diagnosis {
        cause: cause.into(),
        cure: cure.into(),
        permanent: false,
    })
}

/// Like [`found`], for what no further attempt can change.
fn found_for_good(cause: impl Into<String>, cure: impl Into<String>) -> Option<Diagnosis> {
    found(cause, cure).map(|diagnosis| Diagnosis {
        permanent: true,
        ..diagnosis
    })
}

fn heap_limit(words: &LastWords<'_>) -> Option<Diagnosis> {
    const SIGNS: [&str; 2] = [
        "JavaScript heap out of memory",
        "V8::FatalProcessOutOfMemory",
    ];
    let aborted = words.signal == Some(6) || matches!(words.code, Some(134 | 5));
    let told = words
        .all
        .iter()
        .any(|line| SIGNS.iter().any(|sign| line.contains(sign)));
    if !(aborted && told) {
        return None;
    }
    found(
        "V8 reached its heap limit",
        "find what grows (process.node_args: [--heapsnapshot-near-heap-limit=1] writes a snapshot), \
         or raise the limit (process.node_args: [--max-old-space-size=<MiB>])",
    )
}

fn bad_option(words: &LastWords<'_>) -> Option<Diagnosis> {
    let option = words.after(": bad option: ")?;
    found_for_good(
        format!("this version of Node does not know the option {option}"),
        "remove it from process.node_args or NODE_OPTIONS, or use another Node (process.node)",
    )
}

fn address_in_use(words: &LastWords<'_>) -> Option<Diagnosis> {
    let address = words.after("EADDRINUSE: address already in use ")?;
    match port_of(address) {
        Some(port) => found(
            format!("port {port} is already taken ({address})"),
            format!(
                "stop whoever holds it (`ss -ltnp 'sport = :{port}'` names them) \
                 or listen on another port"
            ),
        ),
        None => found(
            format!("the socket {address} is already taken"),
            "stop whoever listens there, or remove the file if nobody does",
        ),
    }
}

fn port_of(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    if host.contains('/') {
        return None;
    }
    port.parse().ok()
}

fn permission(words: &LastWords<'_>) -> Option<Diagnosis> {
    if let Some(address) = words.after("listen EACCES: permission denied ") {
        return match port_of(address) {
            Some(port) if port < 1024 => found_for_good(
                format!("port {port} is reserved for privileged processes ({address})"),
                "listen on a port from 1024 on",
            ),
            _ => found_for_good(
                format!("not permitted to listen on {address}"),
                "choose another address, or a socket in a directory that this user may write to",
            ),
        };
    }
    let what = words.after("EACCES: permission denied, ")?;
    found_for_good(
        format!("permission denied: {what}"),
        "give the user that runs Fulcrum access to it, or use another path",
    )
}

fn unsupported_typescript(words: &LastWords<'_>) -> Option<Diagnosis> {
    if words.says("ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING") {
        return found_for_good(
            format!(
                "Node does not run TypeScript from node_modules{}",
                words.at()
            ),
            "use the package's compiled JavaScript",
        );
    }
    let what = words.after("[ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX]: ")?;
    found_for_good(
        format!("{what}{}", words.at()),
        "types can be stripped, this has to be compiled: rewrite it, or `npm install tsx` in the \
         domain's folder",
    )
}

fn unknown_extension(words: &LastWords<'_>) -> Option<Diagnosis> {
    let what = words.after("[ERR_UNKNOWN_FILE_EXTENSION]: ")?;
    let typescript = [".ts", ".mts", ".cts", ".tsx"]
        .iter()
        .any(|extension| what.contains(&format!("\"{extension}\"")));
    let cure = if typescript {
        "use Node 22.18 or later (process.node), or `npm install tsx` in the domain's folder"
    } else {
        "import a file that Node can run, or add a loader for it to process.node_args"
    };
    found_for_good(what, cure)
}

fn module_kind(words: &LastWords<'_>) -> Option<Diagnosis> {
    let wants_esm = "set \"type\": \"module\" in package.json or name the file .mjs";
    if words.says("Cannot use import statement outside a module") {
        return found_for_good(
            format!("an ES module is run as CommonJS{}", words.at()),
            wants_esm,
        );
    }
    if words.says("SyntaxError: Unexpected token 'export'") {
        return found_for_good(
            format!("an ES module is run as CommonJS{}", words.at()),
            wants_esm,
        );
    }
    if words.says(" is not defined in ES module scope") {
        return found_for_good(
            format!("CommonJS code is run as an ES module{}", words.at()),
            "use import and export, or name the file .cjs",
        );
    }
    if words.says("[ERR_REQUIRE_ESM]") {
        return found_for_good(
            format!("an ES module is loaded by require(){}", words.at()),
            "load it with import, or use Node 22.12 or later (process.node)",
        );
    }
    None
}

fn missing_module(words: &LastWords<'_>) -> Option<Diagnosis> {
    let (name, rest) = ["Cannot find module '", "Cannot find package '"]
        .iter()
        .find_map(|marker| words.after(marker)?.split_once('\''))?;
    let importer = rest
        .strip_prefix(" imported from ")
        .or_else(|| {
            let at = words
                .error
                .iter()
                .position(|line| line == "Require stack:")?;
            words.error.get(at + 1)?.strip_prefix("- ")
        })
        .map(|file| format!(", wanted by {file}"))
        .unwrap_or_default();
    if name.starts_with(['.', '/']) || name.starts_with("file:") {
        return found_for_good(
            format!("file {name} does not exist{importer}"),
            "correct the path (an ES module needs the extension too)",
        );
    }
    let package = package_of(name);
    found_for_good(
        format!("package {package} is not installed{importer}"),
        format!(
            "run `npm install` in the domain's folder, or `npm install {package}` \
             if its package.json does not list it"
        ),
    )
}

/// `@scope/name/deep` is in the package `@scope/name`.
fn package_of(module: &str) -> String {
    let parts = if module.starts_with('@') { 2 } else { 1 };
    module.split('/').take(parts).collect::<Vec<_>>().join("/")
}

fn native_module(words: &LastWords<'_>) -> Option<Diagnosis> {
    let other_node = words.says("was compiled against a different Node.js version");
    if !other_node && !words.says("ERR_DLOPEN_FAILED") {
        return None;
    }
    found_for_good(
        "a native module does not fit this version of Node",
        "run `npm rebuild` in the domain's folder with the Node that runs the domain",
    )
}

fn missing_export(words: &LastWords<'_>) -> Option<Diagnosis> {
    let headline = words.error.first()?;
    if !headline.contains("does not provide an export named") {
        return None;
    }
    let what = headline.strip_prefix("SyntaxError: ").unwrap_or(headline);
    found_for_good(
        format!("{what}{}", words.at()),
        "correct the import; a type has to be imported with `import type`",
    )
}

fn syntax(words: &LastWords<'_>) -> Option<Diagnosis> {
    let headline = words.error.first()?;
    // One that the program got from its own JSON.parse is an error like any other.
    if !headline.starts_with("SyntaxError: ") || words.says("at JSON.parse (") {
        return None;
    }
    found_for_good(format!("{headline}{}", words.at()), "correct that line")
}

fn refused(words: &LastWords<'_>) -> Option<Diagnosis> {
    let after = words.after("connect ECONNREFUSED ")?;
    let address = after
        .split([' ', ',', ')', '"', '\''])
        .next()
        .unwrap_or(after)
        .trim_end_matches('.');
    found(
        format!("nothing listens at {address}"),
        format!(
            "if that is meant to be Fulcrum, dial the address in FULCRUM_GRPC_SERVER; \
             otherwise start what should listen at {address} first"
        ),
    )
}

fn unsettled_await(words: &LastWords<'_>) -> Option<Diagnosis> {
    if words.code != Some(13) {
        return None;
    }
    found(
        "a top-level await never settled, and nothing else kept the process alive",
        "find the await whose promise nobody resolves",
    )
}

fn uncaught(words: &LastWords<'_>) -> Option<Diagnosis> {
    let headline = words.error.first()?;
    if !words.uncaught {
        return None;
    }
    found(
        format!("uncaught {headline}{}", words.at()),
        "correct or catch it there; the log has the whole stack",
    )
}
