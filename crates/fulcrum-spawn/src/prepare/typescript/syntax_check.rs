//! Syntax checks of changed files, before a running generation is stopped for a reload.

use std::path::Path;

use swc_common::{FileName, SourceMap, Spanned};
use swc_ecma_ast::EsVersion;
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, lexer::Lexer};

use super::position::{line_text, position_at};
use super::strip::{StripError, StripErrorKind, run_isolated, strip_text};
use super::surroundings::is_typescript;
use super::tsconfig::{self, TSCONFIG};

/// Checks whether Node can parse this content of a file, with the parser that strips types. Files
/// that are not JavaScript, TypeScript, `package.json` or `tsconfig.json` by their name are accepted.
///
/// In doubt a file is accepted: JavaScript is rejected only if it is neither a module, nor a script,
/// nor JSX, and TypeScript that needs more than type stripping is accepted.
///
/// # Errors
/// The first syntax error, with its position.
pub fn check_syntax(path: &Path, content: &[u8]) -> Result<(), StripError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    // Node replaces bytes that are not UTF-8.
    let text = String::from_utf8_lossy(content);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if is_typescript(path) {
        return match strip_text(path, text) {
            Err(error) if is_conclusive(&error) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        };
    }
    let error = match extension {
        Some("js" | "mjs" | "cjs") => javascript_error(text),
        Some("json") if path.file_name().is_some_and(|name| name == "package.json") => {
            json_error(text)
        }
        Some("json") if is_tsconfig(path) => tsconfig_error(text),
        _ => None,
    };
    error.map_or(Ok(()), |(offset, message)| {
        let at = position_at(text, offset);
        Err(StripError {
            file: path.to_path_buf(),
            line: at.line,
            column: at.column,
            message,
            kind: StripErrorKind::Syntax,
            source_line: line_text(text, at.line),
        })
    })
}

/// Whether the error is one of the code. A text that is too large or nests too deeply may be valid,
/// and so may one on which the parser panicked.
fn is_conclusive(error: &StripError) -> bool {
    error.kind == StripErrorKind::Syntax
        && !error.message.starts_with("is larger than")
        && !error.message.starts_with("is nested too deeply")
        && !error.message.starts_with("the TypeScript parser failed")
}

/// The first error of the text as a module, if it is invalid as a script and as JSX as well.
fn javascript_error(text: &str) -> Option<(usize, String)> {
    run_isolated(text, |text| {
        let module = first_error(&text, true, false)?;
        first_error(&text, false, false)?;
        // JSX for browsers may have the extension `.js`; Node does not load it.
        first_error(&text, true, true).and(Some(module))
    })
    .flatten()
}

fn first_error(text: &str, is_module: bool, jsx: bool) -> Option<(usize, String)> {
    let map = SourceMap::default();
    let file = map.new_source_file(FileName::Anon.into(), text.to_owned());
    let syntax = EsSyntax {
        jsx,
        import_attributes: true,
        allow_return_outside_function: true,
        allow_super_outside_method: true,
        explicit_resource_management: true,
        ..EsSyntax::default()
    };
    let lexer = Lexer::new(
        Syntax::Es(syntax),
        EsVersion::latest(),
        StringInput::from(&*file),
        None,
    );
    let mut parser = Parser::new_from(lexer);
    let fatal = if is_module {
        parser.parse_module().err()
    } else {
        parser.parse_script().err()
    };
    // The parser recovers from most errors, even from a missing end of a block.
    let errors = fatal.into_iter().chain(parser.take_errors());
    let error = errors.min_by_key(|error| error.span().lo)?;
    let offset = error.span().lo.0.saturating_sub(file.start_pos.0);
    Some((offset as usize, error.into_kind().msg().into_owned()))
}

fn is_tsconfig(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name == TSCONFIG || name.starts_with("tsconfig."))
}

fn tsconfig_error(text: &str) -> Option<(usize, String)> {
    let (at, message) = tsconfig::first_error(text)?;
    let lines = text.split_inclusive('\n');
    let before: usize = lines.take(at.line as usize - 1).map(str::len).sum();
    let line = &text[before..];
    let column = line.char_indices().nth(at.column as usize - 1);
    let offset = column.map_or(line.len(), |(offset, _)| offset);
    Some((before + offset, message))
}

fn json_error(text: &str) -> Option<(usize, String)> {
    let error = serde_json::from_str::<serde_json::Value>(text).err()?;
    let text_of_error = error.to_string();
    let message = text_of_error
        .split(" at line ")
        .next()
        .unwrap_or(&text_of_error);
    // Limits of this parser, which Node does not have.
    let limits = ["recursion limit", "hex escape", "range"];
    if limits.iter().any(|limit| message.contains(limit)) {
        return None;
    }
    let lines = text.split_inclusive('\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    Some((
        before + error.column().saturating_sub(1),
        format!("not valid JSON: {message}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str) -> Result<(), String> {
        check_syntax(Path::new(name), text.as_bytes()).map_err(|error| {
            error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned()
        })
    }

    #[test]
    fn code_that_node_accepts_is_accepted() {
        for (name, text) in [
            (
                "a.js",
                "#!/usr/bin/env node\nconst a = require('a'); return;",
            ),
            ("a.js", "import a from 'a'; await a(); export default 1;"),
            (
                "a.mjs",
                "import a from './a.json' with { type: 'json' }; export { a as 'b c' };",
            ),
            ("a.cjs", "with (a) { b = 010; delete c }"),
            (
                "a.js",
                "var await = 1, yield_ = 2; var let_ = await; var async = () => 1",
            ),
            (
                "a.js",
                "class A { #x = 1; static { this.y = 1 } accessor = 1; get [`a`]() { return #x in this } }",
            ),
            ("a.js", "using x = f(); { await using y = g(); }"),
            (
                "a.js",
                "const r = /(?<year>\\p{L}+)/v; a ??= b?.[c] ** 2n; for await (const d of e) {}",
            ),
            (
                "a.js",
                "label: { break label } var \\u0061b; <!-- an old comment\nx",
            ),
            (
                "a.js",
                "\u{feff}'use strict'; function f() { return new.target }",
            ),
            (
                "a.js",
                "exports.a = async function* () { yield* await new (class extends B { constructor() { super() } })() }",
            ),
            (
                "a.js",
                "import.meta.url; import('x', { with: {} }); import defer_ from 'x'",
            ),
            ("a.js", ""),
            ("public/a.js", "const a = <b c={1}>d</b>;"),
            (
                "a.ts",
                "enum A { B } namespace C { export const d = 1 } @e class F<T> { constructor(private g: T) {} }",
            ),
            (
                "a.mts",
                "export type A<T> = T extends infer U ? U : never; let b = <const T,>(c: T) => c satisfies T;",
            ),
            (
                "package.json",
                "\u{feff}{\"type\": \"module\", \"a\": \"\\ud800\"}",
            ),
            ("tsconfig.json", "{ // with words\n \"a\": [1,], }"),
            ("a.tsconfig.json", "{"),
            ("a.hbs", "{{{"),
        ] {
            assert_eq!(check(name, text), Ok(()), "{name}: {text}");
        }
    }

    /// `cargo test -p fulcrum-spawn --lib syntax_check:: -- --ignored` with `CORPUS` set to
    /// directories of working code, separated by `:`.
    #[test]
    #[ignore = "needs a corpus"]
    fn a_corpus_is_accepted() {
        let corpus = std::env::var("CORPUS").expect("CORPUS is set");
        let mut dirs: Vec<std::path::PathBuf> = corpus.split(':').map(Into::into).collect();
        let (mut accepted, mut rejected) = (0, Vec::new());
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() && !path.is_symlink() {
                    dirs.push(path);
                } else if let Ok(content) = std::fs::read(&path) {
                    match check_syntax(&path, &content) {
                        Ok(()) => accepted += 1,
                        Err(error) => rejected.push(error.to_string()),
                    }
                }
            }
        }
        assert!(
            accepted > 0 && rejected.is_empty(),
            "{accepted} accepted, rejected:\n{}",
            rejected.join("\n")
        );
    }

    #[test]
    fn a_syntax_error_has_its_position() {
        for (name, text, position) in [
            ("a.js", "const a = 1;\nconst b = ;\n", "a.js:2:11: "),
            ("a.js", "{{{", "a.js:1:"),
            (
                "a.mjs",
                "export default {\n  a: 1\n  b: 2\n}",
                "a.mjs:3:3: ",
            ),
            ("a.cjs", "function (", "a.cjs:1:10: "),
            ("a.js", "const a = 'b\n", "a.js:1:"),
            ("a.js", "<<<<<<< HEAD\n1\n=======\n", "a.js:1:1: "),
            ("a.ts", "export const a: = 1;", "a.ts:1:17: "),
            ("a.ts", "class A {", "a.ts:1:"),
            ("package.json", "{\n  \"a\": ,\n}", "package.json:2:8: "),
            (
                "tsconfig.base.json",
                "{ // é\n  \"a\": x\n}",
                "tsconfig.base.json:2:8: ",
            ),
        ] {
            let error = check(name, text).expect_err(text);
            assert!(error.starts_with(position), "{error} is not at {position}");
        }
    }
}
