// Entries that import the package first, started without the preload: the package defers the
// bootstrap and loads it later.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { FakeRuntime } from './fake-runtime.mjs';
import { BOOTSTRAP, directory, run, until } from './spawn.mjs';

const IMPORT = `import { DomainBase } from '@fulcrum/domain';\n`;
const CLASS = `${IMPORT}export default class Users extends DomainBase {}\n`;
/** The configuration of Fulcrum for such an entry. */
const DEFERRED = { flags: [], config: { starts: true, later: pathToFileURL(BOOTSTRAP).href } };

async function listen(t) {
  const runtime = await new FakeRuntime().listen();
  t.after(() => runtime.close());
  return runtime;
}

const ENTRIES = {
  'starts itself': `${CLASS}await new Users().start();`,
  'starts itself later': `${CLASS}setTimeout(() => new Users().start(), 400);`,
  'contains .start( in a comment only': `// Fulcrum calls .start()\n${CLASS}`,
  'exports an instance': `${IMPORT}export default new (class extends DomainBase {})(); // .start()`,
};

for (const [what, text] of Object.entries(ENTRIES)) {
  test(`one registration without the preload: an entry that ${what}`, async (t) => {
    const runtime = await listen(t);
    const root = directory(t, { 'domain.mjs': `${text}\nconsole.log(JSON.stringify(process.execArgv));` });
    const child = run(t, join(root, 'domain.mjs'), { runtime, ...DEFERRED });
    const peer = await runtime.registered();
    // After the inspection by the bootstrap: a second start would have been observed.
    await new Promise((resolve) => setTimeout(resolve, 600));
    await peer.request('nope_request');
    peer.send({ type: 'drain', payload: '{"deadline_ms":100}' });
    assert.deepEqual(await child.exit, { code: 0, signal: null });
    assert.equal(runtime.peers.length, 1);
    assert.equal(child.output, '[]\n');
  });
}

test('the last lines reach a pipe without the preload', async (t) => {
  const lines = 20_000;
  const code = `${IMPORT}for (let i = 0; i < ${lines}; i++) process.stdout.write('line ' + i + ' '.repeat(60) + '\\n'); process.exit(3);`;
  const root = directory(t, { 'domain.mjs': code });
  const child = run(t, join(root, 'domain.mjs'), DEFERRED);
  assert.equal((await child.exit).code, 3);
  assert.equal(child.output.trimEnd().split('\n').length, lines);
});

test('worker threads, forked children and other parents load no bootstrap', async (t) => {
  const runtime = await listen(t);
  // A bootstrap that only prints that it was loaded.
  const code = `${IMPORT}
    import { fork } from 'node:child_process';
    import { Worker, isMainThread } from 'node:worker_threads';
    import { fileURLToPath } from 'node:url';
    const file = fileURLToPath(import.meta.url);
    if (isMainThread && !process.env.FORKED) {
      new Worker(file).on('exit', (code) => console.log('worker', code));
      fork(file, { env: { ...process.env, FORKED: '1' } }).on('exit', (code) => console.log('fork', code));
      await new (class extends DomainBase {})().start();
    } else await new Promise((resolve) => setTimeout(resolve, 400));`;
  const root = directory(t, { 'domain.mjs': code, 'loaded.cjs': 'console.log("loaded");', 'idle.mjs': `${IMPORT}setTimeout(() => {}, 400);` });
  const later = pathToFileURL(join(root, 'loaded.cjs')).href;
  const child = run(t, join(root, 'domain.mjs'), { runtime, flags: [], config: { starts: true, later } });
  await until(() => child.output.includes('worker 0') && child.output.includes('fork 0'), 'both exit by themselves');
  assert.equal(child.output.match(/loaded/g)?.length, 1);
  const other = run(t, join(root, 'idle.mjs'), { flags: [], config: { parent: 1, starts: true, later } });
  assert.deepEqual(await other.exit, { code: 0, signal: null });
  assert.equal(other.output, '');
});
