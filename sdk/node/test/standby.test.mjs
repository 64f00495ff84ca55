// A spare process: booted and connected, it begins with the domain's code when it is told to, and
// what that code can see is what it sees after a cold start.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { FakeRuntime } from './fake-runtime.mjs';
import { BOOTSTRAP, PACKAGE, folder, pipe, run, until } from './spawn.mjs';

const SDK = { required: join(PACKAGE, 'dist/index.cjs'), imported: pathToFileURL(join(PACKAGE, 'dist/index.mjs')).href };

/** Starts a spare; `plan` is the one of its boot. */
function spare(t, entry, { plan = {}, ahead = SDK, ...rest } = {}) {
  return run(t, entry, { ...rest, input: pipe(t), plan: { ...plan, spare: ahead } });
}

/** What Fulcrum writes to make it the domain; `plan` is the one of the generation that begins. */
function activate(child, entry, { plan = {}, env = {} } = {}) {
  const told = JSON.stringify({ v: 1, parent: process.pid, entry, ts: null, sdk: null, ...plan });
  child.input.write(`${JSON.stringify({ env: { FULCRUM_BOOTSTRAP: told, ...env }, cwd: dirname(entry) })}\n`);
}

async function listen(t) {
  const runtime = await new FakeRuntime().listen();
  t.after(() => runtime.close());
  return runtime;
}

/** Waits until a spare has booted: it needs no processor time any more. */
async function asleep(child) {
  await until(async () => {
    const before = ticks(child);
    await new Promise((resolve) => setTimeout(resolve, 100));
    return before > 0 && ticks(child) === before;
  }, 'the spare sleeps');
}

/** The processor time that it has used. */
function ticks(child) {
  const [user, system] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ').slice(13, 15);
  return Number(user) + Number(system);
}

/** Prints all that a program can learn of how it was started. */
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
    const root = folder(t, { [name]: code });
    const entry = join(root, name);
    const env = { SOME: 'thing' };
    const args = ['a', '--b'];
    const cold = run(t, entry, { args, env, input: pipe(t) });
    const warm = spare(t, entry, { args, env });
    await asleep(warm);
    assert.equal(warm.output, '');
    activate(warm, entry);
    await until(() => cold.output.endsWith('}\n') && warm.output.endsWith('}\n'), 'both have told');
    // Who called Node's own loader is the one thing that differs.
    const seen = (child) => JSON.parse(child.output, (key, value) => (key === 'trace' ? [value].flat().join('\n').split('\n').filter((line) => !/node:internal\/(main|timers|process)/.test(line)) : value));
    assert.deepEqual(seen(warm), seen(cold));
    assert.equal(seen(warm).env.SOME, 'thing');
  });
}

for (const [name, code] of Object.entries({ 'domain.cjs': 'throw new Error("boom");', 'domain.mjs': 'export const a = 1;\nthrow new Error("boom");', 'syntax.cjs': 'const = 1;' })) {
  test(`code that fails ends a warm start as a cold one: ${name}`, SECONDS, async (t) => {
    const root = folder(t, { [name]: code });
    const entry = join(root, name);
    const cold = run(t, entry, { input: pipe(t) });
    const warm = spare(t, entry);
    await asleep(warm);
    activate(warm, entry);
    assert.deepEqual(await warm.exit, await cold.exit);
    const told = (text) => text.split('\n').filter((line) => !/^ {4}at .*node:internal/.test(line));
    assert.deepEqual(told(warm.output), told(cold.output));
  });
}

test('standard input is the domain\'s: what comes later is read from its beginning', SECONDS, async (t) => {
  const root = folder(t, { 'domain.cjs': `process.stdin.setEncoding('utf8').on('data', (text) => console.log('got', text)).on('end', () => console.log('end')); console.log('up');` });
  const entry = join(root, 'domain.cjs');
  const child = spare(t, entry);
  await asleep(child);
  activate(child, entry);
  await until(() => child.output.includes('up'), 'it runs');
  child.input.write('hello');
  child.input.close();
  assert.deepEqual(await child.exit, { code: 0, signal: null });
  assert.equal(child.output, 'up\ngot hello\nend\n');
});

test('code is that of the activation, and with it environment and instructions', SECONDS, async (t) => {
  const runtime = await listen(t);
  const root = folder(t, { 'domain.mjs': `throw new Error('of yesterday');` });
  const entry = join(root, 'domain.mjs');
  const child = spare(t, entry, { runtime, env: { PORT: '1' } });
  await asleep(child);
  assert.equal(runtime.peers.length, 0, 'a spare registers nothing');
  writeFileSync(entry, `import { DomainBase } from '@fulcrum/domain';
    export default class Users extends DomainBase { async portRequestHandler() { return { port: process.env.PORT, plan: JSON.parse(process.env.FULCRUM_BOOTSTRAP).spare ?? null }; } }`);
  activate(child, entry, { env: { PORT: '2' } });
  const peer = await runtime.registered();
  const types = (await peer.ask('nope_request')).payload.error;
  assert.match(types, /port/);
  const { payload } = await peer.ask(/answers (\w+)/.exec(types)[1]);
  assert.deepEqual(payload, { port: '2', plan: null });
});

for (const name of ['domain.mjs', 'domain.cjs']) {
  test(`the connection that was dialled ahead is the one that registers: ${name}`, SECONDS, async (t) => {
    const runtime = await listen(t);
    let sessions = 0;
    runtime.server.on('session', () => sessions++);
    const code = name === 'domain.mjs' ? `import { DomainBase } from '@fulcrum/domain'; await new (class Users extends DomainBase {})().start();` : `const { DomainBase } = require('@fulcrum/domain'); new (class Users extends DomainBase {})().start();`;
    const root = folder(t, { [name]: code });
    const entry = join(root, name);
    const child = spare(t, entry, { runtime, env: { FULCRUM_DOMAIN_TOKEN: 'of this life' } });
    await until(() => sessions === 1, 'the spare dials');
    activate(child, entry, { plan: { starts: true } });
    const peer = await runtime.registered();
    assert.equal(peer.headers['x-fulcrum-token'], 'of this life');
    assert.equal(sessions, 1);
    peer.send({ type: 'drain', payload: '{"deadline_ms":100}' });
    assert.deepEqual(await child.exit, { code: 0, signal: null });
  });
}

test('a connection that the runtime has cut meanwhile is dialled again', SECONDS, async (t) => {
  const runtime = await listen(t);
  let sessions = 0;
  runtime.server.on('session', () => sessions++);
  const root = folder(t, { 'domain.mjs': `import { DomainBase } from '@fulcrum/domain'; await new (class Users extends DomainBase {})().start();` });
  const entry = join(root, 'domain.mjs');
  const child = spare(t, entry, { runtime });
  await until(() => sessions === 1, 'the spare dials');
  runtime.drop();
  await asleep(child);
  activate(child, entry, { plan: { starts: true } });
  await runtime.registered();
  assert.equal(sessions, 2);
  assert.equal(child.output, '');
});

test('a program that never registers ends as it would, connection or not', SECONDS, async (t) => {
  const runtime = await listen(t);
  const root = folder(t, { 'domain.cjs': `console.log('done');` });
  const entry = join(root, 'domain.cjs');
  const child = spare(t, entry, { runtime });
  await asleep(child);
  activate(child, entry);
  assert.deepEqual(await child.exit, { code: 0, signal: null });
  assert.equal(child.output, 'done\n');
});

test('a spare ends by itself when nobody can tell it anything any more', SECONDS, async (t) => {
  const root = folder(t, { 'domain.cjs': `console.log('never');` });
  const child = spare(t, join(root, 'domain.cjs'));
  await asleep(child);
  child.input.close();
  assert.deepEqual(await child.exit, { code: 0, signal: null });
  assert.equal(child.output, '');
});

test('a spare that is somebody else than was planned runs nothing', SECONDS, async (t) => {
  const root = folder(t, { 'domain.cjs': `console.log('never');` });
  const entry = join(root, 'domain.cjs');
  for (const plan of [{ parent: 1 }, { entry: `${entry}x` }]) {
    const child = spare(t, entry, { plan });
    assert.deepEqual(await child.exit, { code: 0, signal: null });
    assert.equal(child.output, '');
  }
});

test('a spare sleeps', SECONDS, async (t) => {
  const runtime = await listen(t);
  const root = folder(t, { 'domain.mjs': '' });
  const child = spare(t, join(root, 'domain.mjs'), { runtime });
  await asleep(child);
  const before = ticks(child);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  assert.equal(ticks(child), before);
});

test('where the package stands in for the bootstrap, neither the program nor its workers see the preload', SECONDS, async (t) => {
  const runtime = await listen(t);
  const root = folder(t, { 'domain.mjs': `import { DomainBase } from '@fulcrum/domain';
    import { Worker, isMainThread, parentPort } from 'node:worker_threads';
    import { fileURLToPath } from 'node:url';
    if (isMainThread) {
      await new (class Users extends DomainBase {})().start();
      new Worker(fileURLToPath(import.meta.url)).on('message', (flags) => console.log(JSON.stringify([process.execArgv, flags])));
    } else parentPort.postMessage(process.execArgv);` });
  const entry = join(root, 'domain.mjs');
  const child = spare(t, entry, { runtime });
  await asleep(child);
  activate(child, entry, { plan: { starts: true, later: pathToFileURL(BOOTSTRAP).href } });
  await until(() => child.output.endsWith('\n'), 'the worker answers');
  assert.equal(child.output, '[[],[]]\n');
  assert.equal(runtime.peers.length, 1);
});

test('TypeScript is stripped as of the activation', SECONDS, async (t) => {
  const old = { 'domain.ts': 'throw new Error("of yesterday");\n', 'manifest.json': '{}', 'package.json': '{"type":"module"}' };
  const root = folder(t, old);
  const entry = join(root, 'domain.ts');
  const ts = { manifest: join(root, 'manifest.json'), strip: ['false'], commonjs: false };
  const child = spare(t, entry, { flags: ['--expose-internals', '--require', BOOTSTRAP], plan: { ts } });
  await asleep(child);
  const code = 'const a: string = "today";\nconsole.log(a, JSON.stringify(process.execArgv));\nexport {};\n';
  writeFileSync(entry, code);
  writeFileSync(join(root, 'stripped'), code.replace(': string', '        '));
  const { size, mtimeMs } = statSync(entry);
  writeFileSync(ts.manifest, JSON.stringify({ v: 1, files: { [entry]: { size, mtime_ms: Math.floor(mtimeMs), code: join(root, 'stripped'), format: 'module' } } }));
  activate(child, entry, { plan: { ts } });
  await until(() => child.output.endsWith('\n'), 'it tells');
  assert.ok(child.output.startsWith('today '), child.output);
});
