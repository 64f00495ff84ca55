//! What is stripped, what is transformed, and what is told about a file.

use super::super::compile_options::{Jsx, JsxMode};
use super::*;

fn with_kind(kind: FileKind) -> CompileOptions {
    CompileOptions {
        kind,
        ..CompileOptions::default()
    }
}

fn esm() -> CompileOptions {
    with_kind(FileKind::Module)
}

fn commonjs() -> CompileOptions {
    with_kind(FileKind::CommonJs)
}

fn compile_as(name: &str, text: &str, options: &CompileOptions) -> Compiled {
    compile(Path::new(name), text, options).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The code of a file that must be stripped in place.
fn stripped(text: &str, options: &CompileOptions) -> String {
    let compiled = compile_as("/a.ts", text, options);
    assert_eq!(compiled.map, None, "{text} is transformed");
    let lengths = |text: &str| -> Vec<usize> {
        let lines = text.split('\n');
        lines.map(|line| line.encode_utf16().count()).collect()
    };
    assert_eq!(lengths(&compiled.code), lengths(text), "{text}");
    compiled.code
}

fn is_transformed(text: &str, options: &CompileOptions) -> bool {
    compile_as("/a.ts", text, options).map.is_some()
}

fn error_of(name: &str, text: &str, options: &CompileOptions) -> StripError {
    compile(Path::new(name), text, options).expect_err(text)
}

fn specifiers(compiled: &Compiled) -> Vec<&str> {
    let imports = compiled.info.imports.iter();
    imports.map(|import| import.specifier.as_str()).collect()
}

#[test]
fn imports_that_are_only_types_are_blanked_in_place() {
    for (text, expected) in [
        (
            "import { T } from 't'; x as T",
            ";                      x     ",
        ),
        ("import T from 't'; let x: T", ";                  let x   "),
        (
            "import * as T from 't'; let x: T.U",
            ";                       let x     ",
        ),
        (
            "import { T, v } from 't'; v as T",
            "import {    v } from 't'; v     ",
        ),
        (
            "import { v, T } from 't'; v as T",
            "import { v,   } from 't'; v     ",
        ),
        (
            "import { v, T, } from 't'; v as T",
            "import { v,    } from 't'; v     ",
        ),
        (
            "import { a as T, v } from 't'; v as T",
            "import {         v } from 't'; v     ",
        ),
        (
            "import { type T, v } from 't'; v as T",
            "import {         v } from 't'; v     ",
        ),
        ("import { type T } from 't'", ";                         "),
        (
            "import D, { v } from 't'; v as D",
            "import    { v } from 't'; v     ",
        ),
        (
            "import d, { T } from 't'; d as T",
            "import d, {   } from 't'; d     ",
        ),
        (
            "import d, * as T from 't'; d as T",
            "import d         from 't'; d     ",
        ),
        (
            "import D, * as n from 't'; n as D",
            "import    * as n from 't'; n     ",
        ),
        ("import unused from 't'", ";                     "),
        ("import 't'", "import 't'"),
        ("import {} from 't'", "import {} from 't'"),
        (
            "import {\n  T, // why\n  v /* b */ , \n  U,\n} from 't'; v as T & U",
            "import {\n     // why\n  v /* b */ , \n    \n} from 't'; v         ",
        ),
        (
            "import { T\u{e9}\u{20000} } from 't'; x",
            ";                         x",
        ),
    ] {
        assert_eq!(stripped(text, &esm()), expected, "{text}");
    }
}

#[test]
fn an_erased_import_does_not_join_the_lines_around_it() {
    let text = "const a = b\nimport { T } from 't'\n(c as T)()";
    assert_eq!(
        stripped(text, &esm()),
        "const a = b\n;                    \n(c     )()"
    );
}

#[test]
fn exported_types_are_blanked_in_place() {
    for (text, expected) in [
        ("interface T {} export { T }", ";              export {   }"),
        (
            "type T = 1; let v; export { T, v }",
            ";           let v; export {    v }",
        ),
        (
            "interface T {} export default T;",
            ";              ;                ",
        ),
        (
            "import type { T } from 't'; export { T }",
            ";                           export {   }",
        ),
    ] {
        assert_eq!(stripped(text, &esm()), expected);
    }
    // A value of the same name is exported.
    let text = "interface T {} const T = 1; export { T }";
    assert_eq!(
        stripped(text, &esm()),
        ";              const T = 1; export { T }"
    );
}

#[test]
fn a_name_is_used_only_where_it_is_the_imported_one() {
    let shadowed = "import { T } from 't'; function f(T: number) { return T }";
    assert!(stripped(shadowed, &esm()).starts_with(";    "));
    for used in [
        "import { T } from 't'; function f(T: number) { return T } new T()",
        "import { T } from 't'; function f(a: number) { return { T } }",
        "import { T } from 't'; { const T = 1 } export { T }",
        "import { T } from 't'; export default T",
        "import { T } from 't'; class A extends T {}",
        "import { T } from 't'; const x = T satisfies unknown",
        "import { T } from 't'; function f(a = T, b?: (T: number) => void) {}",
        "import { T } from 't'; const T2 = 1; let { [T]: a } = b",
    ] {
        assert!(stripped(used, &esm()).starts_with("import { T }"), "{used}");
    }
    for unused in [
        "import { T } from 't'; class A implements T { m(a: T): asserts a is T {} }",
        "import { T } from 't'; const x = { T: 1 }.T; let y: typeof T",
        "import { T } from 't'; declare const x: T; declare class B extends T {}",
        "import { T } from 't'; type U = T; export type { U }; export type { T }",
        "import { T } from 't'; type U<T> = T; let f = <T,>(a: T) => a",
    ] {
        assert!(stripped(unused, &esm()).starts_with(";    "), "{unused}");
    }
}

#[test]
fn verbatim_module_syntax_keeps_imports() {
    let options = CompileOptions {
        verbatim_module_syntax: true,
        ..esm()
    };
    let text = "import { T } from 't'; import type { U } from 'u'";
    assert_eq!(
        stripped(text, &options),
        "import { T } from 't';                           "
    );
}

#[test]
fn only_what_needs_it_is_transformed() {
    for text in [
        "enum A {}",
        "const enum A { B }",
        "namespace A { export const b = 1 }",
        "class A { constructor(private b: string) {} }",
        "import a = require('a'); a",
        "const a = <string>b",
        "@a class B {}",
        "class A { accessor b = 1 }",
    ] {
        assert!(is_transformed(text, &esm()), "{text}");
    }
    for text in [
        "declare enum A {}",
        "declare const enum A { B }",
        "namespace A { export type b = 1 }",
        "declare namespace A { const b: 1 }",
        "declare global { var a: 1 }",
        "declare module 'a' { export const b: 1 }",
        "class A { constructor(b: string); constructor(b: unknown) {} }",
        "import type a = require('a')",
        "abstract class A { abstract b: string; declare c: string; d!: string; e = 1 }",
        "using a = b(); export const c = a as any",
        "export default interface A {}",
        "export const a = <const T,>(b: T) => b satisfies T",
    ] {
        stripped(text, &esm());
    }
}

#[test]
fn options_decide_what_is_transformed() {
    let assigned = CompileOptions {
        define_fields: false,
        ..esm()
    };
    for text in ["class A { b!: string }", "class A { static b = 1 }"] {
        assert!(is_transformed(text, &assigned), "{text}");
        stripped(text, &esm());
    }
    for text in [
        "abstract class A { declare b: string; abstract c: string }",
        "class A { #b = 1; m() {} static { } }",
        "declare class A { b: string }",
    ] {
        stripped(text, &assigned);
    }
    let lowered = CompileOptions {
        lower_using: true,
        ..esm()
    };
    assert!(is_transformed("{ using a = b() }", &lowered));
    for text in [
        "export {}",
        "import a from 'a'; a()",
        "console.log(import.meta.url)",
        "module.exports = async () => import('a')",
    ] {
        assert!(is_transformed(text, &commonjs()), "{text}");
        stripped(text, &esm());
    }
    for text in [
        "import type { A } from 'a'; exports.b = 1",
        "import { A } from 'a'; exports.b = 1 as A",
        "export type A = 1; export interface B {}",
    ] {
        stripped(text, &commonjs());
    }
}

#[test]
fn top_level_await_decides_the_format_in_a_package_without_type() {
    let options = with_kind(FileKind::CommonJsUnlessTopLevelAwait);
    for (text, expected) in [
        ("await a()", Format::Module),
        ("for await (const a of b) {}", Format::Module),
        ("await using a = b", Format::Module),
        ("export const a = await b", Format::Module),
        (
            "async () => { await a; for await (const b of c) {} }",
            Format::CommonJs,
        ),
        (
            "class A { b = async () => await c; async d() { await e } }",
            Format::CommonJs,
        ),
        ("export const a = 1", Format::CommonJs),
        ("", Format::CommonJs),
    ] {
        let compiled = compile_as("/a.ts", text, &options);
        assert_eq!(compiled.format, expected, "{text}");
        assert_eq!(
            compiled.info.has_top_level_await,
            expected == Format::Module
        );
    }
}

#[test]
fn what_cannot_be_compiled_is_told_with_its_place() {
    let await_error = error_of("/a.cts", "let a;\n  await a", &commonjs());
    assert_eq!((await_error.line, await_error.column), (2, 3));
    assert!(await_error.message.contains("set \"type\": \"module\""));
    assert_eq!(await_error.source_line, "  await a");
    let export = error_of("/a.mts", "\nexport = 1", &esm());
    assert_eq!((export.line, export.column), (2, 1));
    assert!(export.message.contains("export default"));
    let parameter = error_of("/a.ts", "class A { m(@b c) {} }", &esm());
    assert_eq!((parameter.line, parameter.column), (1, 13));
    assert!(parameter.message.contains("experimentalDecorators"));
    let syntax = error_of("/a.ts", "enum A {}\nconst = 1\n", &commonjs());
    assert_eq!((syntax.line, syntax.column), (2, 7));
    assert_eq!(syntax.source_line, "const = 1");
    let jsx = error_of("/a.ts", "const a = <b>c</b>", &esm());
    assert_eq!(jsx.line, 1);
}

#[test]
fn imports_are_those_of_the_source() {
    let text = "enum E { A }\nimport d, { T, v as w } from './a';\nimport { U } from './types';\n\
                export * from './b';\nexport { x } from './c';\nimport e = require('./d');\n\
                const f = () => import('./e');\nawait import('./f');\nrequire('./g');\n\
                function h() { require.resolve('./h') }\nd; w; e; let t: T | U;\n";
    let compiled = compile_as("/a.ts", text, &esm());
    assert!(compiled.map.is_some());
    let imports = &compiled.info.imports;
    let found: Vec<_> = imports
        .iter()
        .map(|i| (i.specifier.as_str(), i.kind, i.at.line, i.lazy, i.all))
        .collect();
    use ImportKind::{Dynamic, Require, Static};
    assert_eq!(
        found,
        [
            ("./a", Static, 2, false, false),
            ("./b", Static, 4, false, true),
            ("./c", Static, 5, false, false),
            ("./d", Require, 6, false, false),
            ("./e", Dynamic, 7, true, false),
            ("./f", Dynamic, 8, false, false),
            ("./g", Require, 9, false, false),
            ("./h", Require, 10, true, false),
        ]
    );
    let names: Vec<_> = imports[0]
        .names
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["default", "v"]);
    // The same without the enum, stripped in place.
    let text = text
        .replace("enum E { A }", "")
        .replace("import e = require('./d');", "let e;");
    let compiled = compile_as("/a.ts", &text, &esm());
    assert!(compiled.map.is_none());
    assert_eq!(
        specifiers(&compiled),
        ["./a", "./b", "./c", "./e", "./f", "./g", "./h"]
    );
    assert_eq!(compiled.info.imports[0].names.len(), 2);
}

#[test]
fn files_of_workers_and_children_are_imports() {
    let text = "new Worker(new URL('./a.ts', import.meta.url));\nfork('./b.ts');\n\
                fork(path.join(__dirname, '..', 'c.js'));\nnew Worker(`${__dirname}/d.cjs`);\n\
                const e = new URL('e.mts', import.meta.url);\nnew Worker(__dirname + '/f.ts');\n\
                child.fork(resolve(import.meta.dirname, 'g.ts'), [], {});\n\
                fork(name); new URL('./data.json', import.meta.url); new URL('/x.ts', base);\n\
                new Worker('queue'); path.join(dir, 'x.ts'); new URL('http://a/x.js', import.meta.url)";
    let compiled = compile_as("/a.mts", text, &esm());
    assert_eq!(
        specifiers(&compiled),
        [
            "./a.ts", "./b.ts", "../c.js", "./d.cjs", "./e.mts", "./f.ts", "./g.ts"
        ]
    );
    let imports = &compiled.info.imports;
    assert!(
        imports
            .iter()
            .all(|i| i.spawned && i.lazy && i.kind == ImportKind::Dynamic)
    );
}

#[test]
fn the_names_of_a_commonjs_module_are_found() {
    for (text, expected) in [
        (
            "export const a = 1, { b, c: [d] } = e; export default 1",
            vec!["a", "b", "d", "default"],
        ),
        (
            "export { a as b, c as default } from 'x'; export * as d from 'y'",
            vec!["b", "default", "d"],
        ),
        (
            "export enum A { B } export namespace C { export const d = 1 } export type E = 1; export class F {}",
            vec!["A", "F", "C"],
        ),
        (
            "import x = require('x'); export = { a: 1, b, c() {}, 'd e': x }",
            vec!["a", "b", "c", "d e"],
        ),
        ("interface T {} const a = 1; export { T, a }", vec!["a"]),
        (
            "exports.a = 1; module.exports.b = exports.c = 2; exports['d'] = 3",
            vec!["a", "b", "c", "d"],
        ),
        (
            "exports.z = 1; module.exports = { a, b: 1 }; Object.defineProperty(exports, 'c', {})",
            vec!["a", "b", "c"],
        ),
        (
            "const width = (a as any)! / 2; exports.half = width",
            vec!["half"],
        ),
        ("0 && (module.exports = { a, b })", vec!["a", "b"]),
        (
            "if (x) { exports.a = 1 } else exports.b = 2",
            vec!["a", "b"],
        ),
        ("let x", vec![]),
    ] {
        let compiled = compile_as("/a.cts", text, &commonjs());
        assert_eq!(
            compiled.exports.as_deref(),
            Some(expected.map_strings().as_slice()),
            "{text}"
        );
    }
    assert_eq!(
        compile_as("/a.mts", "export const a = 1", &esm()).exports,
        None
    );
    let compiled = compile_as("/a.cts", "module.exports = require('./b')", &commonjs());
    assert!(compiled.info.imports[0].all);
    let compiled = compile_as("/a.cts", "export * from './b'", &commonjs());
    assert!(compiled.info.imports[0].all && compiled.info.exports_all);
}

trait MapStrings {
    fn map_strings(&self) -> Vec<String>;
}

impl MapStrings for Vec<&str> {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(|name| (*name).to_owned()).collect()
    }
}

#[test]
fn javascript_is_touched_only_to_lower_it() {
    for (name, text) in [
        ("/a.js", "exports.a = 1; import('b')"),
        ("/a.cjs", "with (a) { b = 010; delete c }"),
        ("/a.js", "import unused from 'a' ??? what"),
        ("/a.js", "return 1"),
    ] {
        let compiled = compile_as(name, text, &commonjs());
        assert_eq!((compiled.code.as_str(), compiled.map), (text, None));
    }
    let compiled = compile_as(
        "/a.js",
        "import unused from 'a'; export const b = 1",
        &commonjs(),
    );
    assert!(compiled.map.is_some());
    assert!(compiled.code.contains("require("), "{}", compiled.code);
    assert_eq!(specifiers(&compiled), ["a"]);
    // Fields of JavaScript are always defined.
    let assigned = CompileOptions {
        define_fields: false,
        ..commonjs()
    };
    let text = "class A { b }";
    assert_eq!(compile_as("/a.js", text, &assigned).code, text);
}

#[test]
fn jsx_imports_its_runtime() {
    let with_mode = |mode, kind| CompileOptions {
        jsx: Jsx {
            mode,
            ..Jsx::default()
        },
        ..with_kind(kind)
    };
    let automatic = JsxMode::Automatic { development: false };
    for kind in [FileKind::Module, FileKind::CommonJs] {
        let compiled = compile_as("/a.tsx", "<a/>;", &with_mode(automatic, kind));
        assert_eq!(specifiers(&compiled), ["react/jsx-runtime"], "{kind:?}");
        let development = with_mode(JsxMode::Automatic { development: true }, kind);
        let compiled = compile_as("/a.jsx", "<a/>;", &development);
        assert_eq!(specifiers(&compiled), ["react/jsx-dev-runtime"]);
        let text = "import React from 'react'; <a/>;";
        let compiled = compile_as("/a.tsx", text, &with_mode(JsxMode::Classic, kind));
        assert_eq!(specifiers(&compiled), ["react"]);
        let compiled = compile_as("/a.tsx", text, &with_mode(automatic, kind));
        assert_eq!(specifiers(&compiled), ["react/jsx-runtime"]);
    }
    let pragma = "/** @jsxImportSource preact */ export const a = <a/>;";
    let compiled = compile_as("/a.tsx", pragma, &with_mode(automatic, FileKind::CommonJs));
    assert_eq!(specifiers(&compiled), ["preact/jsx-runtime"]);
}

#[test]
fn marks_and_line_ends_keep_their_places() {
    let compiled = compile_as(
        "/a.ts",
        "\u{feff}enum A { B }\r\n\r\nconst c = A.B;\r\nthrow c\r\n",
        &esm(),
    );
    let lines: Vec<&str> = compiled.code.lines().collect();
    assert!(lines[2].contains("const c"), "{lines:?}");
    assert!(lines[3].contains("throw c"), "{lines:?}");
    let error = error_of("/a.ts", "\u{feff}let a: = 1;", &esm());
    assert_eq!((error.line, error.column), (1, 8));
    let error = error_of("/a.ts", "enum A {}\r\n\r\n  let a: = 1;\r\n", &esm());
    assert_eq!(
        (error.line, error.column, error.source_line.as_str()),
        (3, 10, "  let a: = 1;")
    );
    // V8 counts U+2028 as the end of a line, and so does the layout.
    let compiled = compile_as(
        "/a.ts",
        "enum A {}\nconst b = '\u{2028}';\nconst c = 1;\n",
        &esm(),
    );
    assert!(compiled.code.contains("'\u{2028}'"));
    assert_eq!(
        compiled.code.lines().nth(2).map(str::trim),
        Some("const c = 1;")
    );
}

#[test]
fn bad_input_is_an_error_with_a_place() {
    let nested = format!(
        "enum A {{}}\nlet a = {}1{}",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    let error = error_of("/a.ts", &nested, &esm());
    assert_eq!(error.message, "is nested too deeply to be parsed");
    assert_eq!(error.line, 2);
    let large = format!("enum A {{}}\n//{}", " ".repeat(16 * 1024 * 1024));
    assert!(
        error_of("/a.ts", &large, &esm())
            .message
            .contains("larger than 16 MiB")
    );
    for text in [
        "enum",
        "@",
        "class A { constructor(private",
        "`${",
        "<",
        "export =",
        "import {",
        "\0",
        "namespace A {",
        "enum A { B = }",
        "/*",
        "a\u{feff}?:",
    ] {
        for name in ["/a.ts", "/a.tsx", "/a.jsx"] {
            for options in [esm(), commonjs()] {
                // Whether it is an error is the parser's business; it must not panic.
                if let Err(error) = compile(Path::new(name), text, &options) {
                    assert!(
                        error.line >= 1 && !error.message.contains("failed"),
                        "{text}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn nesting_within_the_limits_is_compiled() {
    let text = format!(
        "enum A {{ B }}\nlet a = {}1{};\nlet b = {}a;\nlet c = {}1{};\nlet d = 1{};\n",
        "(".repeat(900),
        ")".repeat(900),
        "!".repeat(900),
        "[".repeat(900),
        "]".repeat(900),
        " + 1".repeat(5_000),
    );
    for options in [esm(), commonjs()] {
        let compiled = compile_as("/a.ts", &text, &options);
        assert!(
            compiled
                .code
                .lines()
                .nth(4)
                .is_some_and(|line| line.contains("let d"))
        );
    }
}
