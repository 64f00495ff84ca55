import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeRuntime } from './fake-runtime.mjs';
import { directory, run } from './spawn.mjs';

async function listen(t, options) {
  const runtime = await new FakeRuntime(options).listen();
  t.after(() => runtime.close());
  return runtime;
}

const IMPORT = `import { DomainBase } from '@fulcrum/domain';\n`;

test('a rejected token ends the process at once with the reason', async (t) => {
  const runtime = await listen(t, { register: () => ({ status: 16, message: 'wrong token' }) });
  const root = directory(t, { 'domain.mjs': `${IMPORT}export default class extends DomainBase {}` });
  const child = run(t, join(root, 'domain.mjs'), { runtime });
  assert.deepEqual(await child.exit, { code: 1, signal: null });
  assert.match(child.output, /rejects domain "users": UNAUTHENTICATED: wrong token/);
  assert.equal(runtime.peers.length, 0);
});

test('an onStart or onReady that throws ends the process with its stack', async (t) => {
  const runtime = await listen(t);
  for (const hook of ['onStart', 'onReady']) {
    const root = directory(t, { 'domain.mjs': `${IMPORT}new (class extends DomainBase {\n  async ${hook}() { throw new Error('no database'); }\n})().start();` });
    const child = run(t, join(root, 'domain.mjs'), { runtime });
    assert.deepEqual(await child.exit, { code: 1, signal: null });
    assert.match(child.output, /users: Error: no database\n +at .*domain\.mjs:3:/);
  }
});

test('without a runtime the domain logs that once and keeps retrying', async (t) => {
  const root = directory(t, { 'domain.mjs': `${IMPORT}export default class extends DomainBase {}` });
  const runtime = await listen(t);
  const { port } = runtime;
  await runtime.close();
  const child = run(t, join(root, 'domain.mjs'), { runtime: { address: `127.0.0.1:${port}` } });
  await new Promise((resolve) => child.stderr.once('data', resolve));
  const restarted = await new FakeRuntime().listen(port);
  t.after(() => restarted.close());
  await restarted.registered();
  assert.match(child.output, /^fulcrum: users cannot reach the runtime at 127\.0\.0\.1:\d+ \(connect ECONNREFUSED/);
  assert.equal(child.output.match(/cannot reach/g).length, 1);
});

test('an idle domain keeps running, and a drain lets it finish and exit with 0', async (t) => {
  const runtime = await listen(t);
  const root = directory(t, {
    'domain.mjs': `${IMPORT}export default class extends DomainBase {
      async slowHandler() { await new Promise((resolve) => setTimeout(resolve, 150)); return { done: true }; }
      onStop() { console.log('stopped'); }
    }`,
  });
  const child = run(t, join(root, 'domain.mjs'), { runtime });
  const peer = await runtime.registered();
  const slow = peer.request('slow_request');
  peer.send({ type: 'drain', payload: '{"deadline_ms":5000}', request_id: '' });
  assert.match((await peer.request('slow_request')).payload.error, /draining/);
  assert.deepEqual((await slow).payload, { done: true });
  assert.deepEqual(await child.exit, { code: 0, signal: null });
  assert.match(child.output, /stopped/);
});

test('a drain ends at its deadline', async (t) => {
  const runtime = await listen(t);
  const root = directory(t, { 'domain.mjs': `${IMPORT}export default class extends DomainBase { stuckHandler() { return new Promise(() => {}); } }` });
  const child = run(t, join(root, 'domain.mjs'), { runtime });
  const peer = await runtime.registered();
  const stuck = peer.request('stuck_request');
  peer.send({ type: 'drain', payload: '{"deadline_ms":50}' });
  assert.match((await stuck).payload.error, /was stopped before/);
  assert.deepEqual(await child.exit, { code: 0, signal: null });
});

test('SIGTERM drains, unless the program handles it itself', async (t) => {
  const runtime = await listen(t);
  const body = 'export default class extends DomainBase { onStop() { console.log("stopped"); } }';
  const own = 'process.on("SIGTERM", () => { console.log("mine"); process.exit(7); });';
  const root = directory(t, { 'a.mjs': IMPORT + body, 'b.mjs': IMPORT + body + own });
  const a = run(t, join(root, 'a.mjs'), { runtime });
  await (await runtime.registered(1)).request('nope_request');
  a.kill('SIGTERM');
  assert.deepEqual(await a.exit, { code: 0, signal: null });
  assert.match(a.output, /stopped/);
  const b = run(t, join(root, 'b.mjs'), { runtime });
  await (await runtime.registered(2)).request('nope_request');
  b.kill('SIGTERM');
  assert.deepEqual(await b.exit, { code: 7, signal: null });
  assert.doesNotMatch(b.output, /stopped/);
});

test('a blocked event loop does not outlive its runtime connection unnoticed', async (t) => {
  const runtime = await listen(t);
  const root = directory(t, {
    'domain.mjs': `${IMPORT}export default class extends DomainBase {
      blockHandler() { const end = Date.now() + 300; while (Date.now() < end); return { after: true }; }
    }`,
  });
  run(t, join(root, 'domain.mjs'), { runtime });
  const peer = await runtime.registered();
  peer.send({ type: 'block_request', payload: '{}', request_id: 'b' });
  runtime.drop();
  const again = await runtime.registered(2);
  assert.match((await again.request('nope_request')).payload.error, /block_request/);
});
