// Worker threads and forked processes whose environment or arguments are their own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { FakeRuntime } from './fake-runtime.mjs';
import { BOOTSTRAP, directory, run, until } from './spawn.mjs';
import { SYNC_HOOKS, USUAL, app } from './typescript-app.mjs';

const SECONDS = { timeout: 30_000 };
/** Node before 20.18 gives a worker no arguments if it has an environment of its own. */
const LOST_ARGUMENTS = /^v20\.1[0-7]\./.test(process.version);
const PRINT = `const facts: any = [process.execArgv, Object.keys(process.env).filter((name) => /FULCRUM_BOOT|^OWN/.test(name)).sort()];`;

const WAYS = {
  'ES modules': (body) => ({ 'domain.ts': `import { fork } from 'node:child_process';\nimport { Worker, SHARE_ENV } from 'node:worker_threads';\nconst here = import.meta.url;\n${body}` }),
  'CommonJS': (body) => ({ 'domain.cts': `const { fork } = require('node:child_process');\nconst { Worker, SHARE_ENV } = require('node:worker_threads');\nconst here = require('node:url').pathToFileURL(__filename).href;\n${body}` }),
  'a package': (body) => ({
    'domain.ts': `import { fork, Worker, SHARE_ENV } from 'pool';\nconst here = import.meta.url;\n${body}`,
    'node_modules/pool/index.js': `exports.fork = require('node:child_process').fork; exports.Worker = require('worker_threads').Worker; exports.SHARE_ENV = require('worker_threads').SHARE_ENV;`,
  }),
};

/** What each child prints, by the name that it was given. */
function printed(output) {
  return Object.fromEntries(output.trim().split('\n').map((line) => JSON.parse(line)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

for (const [way, files] of Object.entries(WAYS)) {
  test(`children with options of their own load TypeScript, and see only these: ${way}`, SECONDS, async (t) => {
    const { root, ts } = app(t, {
      ...files(`
const worker = new URL('./worker.ts', here);
const file = new URL('./forked.ts', here);
new Worker(worker, { workerData: 'plain' });
new Worker(worker, { workerData: 'env', env: { OWN: '1' } });
new Worker(worker, { workerData: 'execArgv', execArgv: ['--no-warnings'] });
new Worker(worker, { workerData: 'both', env: { OWN: '1' }, execArgv: [] });
new Worker(worker, { workerData: 'share', env: SHARE_ENV });
fork(file, ['forked']);
fork(file, ['forked env'], { env: { OWN: '1' } });
fork(file, ['forked both'], { env: { OWN: '1' }, execArgv: ['--no-warnings'] });
fork(file, { env: { OWN: '1', NAME: 'forked without args' }, execArgv: [] });
`),
      'worker.ts': `import { workerData } from 'node:worker_threads';\nimport { used } from './used.js';\n${PRINT}\nconsole.log(JSON.stringify([workerData, [...facts, used]]));\n`,
      'forked.ts': `import { used } from './used.js';\n${PRINT}\nconsole.log(JSON.stringify([process.argv[2] ?? process.env.NAME, [...facts, used]]));\n`,
      'used.ts': `export const used: string = 'used';\n`,
    });
    const entry = join(root, way === 'CommonJS' ? 'domain.cts' : 'domain.ts');
    const child = run(t, entry, { flags: USUAL, config: { ts } });
    assert.deepEqual(await child.exit, { code: 0, signal: null }, child.output);
    const preload = ['--require', BOOTSTRAP];
    const variable = ['FULCRUM_BOOTSTRAP'];
    assert.deepEqual(printed(child.output), {
      both: [[], ['OWN'], 'used'],
      env: [LOST_ARGUMENTS ? [] : preload, ['OWN'], 'used'],
      execArgv: [['--no-warnings'], variable, 'used'],
      forked: [preload, variable, 'used'],
      'forked both': [['--no-warnings'], ['OWN'], 'used'],
      'forked env': [preload, ['OWN'], 'used'],
      'forked without args': [[], ['OWN'], 'used'],
      plain: [preload, variable, 'used'],
      share: [preload, variable, 'used'],
    });
  });
}

test('children of children, whose parents hide the bootstrap', SECONDS, async (t) => {
  const { root, ts } = app(t, {
    'domain.ts': `import { fork } from 'node:child_process';\nfork(new URL('./middle.ts', import.meta.url), { env: { OWN: '1' }, execArgv: [] });\n`,
    'middle.ts': `import { fork } from 'node:child_process';
import { Worker, isMainThread } from 'node:worker_threads';
const here: any = new URL(import.meta.url);
const leaf = new URL('./leaf.ts', import.meta.url);
if (isMainThread) { new Worker(here, { env: { OWN: '2' } }); fork(leaf, ['of a fork']); } else { new Worker(leaf, { argv: ['of a worker'] }); fork(leaf, ['of a fork of a worker'], { execArgv: [] }); }
`,
    'leaf.ts': `const name: string = process.argv[2];\n${PRINT}\nconsole.log(JSON.stringify([name, facts]));\n`,
  });
  const child = run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } });
  await child.exit;
  assert.deepEqual(printed(child.output), { 'of a fork': [[], ['OWN']], 'of a fork of a worker': [[], ['OWN']], 'of a worker': [[], ['OWN']] });
});

test('what is wrapped looks and fails like Node\'s own', SECONDS, async (t) => {
  const { root, ts } = app(t, {
    'domain.ts': `import childProcess, { fork } from 'node:child_process';
import threads, { Worker } from 'node:worker_threads';
class Own extends Worker { own: any = this instanceof Own; }
const own = new Own('process.exit(0)', { eval: true, env: {} });
const errors: any = [];
for (const call of [() => new Worker('relative.ts'), () => fork(7), () => fork('./a.ts', [], 7), () => new Worker(new URL('http://a/'))]) try { call(); } catch (error) { errors.push([error.code, /bootstrap/.test(error.stack)]); }
console.log(JSON.stringify([Worker.name, Worker.length, fork.name, fork.length, childProcess.fork === fork, threads.Worker === Worker, own.own, own instanceof Worker, own.constructor === Own, Object.keys(own).includes('env'), Worker.prototype.constructor === Worker, errors]));
`,
  });
  const child = run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } });
  assert.deepEqual(await child.exit, { code: 0, signal: null }, child.output);
  const errors = ['ERR_WORKER_PATH', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_URL_SCHEME'].map((code) => [code, false]);
  assert.deepEqual(JSON.parse(child.output), ['Worker', 1, 'fork', 1, true, true, true, true, true, false, true, errors]);
});

test('a child that is named as its JavaScript, or without an extension', SECONDS, async (t) => {
  const { root, ts } = app(t, {
    'domain.ts': `import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
new Worker(new URL('./child.js', import.meta.url), { argv: ['worker'] });
fork(fileURLToPath(new URL('./child', import.meta.url)), ['fork']);
`,
    'child.ts': `const name: string = process.argv[2];\nconsole.log(JSON.stringify([name, 1]));\n`,
  });
  const child = run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } });
  await child.exit;
  assert.deepEqual(printed(child.output), { fork: 1, worker: 1 });
});

const reported = (root) => {
  try {
    return [...new Set(readFileSync(join(root, 'modules'), 'utf8').split('\n').filter(Boolean).map((path) => relative(root, path)))].sort();
  } catch {
    return [];
  }
};

test('every process and thread reports what it has loaded, and the table its inputs', SECONDS, async (t) => {
  const { root, ts } = app(t, {
    'domain.ts': `import { fork } from 'node:child_process';\nfork(new URL('./forked.ts', import.meta.url), { env: {}, execArgv: [] });\nsetTimeout(() => {}, 30_000);\nexport {};\n`,
    'forked.ts': `import './lib/a.js';\nimport { Worker } from 'node:worker_threads';\nnew Worker(new URL('./worker.ts', import.meta.url), { env: {}, execArgv: [] });\nsetTimeout(() => {}, 30_000);\nprocess.on('disconnect', () => process.exit());\n`,
    'worker.ts': `import './lib/b';\nimport { Worker } from 'node:worker_threads';\nnew Worker(new URL('./inner.ts', import.meta.url));\nsetTimeout(() => {}, 30_000);\n`,
    'inner.ts': `import './lib/c.cts';\nsetTimeout(() => {}, 30_000);\n`,
    'lib/a.ts': 'export {};', 'lib/b.ts': 'export {};', 'lib/c.cts': '', 'lib/unused.ts': '', 'tsconfig.json': '{}',
  }, { aliases: true });
  const child = run(t, join(root, 'domain.ts'), { flags: SYNC_HOOKS ? ['--expose-internals', ...USUAL] : USUAL, config: { ts, modules: join(root, 'modules') } });
  const all = ['domain.ts', 'forked.ts', 'inner.ts', 'lib/a.ts', 'lib/b.ts', 'lib/c.cts', 'tsconfig.json', 'worker.ts'];
  await until(() => reported(root).length >= all.length, 'all reports', 10_000).catch(() => undefined);
  assert.deepEqual(reported(root), all, child.output);
});

test('with a deferred bootstrap, children report too', SECONDS, async (t) => {
  const runtime = await new FakeRuntime().listen();
  t.after(() => runtime.close());
  const root = directory(t, {
    'domain.mjs': `import { DomainBase } from '@fulcrum/domain'; import { fork } from 'node:child_process'; import { Worker } from 'node:worker_threads';
      await new (class Users extends DomainBase {})().start();
      setTimeout(() => { fork(new URL('./forked.mjs', import.meta.url)); new Worker(new URL('./worker.mjs', import.meta.url)); }, 500);`,
    'forked.mjs': `console.log(JSON.stringify(['forked', process.execArgv])); setTimeout(() => {}, 30_000); process.on('disconnect', () => process.exit());`,
    'worker.mjs': `console.log(JSON.stringify(['worker', process.execArgv])); setTimeout(() => {}, 30_000);`,
  });
  const child = run(t, join(root, 'domain.mjs'), { runtime, flags: ['--expose-internals'], config: { starts: true, later: pathToFileURL(BOOTSTRAP).href, modules: join(root, 'modules') } });
  await until(() => reported(root).length >= 3, 'all reports', 10_000).catch(() => undefined);
  assert.deepEqual(reported(root), ['domain.mjs', 'forked.mjs', 'worker.mjs'], child.output);
  assert.deepEqual(printed(child.output), { forked: [], worker: [] });
});
