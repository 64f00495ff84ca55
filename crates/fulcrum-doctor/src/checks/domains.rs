//! Checks of the domains' programs.

use crate::check::Check;
use crate::facts::{DomainFacts, NodeOptionsFacts, Problem};
use crate::words::count;

/// Each domain has a Node that can run it.
#[must_use]
pub fn node(domains: &[DomainFacts]) -> Check {
    const ID: &str = "node";
    let mut found = Vec::new();
    let mut failures = Vec::new();
    let mut warnings = Vec::new();
    for domain in domains {
        match &domain.node {
            None => {}
            Some(Ok(node)) => {
                let name = &domain.name;
                found.push(format!(
                    "{name}: {}, {}",
                    node.description,
                    node.path.display()
                ));
                let warning = node.warning.as_ref();
                warnings.extend(warning.map(|text| format!("{name}: {text}")));
            }
            Some(Err(problem)) => failures.push((domain, problem)),
        }
    }
    if let Some((_, problem)) = failures.first() {
        return Check::fail(
            ID,
            first_of("no Node can run it", &failures),
            "a domain without a Node cannot start",
        )
        .details(describe(&failures))
        .details(found)
        .cure(hint(
            problem,
            "install the version that the app asks for, or set process.node",
        ));
    }
    if !warnings.is_empty() {
        return Check::warn(
            ID,
            warnings[0].clone(),
            "packages may rely on what another version of Node has",
        )
        .details(warnings.into_iter().skip(1).chain(found))
        .cure("write the wanted version into .nvmrc or engines.node, and install it");
    }
    match found.as_slice() {
        [] => Check::ok(ID, "no domain needs Node"),
        [only] => Check::ok(ID, only.clone()),
        _ => Check::ok(ID, count(found.len(), "domain")).details(found),
    }
}

/// The TypeScript of each domain can be run.
#[must_use]
pub fn typescript(domains: &[DomainFacts]) -> Check {
    const ID: &str = "typescript";
    let mut failures = Vec::new();
    let mut warnings = Vec::new();
    let mut compiled = Vec::new();
    for domain in domains {
        match &domain.code {
            None => {}
            Some(Ok(code)) => {
                let lines = code.warnings.iter();
                warnings.extend(lines.map(|text| format!("{}: {text}", domain.name)));
                if code.is_compiled {
                    compiled.push(domain.name.clone());
                }
            }
            Some(Err(problem)) => failures.push((domain, problem)),
        }
    }
    if let Some((_, problem)) = failures.first() {
        return Check::fail(
            ID,
            first_of("its code cannot be run", &failures),
            "a domain whose code has an error is not started",
        )
        .details(describe(&failures))
        .cure(hint(problem, "correct the file"));
    }
    if let Some(first) = warnings.first() {
        return Check::warn(
            ID,
            first.clone(),
            "the import fails when its code is reached",
        )
        .details(warnings.iter().skip(1).cloned())
        .cure("correct the import, or install the package");
    }
    match compiled.len() {
        0 => Check::ok(ID, "no domain has TypeScript that needs compiling"),
        number => Check::ok(
            ID,
            format!("compiled by fulcrum for {}", count(number, "domain")),
        )
        .details(compiled),
    }
}

/// `NODE_OPTIONS` breaks no start.
#[must_use]
pub fn node_options(domains: &[DomainFacts]) -> Check {
    const ID: &str = "node-options";
    let broken = domains.iter().find_map(|domain| {
        let options: &NodeOptionsFacts = &domain.node_options;
        let name = &domain.name;
        match options.missing_preloads.first() {
            Some((option, file)) => Some(format!("{name}: {option} {file} does not exist")),
            None if options.is_unclosed => Some(format!("{name}: a quote is not closed")),
            None => None,
        }
    });
    if let Some(what) = broken {
        return Check::fail(
            ID,
            what,
            "Node loads these files before anything else, so every process that it is set for ends \
             at once",
        )
        .cure(
            "`unset NODE_OPTIONS`, or correct the path; process.env and env files may set it, too",
        );
    }
    let inspected: Vec<&DomainFacts> = domains
        .iter()
        .filter(|domain| domain.node_options.inspector.is_some())
        .collect();
    if let (true, Some(domain)) = (inspected.len() > 1, inspected.first()) {
        let option = domain.node_options.inspector.as_deref();
        return Check::warn(
            ID,
            format!("{} for all domains", option.unwrap_or_default()),
            "each process opens the same debugger port, and only the first one gets it",
        )
        .cure(
            "`unset NODE_OPTIONS`, and use `fulcrum dev --inspect NAME`, which gives each a port",
        );
    }
    let is_set = domains
        .iter()
        .any(|domain| !domain.node_options.value.is_empty());
    Check::ok(ID, if is_set { "set, usable" } else { "not set" })
}

fn first_of(what: &str, failures: &[(&DomainFacts, &Problem)]) -> String {
    match failures {
        [(domain, problem)] => named(&domain.name, first_line(&problem.message)),
        _ => format!("{}: {what}", count(failures.len(), "domain")),
    }
}

/// The lines below the first failure, such as an excerpt of the code, or all of several.
fn describe(failures: &[(&DomainFacts, &Problem)]) -> Vec<String> {
    if let [(_, problem)] = failures {
        let lines = problem.message.lines().skip(1);
        return lines.map(str::to_owned).collect();
    }
    let described = failures.iter().map(|(domain, problem)| {
        let hint = problem.hint.as_ref();
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        named(
            &domain.name,
            &format!("{}{hint}", first_line(&problem.message)),
        )
    });
    described.collect()
}

/// A message with the name of its domain, which some messages begin with.
fn named(name: &str, message: &str) -> String {
    match message.strip_prefix(name) {
        Some(rest) if rest.starts_with(':') => message.to_owned(),
        _ => format!("{name}: {message}"),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn hint(problem: &Problem, otherwise: &str) -> String {
    problem.hint.clone().unwrap_or_else(|| otherwise.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::facts::{CodeFacts, NodeFacts};

    fn problem() -> Problem {
        Problem {
            message: "no Node satisfies >=99".into(),
            hint: Some("install it".into()),
        }
    }

    fn domain(name: &str) -> DomainFacts {
        DomainFacts {
            name: name.into(),
            node: Some(Ok(NodeFacts {
                description: "node 22.1.0 (PATH)".into(),
                path: "/usr/bin/node".into(),
                warning: None,
            })),
            code: Some(Ok(CodeFacts {
                is_compiled: true,
                warnings: Vec::new(),
            })),
            ..DomainFacts::default()
        }
    }

    #[test]
    fn a_missing_and_a_doubtful_node_are_found() {
        assert_eq!(node(&[]).status, Status::Ok);
        assert!(node(&[domain("a")]).what.contains("22.1.0"));
        let mut missing = domain("a");
        missing.node = Some(Err(problem()));
        let check = node(&[missing, domain("b")]);
        assert_eq!(check.status, Status::Fail);
        assert_eq!(check.cure.as_deref(), Some("install it"));
        let mut unmet = domain("a");
        if let Some(Ok(found)) = &mut unmet.node {
            found.warning = Some("engines.node asks for >=99".into());
        }
        assert_eq!(node(&[unmet]).status, Status::Warn);
    }

    #[test]
    fn code_that_cannot_be_run_fails() {
        let mut broken = domain("a");
        broken.code = Some(Err(problem()));
        assert_eq!(
            typescript(std::slice::from_ref(&broken)).status,
            Status::Fail
        );
        broken.code = Some(Err(Problem {
            message: "a: domain.ts:1:2: Expression expected\n  x\n  ^".into(),
            hint: None,
        }));
        let check = typescript(&[broken]);
        assert_eq!(check.what, "a: domain.ts:1:2: Expression expected");
        assert_eq!(check.details, ["  x", "  ^"]);
        assert_eq!(typescript(&[domain("a")]).details, ["a"]);
    }

    #[test]
    fn a_missing_preload_fails_and_a_shared_debugger_port_warns() {
        let with = |options: NodeOptionsFacts| {
            let domain = |name| DomainFacts {
                node_options: options.clone(),
                ..domain(name)
            };
            node_options(&[domain("a"), domain("b")]).status
        };
        let missing = NodeOptionsFacts {
            missing_preloads: vec![("--require".into(), "/nope.js".into())],
            ..NodeOptionsFacts::default()
        };
        let inspected = NodeOptionsFacts {
            inspector: Some("--inspect".into()),
            ..NodeOptionsFacts::default()
        };
        assert_eq!(with(missing), Status::Fail);
        assert_eq!(with(inspected), Status::Warn);
        assert_eq!(with(NodeOptionsFacts::default()), Status::Ok);
    }
}
