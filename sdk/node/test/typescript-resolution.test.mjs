// How imports and requires of TypeScript find their files: by the table, else by the helper or Node.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from './spawn.mjs';
import { USUAL, WAYS, app, asked } from './typescript-app.mjs';

const MAJOR = parseInt(process.versions.node, 10);
/** What a program prints as JSON, one value. */
async function printed(child) {
  const exit = await child.exit;
  assert.deepEqual(exit, { code: 0, signal: null }, child.output);
  return JSON.parse(child.output);
}

for (const [way, flags] of Object.entries(WAYS)) {
  test(`every spelling of an import finds its file in the table: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `import { a } from './lib/a.js';
import { b } from './lib/b';
import { c } from '@/lib/c';
import { index } from './lib';
import data, { name } from './data.json';
import { twice } from './lib/a.js?v=1';
const d: any = await import('./lib/d.mjs');
console.log(JSON.stringify([a, b, c, d.d, index, data, name, twice === a, import.meta.resolve('./lib/b')]));
`,
      'lib/a.ts': `export const a: string = 'a';\nexport const twice = import.meta.url.endsWith('?v=1') && a;\n`,
      'lib/a.js': `throw new Error('the TypeScript takes precedence');\n`,
      'lib/b.ts': `export const b: string = 'b';\n`,
      'lib/c.ts': `export const c: string = 'c';\n`,
      'lib/d.mts': `export const d: string = 'd';\n`,
      'lib/index.ts': `export const index: string = 'i';\n`,
      'data.json': '{"name":"n","default":1}',
    }, { aliases: true });
    const value = await printed(run(t, join(root, 'domain.ts'), { flags, config: { ts } }));
    assert.deepEqual(value, ['a', 'b', 'c', 'd', 'i', { name: 'n', default: 1 }, 'n', true, `file://${root}/lib/b.ts`]);
    assert.deepEqual(asked(root), []);
  });

  test(`CommonJS in TypeScript has its names, and is one module for import and require: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `import common, { area, width, missing } from './common.cts';
import * as space from './common.cts';
import { again } from './again.cts';
import { createRequire } from 'node:module';
const required: any = createRequire(import.meta.url)('./common.cts');
console.log(JSON.stringify([area(3), width, missing ?? null, required === common, Object.keys(space).sort(), again.area === common.area, common.parent, common.main, common.cached]));
`,
      'common.cts': `const half = (width: any) => width / 2; // '
exports.area = (width: any) => half(width) * width;
exports.width = 4;
exports.missing = undefined;
exports.parent = String(module.parent);
exports.main = String(require.main);
exports.cached = typeof require.cache[__filename];
`,
      'again.cts': `const again = require('./common.cts');\nexports.again = again;\n`,
    });
    const [area, width, missing, same, names, again, parent, main, cached] = await printed(run(t, join(root, 'domain.ts'), { flags, config: { ts } }));
    assert.deepEqual([area, width, missing, same, again, parent, main, cached], [4.5, 4, null, true, true, 'undefined', 'undefined', 'object']);
    assert.deepEqual(names.filter((name) => name !== 'module.exports'), ['area', 'cached', 'default', 'main', 'missing', 'parent', 'width']);
    assert.equal(names.includes('module.exports'), MAJOR >= 23);
  });

  test(`names that the table leaves to Node: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `import { one, two } from './all.cts';\nconsole.log(JSON.stringify([one, two]));\n`,
      'all.cts': `const n: number = 1;\nmodule.exports = { one: n, ...require('./two.cts') };\n`,
      'two.cts': `exports.two = 2;\n`,
    });
    assert.deepEqual(await printed(run(t, join(root, 'domain.ts'), { flags, config: { ts } })), [1, 2]);
  });

  test(`computed specifiers are asked once, also for all that the file imports: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `const names = ['./more/a', './more/a', './more/plain.mjs', './data.json', 'node:fs', 'left'];
const found = [];
for (const name of names) found.push(Object.keys(await import(name)).length > 0);
console.log(JSON.stringify(found));
`,
      'data.json': '{"a":1}',
      'more/a.ts': `import { b } from './b.js';\nexport const a: string = 'a' + b;\n`,
      'more/b.ts': `export const b: string = 'b';\n`,
      'more/plain.mjs': 'export const plain = 1;',
      'node_modules/left/index.js': 'exports.left = 1;',
    }, { missing: ['more/a.ts', 'more/b.ts'] });
    assert.deepEqual(await printed(run(t, join(root, 'domain.ts'), { flags, config: { ts } })), [true, true, true, true, true, true]);
    assert.deepEqual(asked(root).map(({ resolve, load }) => resolve ?? load), ['./more/a']);
    const [{ from, kind, node }] = asked(root);
    assert.deepEqual([from, kind, node], [join(root, 'domain.ts'), 'import', process.versions.node]);
  });

  test(`what does not exist is Node's own error, without frames of this package: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `const errors: any = [];
for (const name of ['./no' + 'where.js', 'no-such-package']) await import(name).catch((error) => errors.push(error));
const { createRequire } = await import('node:module');
for (const name of ['./no' + 'where', 'no-such-package']) try { createRequire(import.meta.url)(name); } catch (error) { errors.push(error); }
console.log(JSON.stringify(errors.map((error) => [error.code, error.message.split('\\n')[0], /bootstrap|hooks\\.mjs/.test(error.stack)])));
`,
    });
    const value = await printed(run(t, join(root, 'domain.ts'), { flags, config: { ts } }));
    const clean = way.startsWith('hooks thread') ? value.map(([code, message]) => [code, message, false]) : value;
    assert.deepEqual(clean, [
      ['ERR_MODULE_NOT_FOUND', `Cannot find module '${root}/nowhere.js' imported from ${root}/domain.ts`, false],
      ['ERR_MODULE_NOT_FOUND', `Cannot find package 'no-such-package' imported from ${root}/domain.ts`, false],
      ['MODULE_NOT_FOUND', `Cannot find module './nowhere'`, false],
      ['MODULE_NOT_FOUND', `Cannot find module 'no-such-package'`, false],
    ]);
  });

  test(`a broken file that is imported later throws there: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `await import('./bad.ts').catch((error) => console.log(JSON.stringify([error.name, error.message])));\n`,
      'bad.ts': `const broken = 1;\nexport {};\n`,
    });
    assert.deepEqual(await printed(run(t, join(root, 'domain.ts'), { flags, config: { ts } })), ['SyntaxError', `${root}/bad.ts:1:7: this is broken`]);
    assert.deepEqual(asked(root), []);
  });

  test(`an entry behind a symbolic link runs under its real name: ${way}`, async (t) => {
    const { root, ts } = app(t, { 'real/domain.ts': `import { a } from './a.js';\nconsole.log(JSON.stringify([a, import.meta.url, process.argv[1]]));\n`, 'real/a.ts': `export const a: number = 1;\n` });
    symlinkSync('real/domain.ts', join(root, 'link.ts'));
    const value = await printed(run(t, join(root, 'link.ts'), { flags, config: { ts } }));
    assert.deepEqual(value, [1, `file://${root}/real/domain.ts`, join(root, 'link.ts')]);
  });
}

test('CommonJS: every spelling of a require, and what is computed', async (t) => {
  const { root, ts } = app(t, {
    'domain.cts': `const { a } = require('./lib/a.js');
const { index } = require('./lib');
const name: string = './more' + '/b';
console.log(JSON.stringify([a, index, require(name).b, require(name).b, require.resolve('./lib/a.js'), require('./data.json').n, require.main === module, module.children.length]));
`,
    'lib/a.ts': `exports.a = 'a';\n`,
    'lib/index.ts': `exports.index = 'i';\n`,
    'more/b.ts': `exports.b = 'b';\n`,
    'data.json': '{"n":1}',
  }, { commonjs: true, missing: ['more/b.ts'] });
  assert.deepEqual(await printed(run(t, join(root, 'domain.cts'), { config: { ts } })), ['a', 'i', 'b', 'b', join(root, 'lib/a.ts'), 1, true, 4]);
  assert.deepEqual(asked(root).map(({ resolve, kind }) => [resolve, kind]), [['./more/b', 'require']]);
});

test('no frame of this package is on the stack of a required file', async (t) => {
  const { root, ts } = app(t, {
    'domain.cts': `try { require('./fail.cts'); } catch (error) { console.log(JSON.stringify([error.stack, new Error('here').stack])); }\n`,
    'fail.cts': `const n: number = 1;\nthrow new Error('fail');\n`,
  }, { commonjs: true });
  const stacks = await printed(run(t, join(root, 'domain.cts'), { config: { ts } }));
  for (const stack of stacks) assert.doesNotMatch(stack, /bootstrap/);
  assert.match(stacks[0], /fail\.cts:2:7/);
});

test('a file or a target that has gone since is looked for again', async (t) => {
  const { root, ts } = app(t, { 'domain.ts': `import { a } from './a.js';\nconsole.log(JSON.stringify(a));\n`, 'a.ts': `export const a: string = 'old';\n` });
  rmSync(join(root, 'a.ts'));
  writeFileSync(join(root, 'a.js'), `export const a = 'new';`);
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  assert.equal(await printed(run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } })), 'new');
});

test('code that is no longer in the cache is compiled again', async (t) => {
  const { root, ts } = app(t, { 'domain.ts': `import { a } from './a.ts';\nconsole.log(JSON.stringify(a));\n`, 'a.ts': `export const a: string = 'a';\n` });
  rmSync(join(root, '.cache'), { recursive: true });
  assert.equal(await printed(run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } })), 'a');
});

test('code that could not be cached is in the table', async (t) => {
  const { root, table, ts } = app(t, { 'domain.ts': `const a: string = 'a';\nconsole.log(JSON.stringify(a));\nexport {};\n` });
  const entry = table.files[join(root, 'domain.ts')];
  writeFileSync(ts.manifest, JSON.stringify({ ...table, files: { [join(root, 'domain.ts')]: { ...entry, code: null, text: readFileSync(entry.code, 'utf8') } } }));
  rmSync(join(root, '.cache'), { recursive: true });
  assert.equal(await printed(run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } })), 'a');
});

test('an installed package with an alias\'s name, and aliases that are computed', async (t) => {
  const { root, ts } = app(t, {
    'domain.ts': `import { pkg } from 'pkg';
const alias: string = '@/lib' + '/a';
const late: any = await import('./late' + '.mjs');
console.log(JSON.stringify([pkg, (await import(alias)).a, late.late]));
`,
    'late.mjs': `import { a } from '@/lib/a';\nexport const late = a;\n`,
    'lib/a.ts': `export const a: string = 'a';\n`,
    'node_modules/pkg/index.mjs': `import './more.mjs';\nexport const pkg = 'p';\n`,
    'node_modules/pkg/more.mjs': `await import('@/none').catch(() => 0);\n`,
    'node_modules/pkg/package.json': '{"exports":"./index.mjs"}',
  }, { aliases: true, missing: ['late.mjs'] });
  assert.deepEqual(await printed(run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } })), ['p', 'a', 'a']);
  // Nothing was asked for the package, nor for the name that Node resolves.
  assert.deepEqual(asked(root).map(({ load, resolve }) => load ?? resolve), [join(root, 'late.mjs'), '@/lib/a']);
});

test('where require cannot load ES modules, those of packages are compiled for it', { skip: process.features.require_module }, async (t) => {
  const { root, ts } = app(t, {
    'domain.cts': `const { one } = require('only-module');\nconsole.log(JSON.stringify([one, require('only-module') === require('only-module')]));\n`,
    'node_modules/only-module/package.json': '{"type":"module","exports":"./index.js"}',
    'node_modules/only-module/index.js': `import { two } from './two.mjs';\nexport const one = 1 + two;\n`,
    'node_modules/only-module/two.mjs': `export const two = 2;\n`,
  }, { commonjs: true });
  mkdirSync(join(root, '.cache'), { recursive: true });
  assert.deepEqual(await printed(run(t, join(root, 'domain.cts'), { config: { ts } })), [3, true]);
});

test('where require cannot load ES modules, those of the app are compiled for it, and import gives the same', { skip: process.features.require_module }, async (t) => {
  const { root, ts } = app(t, {
    'domain.cts': `const { one } = require('./one.mjs');
let refused = '';
try { require('./await.mts'); } catch (error) { refused = error.code; }
import('./one.mjs').then(async (imported) => console.log(JSON.stringify([one, imported.one === one, refused, (await import('./await.mts')).done])));
`,
    'one.mts': `import { two } from './two.mjs';\nexport const one = [1, two];\n`,
    'two.mts': `export const two = 2;\n`,
    'await.mts': `export const done = await 'broken'.length;\n`.replace('broken', 'await'),
  });
  assert.deepEqual(await printed(run(t, join(root, 'domain.cts'), { flags: USUAL, config: { ts } })), [[1, 2], true, 'ERR_REQUIRE_ESM', 5]);
});
