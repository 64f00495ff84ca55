// How a process ends when Fulcrum stops it: who listens to the stop signal decides, otherwise the event loop.
import assert from 'node:assert/strict';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeRuntime } from './fake-runtime.mjs';
import { directory, run, until } from './spawn.mjs';

const IMPORT = `import { DomainBase } from '@fulcrum/domain';\n`;
const SLEEP = 'const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));\n';
const DOMAIN = 'export default class extends DomainBase { onStop() { console.log("stopped"); } }\n';

async function listen(t, options) {
  const runtime = await new FakeRuntime(options).listen();
  t.after(() => runtime.close());
  return runtime;
}

/** Starts a domain with this code before its class; resolves when it is registered and has printed `up`. */
async function start(t, code, { stopSignal = 'SIGTERM', graceMs = 5_000, domain = DOMAIN } = {}) {
  const payload = JSON.stringify({ status: 'registered', stop_signal: stopSignal, stop_grace_ms: graceMs });
  const runtime = await listen(t, { register: () => ({ type: 'register_success', payload }) });
  const root = directory(t, { 'domain.mjs': IMPORT + SLEEP + code + domain });
  const child = run(t, join(root, 'domain.mjs'), { runtime });
  const peer = await runtime.registered();
  await peer.request('nope_request');
  return { child, peer };
}

/** What Fulcrum sends at a stop: `drain` and the stop signal, at once. */
function stop({ child, peer }, { signal = 'SIGTERM', graceMs = 5_000 } = {}) {
  peer.send({ type: 'drain', payload: JSON.stringify({ deadline_ms: graceMs }) });
  child.kill(signal);
  child.stoppedAt = performance.now();
}

async function ended({ child }) {
  const exit = await child.exit;
  return { ...exit, tookMs: performance.now() - child.stoppedAt };
}

test('a listener of the program ends the process, however long it takes', async (t) => {
  const domain = await start(t, `process.on('SIGTERM', async () => { console.log('first'); await sleep(300); console.log('flushed'); process.exit(7); });\n`);
  stop(domain);
  assert.equal((await ended(domain)).code, 7);
  assert.match(domain.child.output, /first\n[^]*flushed/);
  assert.match(domain.child.output, /stopped/);
});

for (const [listener, code] of [
  [`process.on('SIGTERM', async () => { await sleep(100); console.log('flushed'); process.exit(7); });\n`, 7],
  [`process.on('SIGTERM', async () => { await sleep(100); console.log('flushed'); });\n`, 0],
]) {
  test(`a stop signal that comes after the drain is awaited (exit ${code})`, async (t) => {
    const domain = await start(t, listener);
    domain.peer.send({ type: 'drain', payload: '{"deadline_ms":5000}' });
    await until(() => /stopped/.test(domain.child.output), 'the end of the drain');
    await new Promise((resolve) => setTimeout(resolve, 300));
    domain.child.kill('SIGTERM');
    domain.child.stoppedAt = performance.now();
    const exit = await ended(domain);
    assert.equal(exit.code, code);
    assert.match(domain.child.output, /flushed/);
    assert.ok(exit.tookMs < 600, `${exit.tookMs} ms`);
  });
}

test('a stop signal that has come before the drain is not awaited', async (t) => {
  const domain = await start(t, `process.on('SIGTERM', () => console.log('first'));\n`);
  domain.child.kill('SIGTERM');
  domain.child.stoppedAt = performance.now();
  await until(() => /first/.test(domain.child.output), 'the listener');
  domain.peer.send({ type: 'drain', payload: '{"deadline_ms":5000}' });
  const { code, tookMs } = await ended(domain);
  assert.equal(code, 0);
  assert.ok(tookMs < 600, `${tookMs} ms`);
});

test('a program without a listener ends as soon as nothing is left, with beforeExit', async (t) => {
  const domain = await start(t, `let done = false;
    process.on('beforeExit', async () => { if (done) return; done = true; await sleep(200); console.log('before exit'); });
    process.on('exit', (code) => console.log('exit', code));\n`);
  stop(domain);
  assert.deepEqual((await domain.child.exit), { code: 0, signal: null });
  assert.match(domain.child.output, /stopped\n[^]*before exit\nexit 0/);
});

test('servers, intervals, idle connections, watchers and standard input do not delay the end', async (t) => {
  const domain = await start(t, `import net from 'node:net'; import http from 'node:http'; import fs from 'node:fs'; import dgram from 'node:dgram';
    import { spawn } from 'node:child_process';
    const database = net.createServer((socket) => socket.resume());
    database.listen(0, '127.0.0.1', () => net.connect(database.address().port, '127.0.0.1'));
    const web = http.createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', async () => {
      const agent = new http.Agent({ keepAlive: true });
      http.get({ port: web.address().port, host: '127.0.0.1', agent }, (response) => response.resume());
    });
    setInterval(() => {}, 60_000); setInterval(() => {}, 10); setTimeout(() => {}, 3_600_000);
    fs.watch('.'); dgram.createSocket('udp4').bind(0, '127.0.0.1'); process.stdin.resume();
    spawn('sleep', ['2'], { stdio: ['ignore', 'pipe', 'pipe'] }).stdout.resume();\n`);
  stop(domain);
  const { code, tookMs } = await ended(domain);
  assert.equal(code, 0, domain.child.output);
  assert.ok(tookMs < 1_500, `${tookMs} ms`);
});

test('requests to a server of the program are answered, and new ones refused', async (t) => {
  const domain = await start(t, `import http from 'node:http';
    const web = http.createServer(async (request, response) => { await sleep(700); response.end('answered'); });
    web.listen(0, '127.0.0.1', () => console.log('port', web.address().port));\n`);
  const port = await until(() => /port (\d+)/.exec(domain.child.output)?.[1], 'the port');
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const answered = new Promise((resolve, reject) => {
    const request = http.get({ port, host: '127.0.0.1', agent }, async (response) => {
      let text = '';
      for await (const part of response) text += part;
      resolve(text);
    });
    request.on('error', reject);
    request.once('finish', () => setTimeout(() => stop(domain), 100));
  });
  assert.equal(await answered, 'answered');
  const { code, tookMs } = await ended(domain);
  assert.equal(code, 0);
  assert.ok(tookMs < 2_000, `${tookMs} ms`);
});

test('a file that is being written with pauses, and a timer that is due, are finished', async (t) => {
  const domain = await start(t, `import { open } from 'node:fs/promises';
    setTimeout(() => console.log('due'), 1_500);
    (async () => {
      const file = await open('out', 'w');
      for (let line = 0; line < 12; line++) { await file.write('line ' + line + '\\n'); await sleep(100); }
      await file.close();
      console.log('written');
    })();\n`);
  stop(domain);
  assert.deepEqual(await domain.child.exit, { code: 0, signal: null });
  assert.match(domain.child.output, /written/);
  assert.match(domain.child.output, /due/);
});

test('a loop of timers ends with the grace, by the default action of the signal', async (t) => {
  const graceMs = 800;
  const domain = await start(t, 'const poll = () => setTimeout(poll, 40); poll();\n', { graceMs });
  stop(domain, { graceMs });
  const { signal, tookMs } = await ended(domain);
  assert.equal(signal, 'SIGTERM');
  assert.ok(tookMs > 400 && tookMs < 800, `${tookMs} ms`);
  assert.match(domain.child.output, /still running at the end of its grace: 1 Timeout; listen to SIGTERM/);
});

test('work with pauses that reaches the deadline is cut off there and named, not ended before in silence', async (t) => {
  const graceMs = 1_400;
  // The second pause begins before the timers are looked at for the second time, and ends after the deadline.
  const domain = await start(t, '', { graceMs, domain: 'export default class extends DomainBase { onStop() { void (async () => { for (;;) await sleep(900); })(); } }' });
  stop(domain, { graceMs });
  assert.equal((await ended(domain)).signal, 'SIGTERM');
  assert.match(domain.child.output, /still running at the end of its grace: 1 Timeout/);
});

test('a loop of longer timers ends with the timer that was set before the stop', async (t) => {
  const domain = await start(t, 'const poll = () => setTimeout(poll, 1_100); poll();\n');
  stop(domain);
  const { code, tookMs } = await ended(domain);
  assert.equal(code, 0);
  assert.ok(tookMs < 2_500, `${tookMs} ms`);
});

test('a worker thread that flushes is awaited', async (t) => {
  const thread = "const { parentPort } = require('node:worker_threads'); parentPort.once('message', () => setTimeout(() => console.log('thread flushed'), 300));";
  const domain = await start(t, `import { Worker } from 'node:worker_threads'; const worker = new Worker(${JSON.stringify(thread)}, { eval: true });\n`, {
    domain: `export default class extends DomainBase { onStop() { worker.postMessage('flush'); } }`,
  });
  stop(domain);
  assert.deepEqual(await domain.child.exit, { code: 0, signal: null });
  assert.match(domain.child.output, /thread flushed/);
});

test('a main module that waits for ever is no failure', async (t) => {
  const domain = await start(t, 'setImmediate(() => new (class extends DomainBase {})().start()); await new Promise(() => {});\n');
  stop(domain);
  assert.deepEqual(await domain.child.exit, { code: 0, signal: null });
});

test('the stop signal that the runtime names is handled like SIGTERM', async (t) => {
  for (const signal of ['SIGINT', 'SIGUSR2']) {
    const domain = await start(t, `import http from 'node:http'; http.createServer().listen(0);\n`, { stopSignal: signal });
    stop(domain, { signal });
    assert.deepEqual(await domain.child.exit, { code: 0, signal: null }, signal);
    assert.match(domain.child.output, /stopped/);
  }
});

test('packages that count the listeners of a signal see only those of the program', async (t) => {
  // As `signal-exit` does: alone, it ends the process by the signal itself.
  const domain = await start(t, `import http from 'node:http'; http.createServer().listen(0);
    const onSignal = () => {
      console.log('listeners', process.listenerCount('SIGTERM'));
      if (process.listenerCount('SIGTERM') !== 1) return;
      process.removeListener('SIGTERM', onSignal);
      process.kill(process.pid, 'SIGTERM');
    };
    setTimeout(() => { process.on('SIGTERM', onSignal); console.log('armed'); }, 20);\n`);
  await until(() => domain.child.output.includes('armed'), 'the listener');
  domain.child.kill('SIGTERM');
  assert.deepEqual(await domain.child.exit, { code: null, signal: 'SIGTERM' });
  assert.match(domain.child.output, /listeners 1\n/);
});

test('after the program has removed its listener, the event loop decides again', async (t) => {
  const domain = await start(t, `const mine = () => {}; process.on('SIGTERM', mine); setInterval(() => {}, 1_000);
    setTimeout(() => { process.off('SIGTERM', mine); console.log('off'); }, 20);\n`);
  await until(() => domain.child.output.includes('off'), 'the removal');
  stop(domain);
  assert.deepEqual(await domain.child.exit, { code: 0, signal: null });
});
