import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeRuntime } from './fake-runtime.mjs';
import { BOOTSTRAP, run } from './spawn.mjs';
import { SYNC_HOOKS, WAYS, app, asked } from './typescript-app.mjs';

for (const [way, flags] of Object.entries(WAYS)) {
  test(`TypeScript as ES modules, with CommonJS and JavaScript beside it: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `import { shout } from './shout.ts';
import { plain } from './plain.mjs';
import common from './common.cts';
import { createRequire } from 'node:module';
const answer: string = shout('a') + plain + common.number;
const later = await import('./later.mts');
const required = createRequire(import.meta.url)('./common.cts');
console.log(JSON.stringify([answer, later.default, required === common, import.meta.url]));
export default answer;
`,
      'shout.ts': `type Text = string;\nexport const shout = (text: string) => text.toUpperCase();\n`,
      'plain.mjs': `export const plain = 'p';\n`,
      'common.cts': `const number: number = 7;\nexports.number = number;\nexports.main = require.main;\n`,
      'later.mts': `const x: number = 3;\nexport default x;\n`,
    });
    const child = run(t, join(root, 'domain.ts'), { flags, config: { ts } });
    assert.deepEqual(await child.exit, { code: 0, signal: null }, child.output);
    assert.deepEqual(JSON.parse(child.output), ['Ap7', 3, true, `file://${root}/domain.ts`]);
    assert.deepEqual(asked(root), [], 'the table knew every file');
  });

  test(`a stack names the line and column of the TypeScript: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `import { fail } from './fail.ts';\nfail('x');\n`,
      'fail.ts': `export function fail(why: string) {\n  const more: number = 1; throw new Error(why + more);\n}\n`,
    });
    const child = run(t, join(root, 'domain.ts'), { flags, config: { ts } });
    assert.equal((await child.exit).code, 1);
    assert.match(child.output, new RegExp(`Error: x1\\n +at fail \\(file://${root}/fail\\.ts:2:33\\)\\n +at file://${root}/domain\\.ts:2:1`));
  });

  test(`CommonJS TypeScript as the entry: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.cts': `const { twice } = require('./twice.cts');\nconst n: number = twice(4);\nconsole.log(JSON.stringify([n, __filename, require.main === module]));\n`,
      'twice.cts': `exports.twice = (n: number) => n * 2;\n`,
    }, { commonjs: true });
    const child = run(t, join(root, 'domain.cts'), { flags: ['--require', BOOTSTRAP], config: { ts } });
    assert.deepEqual(await child.exit, { code: 0, signal: null }, child.output);
    assert.deepEqual(JSON.parse(child.output), [8, join(root, 'domain.cts'), true]);
  });

  test(`a file that the table does not know, or knows otherwise, is compiled then: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `import { a } from './new.ts';\nimport { b } from './changed.ts';\nconsole.log(a + b);\n`,
      'new.ts': `export const a: string = 'a';\n`,
      'changed.ts': `export const b: string = 'b';\n`,
    }, { missing: ['new.ts'] });
    writeFileSync(join(root, 'changed.ts'), `export const b: string = 'changed';\n`);
    const child = run(t, join(root, 'domain.ts'), { flags, config: { ts } });
    assert.deepEqual(await child.exit, { code: 0, signal: null }, child.output);
    assert.equal(child.output, 'achanged\n');
  });

  test(`what cannot be compiled is a SyntaxError with the helper's words: ${way}`, async (t) => {
    const { root, ts } = app(t, { 'domain.ts': `import './bad.ts';\n`, 'bad.ts': `const broken = 1;\nexport {};\n` }, { missing: ['bad.ts'] });
    const child = run(t, join(root, 'domain.ts'), { flags, config: { ts } });
    assert.equal((await child.exit).code, 1);
    assert.match(child.output, new RegExp(`SyntaxError.*: ${root}/bad\\.ts:1:7: this is broken`));
  });

  test(`a TypeScript domain registers: ${way}`, async (t) => {
    const runtime = await new FakeRuntime().listen();
    t.after(() => runtime.close());
    const { root, ts } = app(t, {
      'domain.ts': `import { DomainBase } from '@fulcrum/domain';\nexport default class Users extends DomainBase {\n  getHandler(payload: string) { return { payload }; }\n}\n`,
    }, { install: true });
    const child = run(t, join(root, 'domain.ts'), { runtime, flags, config: { ts } });
    const peer = await runtime.registered();
    assert.deepEqual((await peer.request('get_request', '"x"')).payload, { payload: 'x' });
    peer.send({ type: 'drain', payload: '{"deadline_ms":10}' });
    assert.deepEqual(await child.exit, { code: 0, signal: null });
    assert.equal(runtime.peers.length, 1);
    assert.equal(child.output, '');
  });

  // Node 22 cannot link the imports of a module that an imported CommonJS file required, if a hook provided the source.
  const unlinked = /^v22\./.test(process.version) && way.endsWith('--import');
  test(`an import of nothing and a require of a module in TypeScript: ${way}`, { skip: !process.features.require_module || unlinked }, async (t) => {
    const { root, ts } = app(t, {
      'domain.cts': `const { a } = require('./module.mts');\nconsole.log(a);\nimport('./none.ts').catch((error) => console.log(error.code));\n`,
      'module.mts': `import { b } from './other.ts';\nexport const a: string = 'a' + b;\n`,
      'other.ts': `export const b: string = 'b';\n`,
    });
    const child = run(t, join(root, 'domain.cts'), { flags, config: { ts } });
    await child.exit;
    if (!SYNC_HOOKS && way.startsWith('hooks thread')) {
      // Hooks of a thread do not apply to the imports of a required module; Node names the file.
      assert.match(child.output, /ERR_UNKNOWN_FILE_EXTENSION|ab/);
      return;
    }
    assert.match(child.output, /^ab$/m);
    assert.match(child.output, /^ENOENT|ERR_MODULE_NOT_FOUND$/m);
  });
}

test('internals that the flag exposed are hidden again', { skip: SYNC_HOOKS && 'this Node needs no such flag' }, async (t) => {
  const { root, ts } = app(t, {
    'domain.ts': `import { builtinModules, createRequire, isBuiltin } from 'node:module';
import own from 'internal/util';
const require = createRequire(import.meta.url);
let refused = '';
try { require('internal/options'); } catch (error) { refused = error.code; }
console.log(JSON.stringify([builtinModules.some((id) => id.startsWith('internal/')), isBuiltin('internal/util'), own, require('internal/util'), refused, process.execArgv.includes('--expose-internals')]));
export {};
`,
    'node_modules/internal/util.js': `module.exports = 'own';\n`,
    'node_modules/internal/package.json': `{"name":"internal","exports":{"./util":"./util.js"}}`,
  });
  const child = run(t, join(root, 'domain.ts'), { flags: WAYS['patched loader, --require'], config: { ts } });
  await child.exit;
  assert.deepEqual(JSON.parse(child.output), [false, false, 'own', 'own', 'ERR_PACKAGE_PATH_NOT_EXPORTED', false]);
});

test('worker threads and forked children load TypeScript too', async (t) => {
  const { root, ts } = app(t, {
    'domain.ts': `import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
const file = new URL('./child.ts', import.meta.url);
new Worker(file).on('exit', (code) => console.log('worker', code));
fork(file).on('exit', (code) => console.log('fork', code));
export {};
`,
    'child.ts': `const n: number = 2;\nconsole.log('child', n);\nexport {};\n`,
  });
  const child = run(t, join(root, 'domain.ts'), { flags: WAYS['patched loader, --require'], config: { ts } });
  await child.exit;
  assert.deepEqual(child.output.trim().split('\n').sort(), ['child 2', 'child 2', 'fork 0', 'worker 0']);
});
