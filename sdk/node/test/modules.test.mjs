// Which files a domain has loaded, as the bootstrap reports them to Fulcrum.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { FakeRuntime } from './fake-runtime.mjs';
import { BOOTSTRAP, directory, pipe, run, until } from './spawn.mjs';
import { app as typescriptApp } from './typescript-app.mjs';

const FLAGS = ['--expose-internals', '--require', BOOTSTRAP];
const SECONDS = { timeout: 20_000 };

/** An app in which packages are installed, and one of its own is linked as a workspace does it. */
function app(t, files) {
  const root = realpathSync(directory(t, {
    'node_modules/left-pad/index.js': 'module.exports = 1;',
    'packages/shared/package.json': '{"name":"shared","exports":{"import":"./index.mjs","default":"./index.cjs"}}',
    'packages/shared/index.mjs': 'export const shared = 1;',
    'packages/shared/index.cjs': 'exports.shared = 1;',
    ...files,
  }));
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  symlinkSync('../packages/shared', join(root, 'node_modules/shared'));
  return root;
}

const reported = (root) => {
  try {
    const text = readFileSync(join(root, 'modules'), 'utf8');
    return text.split('\n').filter(Boolean).map((path) => relative(root, path)).sort();
  } catch {
    return [];
  }
};

const KINDS = {
  'ES modules': {
    entry: 'domains/a/domain.mjs',
    files: {
      'domains/a/domain.mjs': `import './own.mjs'; import 'shared'; import 'left-pad'; import 'node:fs'; import('../../later.mjs?x=1');
        globalThis.more = () => import('../../last.mjs'); setTimeout(() => globalThis.more(), 600); setTimeout(() => {}, 30_000);`,
      'domains/a/own.mjs': `import '../../lib/used.mjs'; import { createRequire } from 'node:module'; createRequire(import.meta.url)('../../lib/old.cjs');`,
      'lib/used.mjs': '', 'lib/unused.mjs': '', 'lib/old.cjs': '', 'later.mjs': '', 'last.mjs': '',
    },
    first: ['domains/a/domain.mjs', 'domains/a/own.mjs', 'later.mjs', 'lib/old.cjs', 'lib/used.mjs', 'packages/shared/index.mjs'],
    last: 'last.mjs',
  },
  'CommonJS': {
    entry: 'domains/a/domain.cjs',
    files: {
      'domains/a/domain.cjs': `require('./own.cjs'); require('shared'); require('left-pad'); require('./settings.json'); const name = '../../later.mjs'; import(name);
        setTimeout(() => require('../../last.cjs'), 600); setTimeout(() => {}, 30_000);`,
      'domains/a/own.cjs': `require('../../lib/used.cjs');`, 'domains/a/settings.json': '{}',
      'lib/used.cjs': '', 'lib/unused.cjs': '', 'later.mjs': '', 'last.cjs': '',
    },
    first: ['domains/a/domain.cjs', 'domains/a/own.cjs', 'domains/a/settings.json', 'later.mjs', 'lib/used.cjs', 'packages/shared/index.cjs'],
    last: 'last.cjs',
  },
};

for (const [kind, { entry, files, first, last }] of Object.entries(KINDS)) {
  test(`what is loaded is reported, packages left out: ${kind}`, SECONDS, async (t) => {
    const root = app(t, files);
    writeFileSync(join(root, 'modules'), '/of/a/life/before\n');
    const child = run(t, join(root, entry), { flags: FLAGS, config: { modules: join(root, 'modules') } });
    await until(() => reported(root).includes(first[0]), 'the first report');
    assert.deepEqual(reported(root), first);
    // Files that are loaded later are reported then.
    await until(() => reported(root).includes(last), 'the later report');
    assert.deepEqual(reported(root), [...first, last].sort());
    assert.equal(child.output, '');
  });
}

for (const [what, entry, code] of [
  ['throws', 'domain.mjs', `import './used.mjs'; throw new Error('boom');`],
  ['throws', 'domain.cjs', `require('./used.cjs'); throw new Error('boom');`],
  ['has an import that is no JavaScript', 'domain.mjs', `import './used.mjs'; import './broken.mjs';`],
  ['has an import that is no JavaScript', 'domain.cjs', `require('./used.cjs'); require('./broken.cjs');`],
]) {
  test(`code that never registers is reported of too: ${entry} ${what}`, SECONDS, async (t) => {
    const root = app(t, { [entry]: code, 'used.mjs': '', 'used.cjs': '', 'broken.mjs': 'const = 1;', 'broken.cjs': 'const = 1;' });
    const child = run(t, join(root, entry), { flags: FLAGS, config: { modules: join(root, 'modules') } });
    assert.equal((await child.exit).code, 1);
    const extension = entry.slice(-4);
    const broken = code.includes('broken') ? [`broken${extension}`] : [];
    assert.deepEqual(reported(root), [...broken, entry, `used${extension}`].sort());
  });
}

test('TypeScript is reported by its original names', SECONDS, async (t) => {
  const { root, ts } = typescriptApp(t, { 'domain.ts': `import './lib/a.ts'; setTimeout(() => {}, 30_000);`, 'lib/a.ts': 'export {};' });
  run(t, join(root, 'domain.ts'), { flags: FLAGS, config: { ts, modules: join(root, 'modules') } });
  await until(() => reported(root).length > 0, 'the report');
  assert.deepEqual(reported(root), ['domain.ts', 'lib/a.ts']);
});

test('with a deferred bootstrap, the report follows', SECONDS, async (t) => {
  const runtime = await new FakeRuntime().listen();
  t.after(() => runtime.close());
  const root = app(t, {
    'domain.mjs': `import { DomainBase } from '@fulcrum/domain'; import './lib/a.mjs'; await new (class Users extends DomainBase {})().start(); console.log(JSON.stringify(process.execArgv)); setTimeout(() => import('./lib/b.mjs'), 600);`,
    'lib/a.mjs': '', 'lib/b.mjs': '',
  });
  const child = run(t, join(root, 'domain.mjs'), { runtime, flags: ['--expose-internals'], config: { starts: true, later: pathToFileURL(BOOTSTRAP).href, modules: join(root, 'modules') } });
  await until(() => reported(root).includes('lib/b.mjs'), 'both reports');
  assert.deepEqual(reported(root), ['domain.mjs', 'lib/a.mjs', 'lib/b.mjs']);
  assert.equal(child.output, '[]\n');
});

test('a standby process reports the files of its generation only', SECONDS, async (t) => {
  const root = app(t, { 'domain.mjs': `import './a.mjs'; setTimeout(() => {}, 30_000);`, 'a.mjs': '' });
  const entry = join(root, 'domain.mjs');
  const config = { modules: join(root, 'modules') };
  const child = run(t, entry, { flags: FLAGS, input: pipe(t), config: { ...config, spare: {} } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.throws(() => statSync(config.modules));
  const env = { FULCRUM_BOOTSTRAP: JSON.stringify({ v: 2, parent: process.pid, entry, ts: null, sdk: null, ...config }) };
  child.input.write(`${JSON.stringify({ env, cwd: dirname(entry) })}\n`);
  await until(() => reported(root).length > 0, 'the report');
  assert.deepEqual(reported(root), ['a.mjs', 'domain.mjs']);
});

test('files that a worker thread has loaded are reported', SECONDS, async (t) => {
  const root = app(t, {
    'domain.mjs': `import { Worker } from 'node:worker_threads'; setTimeout(() => new Worker(new URL('./lib/worker.mjs', import.meta.url)), 500); setTimeout(() => {}, 30_000);`,
    'lib/worker.mjs': `import './used.mjs'; setTimeout(() => {}, 30_000);`, 'lib/used.mjs': '',
  });
  run(t, join(root, 'domain.mjs'), { flags: FLAGS, config: { modules: join(root, 'modules') } });
  await until(() => reported(root).includes('lib/used.mjs'), 'the report of the worker');
  assert.deepEqual(reported(root), ['domain.mjs', 'lib/used.mjs', 'lib/worker.mjs']);
});

test('an error of a require has no frames of this package', SECONDS, async (t) => {
  const root = app(t, { 'domain.cjs': `try { require('./nowhere.cjs'); } catch (error) { console.log(error.code, error.stack.includes('bootstrap')); }` });
  const child = run(t, join(root, 'domain.cjs'), { flags: FLAGS, config: { modules: join(root, 'modules') } });
  await child.exit;
  assert.equal(child.output, 'MODULE_NOT_FOUND false\n');
});

test('Node\'s internals and the flag that exposes them are hidden', SECONDS, async (t) => {
  const root = app(t, {
    'node_modules/internal/foo/index.js': 'module.exports = "a package";',
    'domain.cjs': `
      const { builtinModules, isBuiltin } = require('node:module');
      const { fork } = require('node:child_process');
      const { Worker, isMainThread } = require('node:worker_threads');
      const tell = (who) => import('internal/foo/index.js').then((foo) => console.log(JSON.stringify([who, process.execArgv.includes('--expose-internals'), builtinModules.some((id) => id.startsWith('internal/')), isBuiltin('internal/modules/esm/loader'), require('internal/foo'), foo.default])));
      if (!isMainThread) tell('worker');
      else if (process.env.FORKED) tell('fork');
      else tell('main').then(() => new Promise((resolve) => new Worker(__filename).on('exit', resolve))).then(() => fork(__filename, { env: { ...process.env, FORKED: '1' } }));`,
  });
  const child = run(t, join(root, 'domain.cjs'), { flags: FLAGS, config: { modules: join(root, 'modules') } });
  assert.equal((await child.exit).code, 0, child.output);
  const lines = child.output.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines, ['main', 'worker', 'fork'].map((who) => [who, false, false, false, 'a package', 'a package']));
});

test('files of code that a process writes itself are reported with their time', SECONDS, async (t) => {
  const root = app(t, {
    'domain.mjs': `import fs, { createWriteStream, writeFileSync } from 'node:fs'; import { rename, writeFile } from 'node:fs/promises';
      process.chdir(import.meta.dirname ?? new URL('.', import.meta.url).pathname);
      writeFileSync('a.json', '1'); createWriteStream(new URL('./b.mjs', import.meta.url)).end(''); fs.appendFileSync('shop.db', '');
      await writeFile('next', ''); await rename('next', 'c.cjs'); fs.readFileSync('domain.mjs'); fs.closeSync(fs.openSync('domain.mjs', 'r'));
      writeFileSync('a.json', '2'); setTimeout(() => {}, 30_000);`,
  });
  run(t, join(root, 'domain.mjs'), { flags: FLAGS, config: { modules: join(root, 'modules') } });
  const lines = () => {
    try {
      return readFileSync(join(root, 'modules.written'), 'utf8').split('\n').filter(Boolean);
    } catch {
      return [];
    }
  };
  await until(() => lines().length >= 3, 'the reports');
  assert.deepEqual(lines().map((line) => relative(root, line.slice(line.indexOf(' ') + 1))), ['a.json', 'b.mjs', 'c.cjs']);
  for (const line of lines()) assert.ok(Math.abs(Number(line.split(' ')[0]) - Date.now()) < 20_000, line);
});
