// A standby process: booted and connected, it loads the domain's code when it is activated. That code
// observes the same as after a cold start.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { FakeRuntime } from './fake-runtime.mjs';
import { BOOTSTRAP, PACKAGE, directory, pipe, run, until } from './spawn.mjs';

const SDK = { required: join(PACKAGE, 'dist/index.cjs'), imported: pathToFileURL(join(PACKAGE, 'dist/index.mjs')).href };

/** Starts a standby process; `config` is the initial one. */
function startStandby(t, entry, { config = {}, preload = SDK, ...rest } = {}) {
  return run(t, entry, { ...rest, input: pipe(t), config: { ...config, spare: preload } });
}

/** Activates it as Fulcrum does; `config` is that of the new generation. */
function activate(child, entry, { config = {}, env = {} } = {}) {
  const bootstrap = JSON.stringify({ v: 2, parent: process.pid, entry, ts: null, sdk: null, ...config });
  child.input.write(`${JSON.stringify({ env: { FULCRUM_BOOTSTRAP: bootstrap, ...env }, cwd: dirname(entry) })}\n`);
}

async function listen(t) {
  const runtime = await new FakeRuntime().listen();
  t.after(() => runtime.close());
  return runtime;
}

/** Waits until a standby process has booted: it uses no processor time any more. */
async function waitUntilIdle(child, quietMs = 100) {
  await until(async () => {
    const before = ticks(child);
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    return before > 0 && ticks(child) === before;
  }, `the standby process uses no processor time for ${quietMs} ms`);
}

/** The processor time that a process has used. */
function ticks(child) {
  const [user, system] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ').slice(13, 15);
  return Number(user) + Number(system);
}

/** Prints all that a program can observe of its start. */
const FACTS = `
const fs = process.getBuiltinModule ? process.getBuiltinModule('fs') : require('fs');
function facts(more) {
  const { NODE_CHANNEL_FD, ...env } = process.env;
  console.log(JSON.stringify({
    argv: process.argv, argv0: process.argv0, execArgv: process.execArgv, execPath: process.execPath, title: process.title,
    cwd: process.cwd(), env, exitCode: process.exitCode, ppid: process.ppid,
    young: process.uptime() < 5,
    stdin: [process.stdin.constructor.name, process.stdin.fd, process.stdin.readable, process.stdin.isTTY, fs.fstatSync(0).isFIFO()],
    inputFlags: /flags:\\s+0*(\\d+)/.exec(fs.readFileSync('/proc/self/fdinfo/0', 'utf8'))[1],
    listeners: process.eventNames().map(String).sort(),
    globals: Object.getOwnPropertyNames(globalThis).sort(),
    cache: typeof require === 'function' ? Object.keys(require.cache).filter((file) => !file.includes('/dist/')) : undefined,
    ...more,
  }, null, 1));
}
`;
const SECONDS = { timeout: 20_000 };
const ENTRIES = {
  'domain.cjs': `${FACTS}
    const trace = new Error('trace').stack.split('\\n').slice(1, 4);
    facts({ main: require.main === module, mainModule: process.mainModule === module, id: module.id, parent: module.parent, paths: module.paths,
      file: __filename, dir: __dirname, self: this === module.exports, loaded: module.loaded, trace });`,
  'domain.mjs': `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); ${FACTS}
    facts({ url: import.meta.url, main: import.meta.main, dir: import.meta.dirname, file: import.meta.filename, keys: Object.keys(import.meta),
      mainModule: typeof process.mainModule, self: typeof module, resolved: import.meta.resolve('./other.mjs'), trace: new Error('trace').stack });`,
};

for (const [name, code] of Object.entries(ENTRIES)) {
  test(`a warm start looks like a cold one: ${name}`, SECONDS, async (t) => {
    const root = directory(t, { [name]: code });
    const entry = join(root, name);
    const env = { SOME: 'thing' };
    const args = ['a', '--b'];
    const cold = run(t, entry, { args, env, input: pipe(t) });
    const warm = startStandby(t, entry, { args, env });
    await waitUntilIdle(warm);
    assert.equal(warm.output, '');
    activate(warm, entry);
    await until(() => cold.output.endsWith('}\n') && warm.output.endsWith('}\n'), 'both have printed their facts');
    // Only the callers of Node's own loader differ.
    const facts = (child) => JSON.parse(child.output, (key, value) => (key === 'trace' ? [value].flat().join('\n').split('\n').filter((line) => !/node:internal\/(main|timers|process)/.test(line)) : value));
    assert.deepEqual(facts(warm), facts(cold));
    assert.equal(facts(warm).env.SOME, 'thing');
  });
}

for (const [name, code] of Object.entries({ 'domain.cjs': 'throw new Error("boom");', 'domain.mjs': 'export const a = 1;\nthrow new Error("boom");', 'syntax.cjs': 'const = 1;' })) {
  test(`failing code ends a warm start like a cold one: ${name}`, SECONDS, async (t) => {
    const root = directory(t, { [name]: code });
    const entry = join(root, name);
    const cold = run(t, entry, { input: pipe(t) });
    const warm = startStandby(t, entry);
    await waitUntilIdle(warm);
    activate(warm, entry);
    assert.deepEqual(await warm.exit, await cold.exit);
    const relevant = (text) => text.split('\n').filter((line) => !/^ {4}at .*node:internal/.test(line));
    assert.deepEqual(relevant(warm.output), relevant(cold.output));
  });
}

test('standard input belongs to the domain from its first byte after the activation', SECONDS, async (t) => {
  const root = directory(t, { 'domain.cjs': `process.stdin.setEncoding('utf8').on('data', (text) => console.log('got', text)).on('end', () => console.log('end')); console.log('up');` });
  const entry = join(root, 'domain.cjs');
  const child = startStandby(t, entry);
  await waitUntilIdle(child);
  activate(child, entry);
  await until(() => child.output.includes('up'), 'it runs');
  child.input.write('hello');
  child.input.close();
  assert.deepEqual(await child.exit, { code: 0, signal: null });
  assert.equal(child.output, 'up\ngot hello\nend\n');
});

test('code, environment and configuration are those of the activation', SECONDS, async (t) => {
  const runtime = await listen(t);
  const root = directory(t, { 'domain.mjs': `throw new Error('old code');` });
  const entry = join(root, 'domain.mjs');
  const child = startStandby(t, entry, { runtime, env: { PORT: '1' } });
  await waitUntilIdle(child);
  assert.equal(runtime.peers.length, 0, 'a standby process does not register');
  writeFileSync(entry, `import { DomainBase } from '@fulcrum/domain';
    export default class Users extends DomainBase { async portRequestHandler() { return { port: process.env.PORT, config: JSON.parse(process.env.FULCRUM_BOOTSTRAP).spare ?? null }; } }`);
  activate(child, entry, { env: { PORT: '2' } });
  const peer = await runtime.registered();
  const types = (await peer.request('nope_request')).payload.error;
  assert.match(types, /port/);
  const { payload } = await peer.request(/handles (\w+)/.exec(types)[1]);
  assert.deepEqual(payload, { port: '2', config: null });
});

for (const name of ['domain.mjs', 'domain.cjs']) {
  test(`the prepared connection is the one that registers: ${name}`, SECONDS, async (t) => {
    const runtime = await listen(t);
    let sessions = 0;
    runtime.server.on('session', () => sessions++);
    const code = name === 'domain.mjs' ? `import { DomainBase } from '@fulcrum/domain'; await new (class Users extends DomainBase {})().start();` : `const { DomainBase } = require('@fulcrum/domain'); new (class Users extends DomainBase {})().start();`;
    const root = directory(t, { [name]: code });
    const entry = join(root, name);
    const child = startStandby(t, entry, { runtime, env: { FULCRUM_DOMAIN_TOKEN: 'of this generation' } });
    await until(() => sessions === 1, 'the standby process connects');
    activate(child, entry, { config: { starts: true } });
    const peer = await runtime.registered();
    assert.equal(peer.headers['x-fulcrum-token'], 'of this generation');
    assert.equal(sessions, 1);
    peer.send({ type: 'drain', payload: '{"deadline_ms":100}' });
    assert.deepEqual(await child.exit, { code: 0, signal: null });
  });
}

test('a prepared connection that the runtime has closed is replaced', SECONDS, async (t) => {
  const runtime = await listen(t);
  let sessions = 0;
  runtime.server.on('session', () => sessions++);
  const root = directory(t, { 'domain.mjs': `import { DomainBase } from '@fulcrum/domain'; await new (class Users extends DomainBase {})().start();` });
  const entry = join(root, 'domain.mjs');
  const child = startStandby(t, entry, { runtime });
  await until(() => sessions === 1, 'the standby process connects');
  runtime.drop();
  await waitUntilIdle(child);
  activate(child, entry, { config: { starts: true } });
  await runtime.registered();
  assert.equal(sessions, 2);
  assert.equal(child.output, '');
});

test('a program that never registers exits despite a prepared connection', SECONDS, async (t) => {
  const runtime = await listen(t);
  const root = directory(t, { 'domain.cjs': `console.log('done');` });
  const entry = join(root, 'domain.cjs');
  const child = startStandby(t, entry, { runtime });
  await waitUntilIdle(child);
  activate(child, entry);
  assert.deepEqual(await child.exit, { code: 0, signal: null });
  assert.equal(child.output, 'done\n');
});

test('a standby process exits when its input is closed', SECONDS, async (t) => {
  const root = directory(t, { 'domain.cjs': `console.log('never');` });
  const child = startStandby(t, join(root, 'domain.cjs'));
  await waitUntilIdle(child);
  child.input.close();
  assert.deepEqual(await child.exit, { code: 0, signal: null });
  assert.equal(child.output, '');
});

test('a standby process with another parent or entry runs nothing', SECONDS, async (t) => {
  const root = directory(t, { 'domain.cjs': `console.log('never');` });
  const entry = join(root, 'domain.cjs');
  for (const config of [{ parent: 1 }, { entry: `${entry}x` }]) {
    const child = startStandby(t, entry, { config });
    assert.deepEqual(await child.exit, { code: 0, signal: null });
    assert.equal(child.output, '');
  }
});

test('a standby process comes to rest', SECONDS, async (t) => {
  const runtime = await listen(t);
  const root = directory(t, { 'domain.mjs': '' });
  const child = startStandby(t, join(root, 'domain.mjs'), { runtime });
  // On a busy machine it may be still for a moment before it is prepared.
  await waitUntilIdle(child, 2_000);
});

test('with a deferred bootstrap, the preload is hidden from the program and its workers', SECONDS, async (t) => {
  const runtime = await listen(t);
  const root = directory(t, { 'domain.mjs': `import { DomainBase } from '@fulcrum/domain';
    import { Worker, isMainThread, parentPort } from 'node:worker_threads';
    import { fileURLToPath } from 'node:url';
    if (isMainThread) {
      await new (class Users extends DomainBase {})().start();
      new Worker(fileURLToPath(import.meta.url)).on('message', (flags) => console.log(JSON.stringify([process.execArgv, flags])));
    } else parentPort.postMessage(process.execArgv);` });
  const entry = join(root, 'domain.mjs');
  const child = startStandby(t, entry, { runtime });
  await waitUntilIdle(child);
  activate(child, entry, { config: { starts: true, later: pathToFileURL(BOOTSTRAP).href } });
  await until(() => child.output.endsWith('\n'), 'the worker responds');
  assert.equal(child.output, '[[],[]]\n');
  assert.equal(runtime.peers.length, 1);
});

test('TypeScript is stripped as of the activation', SECONDS, async (t) => {
  const old = { 'domain.ts': 'throw new Error("old code");\n', 'manifest.json': '{}', 'package.json': '{"type":"module"}' };
  const root = directory(t, old);
  const entry = join(root, 'domain.ts');
  const ts = { manifest: join(root, 'manifest.json'), helper: ['false'], commonjs: false, maps: false };
  const child = startStandby(t, entry, { flags: ['--expose-internals', '--require', BOOTSTRAP], config: { ts } });
  await waitUntilIdle(child);
  const code = 'const a: string = "today";\nconsole.log(a, JSON.stringify(process.execArgv));\nexport {};\n';
  writeFileSync(entry, code);
  writeFileSync(join(root, 'stripped'), code.replace(': string', '        '));
  const { size, mtimeMs } = statSync(entry);
  writeFileSync(ts.manifest, JSON.stringify({ v: 2, files: { [entry]: { size, mtime_ms: Math.floor(mtimeMs), code: join(root, 'stripped'), format: 'module' } } }));
  activate(child, entry, { config: { ts } });
  await until(() => child.output.endsWith('\n'), 'it prints');
  assert.ok(child.output.startsWith('today '), child.output);
});
