//! Compiled programs do what TypeScript says. They are run by the Node of this machine; without one
//! the tests are skipped.
#![expect(
    clippy::disallowed_methods,
    reason = "Node runs the programs of a test without a supervisor"
)]

use std::process::Command;

use super::super::compile_options::{Jsx, JsxMode};
use super::*;

/// A program: its files, of which the first is run, and what it prints.
struct Program<'a> {
    options: CompileOptions,
    files: &'a [(&'a str, &'a str)],
    output: &'a str,
}

fn commonjs() -> CompileOptions {
    CompileOptions {
        kind: FileKind::CommonJs,
        lower_using: true,
        ..CompileOptions::default()
    }
}

fn esm() -> CompileOptions {
    CompileOptions {
        kind: FileKind::Module,
        ..commonjs()
    }
}

fn legacy(metadata: bool) -> CompileOptions {
    CompileOptions {
        decorators: Decorators::Legacy {
            metadata,
            strict_null_checks: false,
        },
        ..commonjs()
    }
}

fn assigned() -> CompileOptions {
    CompileOptions {
        define_fields: false,
        ..commonjs()
    }
}

fn has_node() -> bool {
    let version = Command::new("node").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Compiles the files of a program next to each other and runs the first; its output.
fn run(program: &Program<'_>) -> String {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let root = dir.path().canonicalize().expect("the directory exists");
    let package_type = match program.options.kind {
        FileKind::Module => "module",
        _ => "commonjs",
    };
    let package = format!("{{\"type\": \"{package_type}\"}}");
    std::fs::write(root.join("package.json"), package).expect("the file can be written");
    let mut entry = None;
    for (name, text) in program.files {
        let source = root.join(name);
        let compiled = compile(&source, text, &program.options).unwrap_or_else(|e| panic!("{e}"));
        let code = source.with_extension(match source.extension().and_then(|e| e.to_str()) {
            Some("mts" | "mjs") => "mjs",
            Some("cts" | "cjs") => "cjs",
            _ => "js",
        });
        let mut text = compiled.code;
        std::fs::create_dir_all(code.parent().unwrap_or(&root)).expect("a directory can be made");
        if let Some(map) = compiled.map {
            let file = code.with_extension("map");
            std::fs::write(&file, map).expect("the file can be written");
            // Node 20 finds a map by a path, not by a URL.
            text.push_str(&format!("//# sourceMappingURL={}", file.display()));
        }
        std::fs::write(&code, text).expect("the file can be written");
        entry.get_or_insert(code);
    }
    let output = Command::new("node")
        .arg("--enable-source-maps")
        .arg(entry.expect("a program has a file"))
        .output()
        .expect("Node runs");
    let error = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &error;
    text.replace(&format!("{}/", root.display()), "")
        .trim_end()
        .to_owned()
}

fn check(programs: &[Program<'_>]) {
    if !has_node() {
        return;
    }
    for program in programs {
        assert_eq!(run(program), program.output, "{}", program.files[0].1);
    }
}

fn one<'a>(
    options: CompileOptions,
    files: &'a [(&'a str, &'a str)],
    output: &'a str,
) -> Program<'a> {
    Program {
        options,
        files,
        output,
    }
}

#[test]
fn enums_and_namespaces_have_their_values() {
    check(&[
        one(
            esm(),
            &[(
                "a.ts",
                "export enum A { X, Y = 'y', Z = X + 2, W = 'abc'.length, V = -1, 'q r' = 3 }\nenum A { U = 9, T = X }\nconst enum C { P = 1, Q }\nconsole.log(JSON.stringify(A), C.P, C.Q, A[2])",
            )],
            r#"{"0":"T","2":"Z","3":"q r","9":"U","X":0,"Y":"y","Z":2,"W":3,"V":-1,"-1":"V","q r":3,"U":9,"T":0} 1 2 Z"#,
        ),
        one(
            commonjs(),
            &[
                ("a.ts", "import { C } from './b';\nconsole.log(C.A, C.B)"),
                ("b.ts", "export const enum C { A = 1, B = 'b' }"),
            ],
            "1 b",
        ),
        one(
            esm(),
            &[(
                "a.ts",
                "namespace A.B { export const x = 1; export let y = x; export const f = () => y++; export namespace D { export const z = x + y } }\nnamespace A { export const z = B.x; const w = () => ({ z, v: B }); export const u = w() }\nnamespace A { export let v = z; v += z; export const t = [v, u.z] }\nfunction f() {}\nnamespace f { export const p = 1 }\nclass K {}\nnamespace K { export const k = new K() }\nimport X = A.B;\nX.f();\nconsole.log(A.B.y, A.t, A.u.v === A.B, A.B.D.z, f.p, K.k)",
            )],
            "2 [ 2, 1 ] true 2 1 K {}",
        ),
    ]);
}

#[test]
fn classes_follow_the_options() {
    const FIELDS: &str = "class M { constructor(d: object) { Object.assign(this, d) } }\nclass U extends M { id!: number; name?: string; x = 1; static y = 2; static z: number; 'q w' = 4; [Symbol.toStringTag] = 'T' }\nconsole.log((new U({ id: 1, name: 'a' }) as any).id, Object.keys(U).join(), Object.keys(new U({})).join(), String(new U({})));";
    check(&[
        one(
            commonjs(),
            &[("a.ts", FIELDS)],
            "undefined y,z id,name,x,q w [object T]",
        ),
        one(assigned(), &[("a.ts", FIELDS)], "1 y x,q w [object T]"),
        one(
            assigned(),
            &[(
                "a.ts",
                "class D { get(k: string) { return k } }\nclass S { private readonly url = this.dep.get('url'); #p = this.url + '!'; constructor(private readonly dep: D) { console.log(this.url, this.#p) } }\nnew S(new D());\nclass A { constructor(public n: number) {} }\nclass B extends A { x = 1; constructor(f: boolean) { if (f) { super(1) } else { super(2) } console.log(this.x) } }\nconsole.log(new B(true), new B(false));\nconst x = 5;\nclass C { y = x; constructor(x: number) { console.log(this.y, x) } }\nnew C(6);",
            )],
            "url url!\n1\n1\nB { n: 1, x: 1 } B { n: 2, x: 1 }\n5 6",
        ),
        one(
            commonjs(),
            &[(
                "a.ts",
                "class B { constructor(public a: number) {} }\nclass C extends B { constructor(private readonly b = 2, protected c?: string) { super(b); console.log(this.b) } d = 5 }\nconsole.log(new C(7, 'x'), new C());",
            )],
            "7\n2\nC { a: 7, b: 7, c: 'x', d: 5 } C { a: 2, b: 2, c: undefined, d: 5 }",
        ),
        one(
            esm(),
            &[(
                "a.ts",
                "class A { accessor x = 1; accessor y; static accessor z = 3; accessor #p = 4; p() { return this.#p++ + this.#p } accessor ['k'] = 9 }\nconst a = new A(); a.x = 5;\nconsole.log(a.x, a.y, A.z, a.p(), a.k, Object.keys(a))",
            )],
            "5 undefined 3 9 9 []",
        ),
    ]);
}

const DECORATED: &str = "const log: string[] = [];
function d(n: string): any { log.push(n); return (...a: any[]) => { log.push(n + '!' + typeof a[0] + ' ' + String(a[1]) + ' ' + (typeof a[2] === 'object' ? 'd' : a[2])) } }
@d('c1') @d('c2')
class A {
  @d('sp') static y = 2;
  @d('p') x = 1;
  @d('m') m(@d('mp') a: number) {}
  @d('sm') static s() {}
  @d('acc') accessor v = 1;
  constructor(@d('cp') q: number) {}
}
console.log(log.join(', '));
console.log(A.name, Object.keys(new A(1)));";

#[test]
fn legacy_decorators_are_applied_as_typescript_does() {
    check(&[
        one(
            legacy(false),
            &[("a.ts", DECORATED)],
            "p, p!object x undefined, m, mp, mp!object m 0, m!object m d, acc, acc!object v d, sp, sp!function y undefined, sm, sm!function s d, c1, c2, cp, cp!function undefined 0, c2!function undefined undefined, c1!function undefined undefined\nA [ 'x' ]",
        ),
        one(
            legacy(false),
            &[(
                "a.ts",
                "function rep(c: any): any { return class extends c { replaced = true } }\n@rep class A { static self = A; static make() { return new A() } get() { return { A } } }\nconst a: any = A.make();\nconsole.log(a.replaced, A.self === A, a.get().A === A);\n@rep export class E { static m() { return new E() } }\nconsole.log((E.m() as any).replaced);\n@rep export default class F { m() { return F } }\nconsole.log(new F().m() === F)",
            )],
            "true false true\ntrue\ntrue",
        ),
    ]);
}

#[test]
fn metadata_tells_the_types() {
    let text = "(Reflect as any).metadata = (k: string, v: any) => (t: any, p?: string) => console.log(t.name ?? t.constructor.name, p ?? '-', k, Array.isArray(v) ? v.map((x: any) => x.name).join() : v.name);
interface I { a: 1 } class Dep {} enum S { A = 'a' } enum N { A }
function d(...a: any[]): any {}
@d class A { constructor(a: Dep, private b: string, c: number[], i: I, u: string | null, p: Promise<void>, s: S, n: N, f: () => void, q?: boolean) {}
  @d x: Dep;
  @d async m(a: Date): Promise<string> { return '' }
}";
    check(&[one(
        legacy(true),
        &[("a.ts", text)],
        "A x design:type Dep\nA m design:returntype Promise\nA m design:paramtypes Date\nA m design:type Function\nA - design:paramtypes Dep,String,Array,Object,String,Promise,String,Number,Function,Boolean\nA - design:type Function",
    )]);
}

#[test]
fn metadata_follows_typescript() {
    let text = "(Reflect as any).metadata = (k: string, v: any) => (t: any, p?: string) => { if (k !== 'design:returntype') console.log(p ?? '-', Array.isArray(v) ? v.map((x: any) => x.name).join() : v.name) };
function d(...a: any[]): any {}
class User { @d self!: User; @d maybe?: User | null; @d num!: number | undefined; @d set(...rest: number[]) {} @d list(...rest: Array<User>) {} }";
    let strict = CompileOptions {
        decorators: Decorators::Legacy {
            metadata: true,
            strict_null_checks: true,
        },
        ..commonjs()
    };
    // The interface is no export of the module, and must not be imported by its name.
    let shapes = "(Reflect as any).metadata = (_: string, v: any) => () => console.log(v?.map?.((x: any) => x.name).join() ?? v?.name);
import { Shape, Circle, Both } from './b.js';
import Default from './b.js';
function d(...a: any[]): any {}
class A { constructor(public q = new Both()) {} @d m(s: Shape, c: Circle, b: Both, e: Default) {} }
export { A };";
    let module = CompileOptions {
        kind: FileKind::Module,
        ..legacy(true)
    };
    check(&[
        one(
            legacy(true),
            &[("a.ts", text)],
            "self User\nmaybe User\nnum Number\nset Number\nset Function\nlist User\nlist Function",
        ),
        one(
            strict,
            &[("a.ts", text)],
            "self User\nmaybe Object\nnum Object\nset Number\nset Function\nlist User\nlist Function",
        ),
        one(
            module,
            &[
                ("a.ts", shapes),
                (
                    "b.ts",
                    "export interface Shape {}\nexport class Circle {}\nexport class Both {}\nexport default class D {}",
                ),
            ],
            "undefined\nObject,Circle,Both,D\nFunction",
        ),
    ]);
}

#[test]
fn modules_in_a_cycle_see_what_is_there() {
    check(&[
        one(
            commonjs(),
            &[
                (
                    "a.ts",
                    "import { B } from './b';\nexport class A { b = new B() }\nexport const c = 1, d = 2;\nconsole.log(new A())",
                ),
                (
                    "b.ts",
                    "import { A, c } from './a';\nconsole.log(typeof A, c);\nexport class B {}",
                ),
            ],
            "undefined undefined\nA { b: B {} }",
        ),
        one(
            commonjs(),
            &[
                (
                    "a.ts",
                    "(async () => { const m = await import('./b.js'); console.log(m.default.name, m.x); const n = await import('./c.cjs'); console.log(n.default.y) })();\nexport {}",
                ),
                ("b.ts", "export default class Q {}\nexport const x = 1"),
                ("c.cjs", "exports.y = 2"),
            ],
            "Q 1\n2",
        ),
    ]);
}

#[test]
fn standard_decorators_are_lowered() {
    let text = "const log: string[] = [];
function d(n: string) { log.push(n); return (v: any, c: any) => { log.push([n, c.kind, String(c.name), c.static, c.private].join(' ')); c.addInitializer?.(() => log.push('init ' + n)); if (c.kind === 'field') return (x: any) => x * 2; if (c.kind === 'accessor') return { init: (x: any) => x + 100 } } }
@d('c')
class A { @d('f') x = 1; @d('m') m() {} @d('a') accessor z = 3; @d('pm') #pm() {} @d('pf') #pf = 4; pf() { return this.#pf } static accessor w = 5 }
const a = new A();
console.log(log.join(', '));
console.log(a.x, a.z, a.pf(), A.w, A.name);";
    let output = "c, f, m, a, pm, pf, m method m false false, a accessor z false false, pm method #pm false true, f field x false false, pf field #pf false true, c class A  , init c, init m, init pm, init f, init a, init pf\n2 103 8 5 A";
    check(&[
        one(commonjs(), &[("a.ts", text)], output),
        one(esm(), &[("a.ts", &format!("{text}\nexport {{}}"))], output),
        one(
            commonjs(),
            &[(
                "a.ts",
                "(Symbol as any).metadata ??= Symbol('metadata');\nlet read: any, meta: any;\nconst d = (_: unknown, c: any) => { read = c.access.get; meta = c.metadata; c.metadata[c.name] = 1 };\nclass A { @d #p = 42 }\nconst a = new A();\nconsole.log(read(a));\nclass B extends A { @d q = 1 }\nconsole.log(meta['#p'], Object.keys(meta))",
            )],
            "42\n1 [ 'q' ]",
        ),
    ]);
}

#[test]
fn modules_are_lowered_to_commonjs() {
    check(&[
        one(
            commonjs(),
            &[
                (
                    "a.ts",
                    "import { b, getA } from './b';\nexport let a = 1;\nexport function inc() { a++ }\nexport default function hoisted() { return 'h' }\nconsole.log(b, getA()); inc(); console.log(getA())",
                ),
                (
                    "b.ts",
                    "import { a } from './a';\nimport h, { inc } from './a';\nimport * as A from './a';\nconsole.log(typeof inc, h(), Object.keys(A).join());\nexport const b = 'b';\nexport const getA = () => a",
                ),
            ],
            "function h a,default,inc\nb 1\n2",
        ),
        one(
            commonjs(),
            &[
                (
                    "a.ts",
                    "import d, { a } from './m.cjs';\nimport * as ns from './m.cjs';\nimport f, * as fns from './f.cjs';\nimport es, { named } from './es.cjs';\nimport * as esns from './es.cjs';\nd.set(2);\nconsole.log(d.a, a, ns.a, ns.default === d, f(), fns.p, es, named, esns.default)",
                ),
                (
                    "m.cjs",
                    "exports.a = 1; exports.set = v => { exports.a = v }",
                ),
                ("f.cjs", "module.exports = () => 7; module.exports.p = 3"),
                (
                    "es.cjs",
                    "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'D'; exports.named = 'N'",
                ),
            ],
            "2 2 2 true 7 3 D N D",
        ),
        one(
            commonjs(),
            &[
                (
                    "a.ts",
                    "export * from './b';\nexport * as ns from './c';\nexport { default } from './b';\nexport { x as y, default as z } from './c';\nexport const own = 1;\nimport * as self from './a';\nconsole.log(Object.keys(self).sort().join(), self.default, self.own, self.p, self.y, self.z.name, self.ns.x)",
                ),
                ("b.ts", "export const p = 1, own = 2;\nexport default 'bd'"),
                ("c.ts", "export const x = 5;\nexport default class Q {}"),
            ],
            "default,ns,own,p,y,z bd 1 1 5 Q 5",
        ),
        one(
            commonjs(),
            &[
                (
                    "a.ts",
                    "import b = require('./b');\nimport { x } from './c';\nconsole.log(b(2), b.q, x);\nexport = b",
                ),
                (
                    "b.ts",
                    "function b(n: number) { return n }\nnamespace b { export const q = 2 }\nexport = b",
                ),
                ("c.ts", "export const x = 1"),
            ],
            "2 2 1",
        ),
        one(
            commonjs(),
            &[
                (
                    "a.ts",
                    "import { x, y, z } from './b';\nconsole.log(x.name, y.name, z.name)",
                ),
                (
                    "b.ts",
                    "export { default as x } from './c';\nexport { default as y } from './d';\nexport { default as z } from './e'",
                ),
                ("c.ts", "export default () => 1"),
                ("d.ts", "export default class {}"),
                ("e.ts", "export default function () {}"),
            ],
            "default default default",
        ),
        one(
            commonjs(),
            &[(
                "a.ts",
                "export const t = this;\nconsole.log(t, typeof require, typeof module);\n(async () => { const m = await import('node:path'); console.log(typeof m.join, typeof m.default.join) })()",
            )],
            "undefined function object\nfunction function",
        ),
    ]);
}

#[test]
fn generated_names_clash_with_none_of_the_source() {
    check(&[
        one(
            commonjs(),
            &[
                (
                    "a.ts",
                    "import * as b from './b';\nimport d, { b as b2 } from './b';\nconst _export = 1, _b = 2, target = 3, all = 4, _interop_require_wildcard = 5, _default = 6, name = 7;\nexport const x = (require: number, exports: number, Object: number) => [require, exports, Object];\nexport default () => 8;\nexport const y = 1;\nclass A { accessor value = 1; [String('k')] = 2; constructor(public _key = 3) {} }\nconsole.log(b.b, b2, d, _export, _b, target, all, _interop_require_wildcard, _default, name, x(1, 2, 3).join(), new A())",
                ),
                ("b.ts", "export const b = 'b';\nexport default 'd'"),
            ],
            "b b d 1 2 3 4 5 6 7 1,2,3 A { _key: 3, k: 2 }",
        ),
        one(
            commonjs(),
            &[(
                "a.ts",
                "const Object = 1, Promise = 2;\nexport { Object, Promise };\nexport default function () { return Object + Promise }\nimport self from './a';\nconsole.log(self(), self.name);\nnamespace A { export class A { b = 1 } export const c = new A() }\nconsole.log(A.A.name, A.c)",
            )],
            "3 default\nA A { b: 1 }",
        ),
        one(
            assigned(),
            &[(
                "a.ts",
                "const x = 5, y = 6;\nclass C { a = x; b = () => y; constructor(public x: number) { const y = 7; console.log(this.a, this.b(), x, this.x, y) } }\nnew C(8);\nexport {}",
            )],
            "5 6 8 8 7",
        ),
        one(
            legacy(true),
            &[(
                "a.ts",
                "(Reflect as any).metadata = (_: string, v: any) => () => v === Number && console.log('number');\nfunction d(...a: any[]): any {}\nfunction f(Number: unknown, String: unknown) { class A { @d x: number } return [Number, String] }\nconsole.log(f(1, 2))",
            )],
            "number\n[ 1, 2 ]",
        ),
    ]);
}

#[test]
fn what_modules_have_works_in_commonjs() {
    check(&[
        one(
            commonjs(),
            &[(
                "a.ts",
                "import { basename } from 'node:path';\nconsole.log(basename(import.meta.url), basename(import.meta.filename), import.meta.dirname === __dirname, import.meta.resolve('fs'), import.meta.main);\nconst m = import.meta;\nconsole.log(m.url === import.meta.url, (import.meta as any).env)",
            )],
            "a.js a.js true node:fs true\ntrue undefined",
        ),
        one(
            commonjs(),
            &[(
                "a.ts",
                "import { createRequire } from 'node:module';\nimport path from 'node:path';\nimport { fileURLToPath } from 'node:url';\nconst __filename = fileURLToPath(import.meta.url);\nconst __dirname = path.dirname(__filename);\nconst require = createRequire(import.meta.url);\nconst module = { a: 1 };\nexport const exports = 5;\nconsole.log(require('node:path').sep, path.basename(__filename), path.isAbsolute(__dirname), { module, exports })",
            )],
            "/ a.js true { module: { a: 1 }, exports: 5 }",
        ),
        one(
            esm(),
            &[(
                "a.ts",
                "import fs = require('node:fs');\nconsole.log(typeof fs.readFileSync)",
            )],
            "function",
        ),
    ]);
}

#[test]
fn disposal_is_lowered() {
    const RESOURCES: &str = "const r = (n: string) => ({ n, [Symbol.dispose]() { console.log('-' + n) } });\nconst ar = (n: string) => ({ n, async [Symbol.asyncDispose]() { console.log('~' + n) } });\n";
    let inner = format!(
        "{RESOURCES}function f() {{ using a = r('a'), b = r('b'); console.log(a.n + b.n) }}\nf();\nasync function g() {{ await using c = ar('c'); for (using d of [r('d')]) console.log(d.n); {{ using e = r('e'); throw new Error('x') }} }}\ng().catch(e => console.log(e.message))"
    );
    let top = format!(
        "{RESOURCES}using a = r('a');\nexport const x = a.n;\nexport let {{ y, z: [w] }} = {{ y: 1, z: [2] }};\nexport default x + 'd';\nexport function f() {{ return x + y }}\nexport class C {{ v = w }}\nconsole.log(f(), new C())"
    );
    for options in [commonjs(), esm()] {
        check(&[
            one(
                options.clone(),
                &[("a.ts", &inner)],
                "ab\n-b\n-a\nd\n-d\n-e\n~c\nx",
            ),
            one(options.clone(), &[("a.ts", &top)], "a1 C { v: 2 }\n-a"),
            one(
                options,
                &[(
                    "a.ts",
                    "try { using a = { [Symbol.dispose]() { throw new Error('close') } }; throw new Error('body') } catch (e: any) { console.log(e.name, e.error.message, e.suppressed.message) }",
                )],
                "SuppressedError close body",
            ),
        ]);
    }
}

#[test]
fn jsx_becomes_calls() {
    let classic = CompileOptions {
        jsx: Jsx {
            factory: Some("h".to_owned()),
            fragment_factory: Some("F".to_owned()),
            ..Jsx::default()
        },
        ..commonjs()
    };
    let automatic = CompileOptions {
        jsx: Jsx {
            mode: JsxMode::Automatic { development: false },
            import_source: Some("./lib".to_owned()),
            ..Jsx::default()
        },
        ..commonjs()
    };
    let runtime = "export const Fragment = 'frag';\nexport const jsx = (t: any, p: any, k?: any) => [t, p, k];\nexport const jsxs = jsx;\nexport const h = (...a: any[]) => a, F = 'F';";
    check(&[
        one(
            classic,
            &[
                (
                    "a.tsx",
                    "import { h, F } from './h';\nconst x = (\n  <a b=\"1\" {...{ c: 2 }}>\n    <>t &amp; {1}</>\n  </a>\n);\nconsole.log(JSON.stringify(x))",
                ),
                ("h.ts", runtime),
            ],
            r#"["a",{"b":"1","c":2},["F",null,"t & ",1]]"#,
        ),
        one(
            automatic,
            &[
                (
                    "a.tsx",
                    "const f = <T,>(x: T) => x;\nconsole.log(JSON.stringify(<a key=\"k\" b={f(1)}><>t</></a>))",
                ),
                ("lib/jsx-runtime.ts", runtime),
            ],
            r#"["a",{"b":1,"children":["frag",{"children":"t"},null]},"k"]"#,
        ),
    ]);
}

#[test]
fn errors_have_the_place_of_the_source() {
    let text = "enum A { X }

function boom(): never {
  throw new Error('x');
}

class Foo {
  constructor(private a: number) {}

  go() {
    return (
      boom()
    );
  }

  async later<T>(value: T) { await value;   boom(); }
}
const places = (e: any) => e.stack.split('\\n').slice(1, 4).map((s: string) => s.replace(/.*\\//, '')).join(' ');
try { new Foo(1).go() } catch (e) { console.log(places(e)) }
new Foo(1).later(1).catch(e => console.log(places(e)));
";
    let expected = "a.ts:4:9) a.ts:12:7) a.ts:19:18)\na.ts:4:9) a.ts:16:45) task_queues:95:5)";
    // Without a source map.
    let sites = "enum A { X }
Error.prepareStackTrace = (_, sites) => sites.slice(0, 2).map((s: any) => s.getLineNumber() + ':' + s.getColumnNumber()).join(' ');
class Foo {
  constructor(private a: number) {
    console.log(new Error().stack);
  }
}

export default new Foo(1);
";
    check(&[
        one(commonjs(), &[("a.ts", text)], expected),
        one(
            assigned(),
            &[("a.ts", &format!("{text}export {{}};"))],
            expected,
        ),
        one(commonjs(), &[("a.ts", sites)], "5:17 9:16"),
    ]);
}
