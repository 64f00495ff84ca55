import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainBase } from '@fulcrum/domain';
import { FakeRuntime } from './fake-runtime.mjs';
import internals from './internals.mjs';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const traceparent = `00-${TRACE}-${PARENT}-01`;

class Orders extends DomainBase {
  seen = [];
  async orderCreateHandler(payload, { traceId }) {
    this.seen.push(traceId);
    // In a later turn, too.
    await sleep(1);
    return this.call('catalog', 'item_find_request', {});
  }
  async failHandler() { throw new Error('sold out'); }
  // At once, as something that can only be waited for, and in parts.
  nowHandler() { this.call('catalog', 'now_request', {}).catch(() => {}); return { now: true }; }
  laterHandler() { return { then: (resolve) => this.call('catalog', 'later_request', {}).then(() => resolve({ later: true })) }; }
  async *partsHandler() {
    await sleep(1);
    yield this.call('catalog', 'parts_request', {});
  }
  circularHandler() {
    const result = {};
    return Object.assign(result, { result });
  }
}

/** A domain at a runtime that takes spans, or does not. */
async function started(t, spans, env = {}) {
  Object.assign(process.env, env);
  const register = () => ({ type: 'register_success', payload: JSON.stringify({ status: 'registered', ...(spans && { spans }) }) });
  const runtime = await new FakeRuntime({ register }).listen();
  const domain = new Orders({ name: 'orders', address: runtime.address });
  t.after(async () => {
    for (const name of Object.keys(env)) delete process.env[name];
    await domain.stop(0);
    await runtime.close();
  });
  await domain.start();
  return { runtime, domain, peer: await runtime.registered() };
}

const spansOf = async (peer) => JSON.parse((await peer.expect('spans')).payload).spans;

test('a request\'s trace goes on to the calls that its handler makes, with a span for each', async (t) => {
  const { runtime, domain, peer } = await started(t, true);
  await peer.request('order_create_request', {}, 'r1', 0, { traceparent, tracestate: 'a=1', baggage: 'k=v' });
  const [call, handler] = await spansOf(peer);
  assert.deepEqual([handler.name, handler.kind, handler.trace, handler.parent], ['order_create_request', 'server', TRACE, PARENT]);
  assert.deepEqual([call.name, call.kind, call.trace, call.parent], ['catalog/item_find_request', 'client', TRACE, handler.id]);
  assert.ok(call.start >= handler.start && call.start + call.duration <= handler.start + handler.duration + 0.01);
  assert.ok(Math.abs(handler.start - Date.now()) < 5_000);
  const [{ headers }] = runtime.calls;
  assert.equal(headers.traceparent, `00-${TRACE}-${call.id}-01`);
  assert.deepEqual([headers.tracestate, headers.baggage], ['a=1', 'k=v']);
  assert.deepEqual(domain.seen, [TRACE]);
});

test('a trace that nobody records goes on as it came, and one that begins nowhere is none', async (t) => {
  const { runtime, domain, peer } = await started(t, false);
  await peer.request('order_create_request', {}, 'r1', 0, { traceparent });
  await peer.request('order_create_request', {}, 'r2', 0, { traceparent: 'rubbish' });
  await peer.request('order_create_request', {}, 'r3');
  assert.deepEqual(runtime.calls.map(({ headers }) => headers.traceparent), [traceparent, undefined, undefined]);
  assert.deepEqual(domain.seen, [TRACE, undefined, undefined]);
  assert.ok(!peer.messages.some(({ type }) => type === 'spans'));
});

test('an unsampled trace is not recorded', async (t) => {
  const { runtime, peer } = await started(t, true);
  const unsampled = traceparent.replace(/01$/, '00');
  await peer.request('order_create_request', {}, 'r1', 0, { traceparent: unsampled });
  assert.equal(runtime.calls[0].headers.traceparent, unsampled);
  await sleep(200);
  assert.ok(!peer.messages.some(({ type }) => type === 'spans'));
});

test('a handler that throws has its error in the span', async (t) => {
  const { peer } = await started(t, true);
  await peer.request('fail_request', {}, 'r1', 0, { traceparent });
  const [span] = await spansOf(peer);
  assert.equal(span.error, 'sold out');
});

for (const type of ['now_request', 'later_request', 'parts_request']) {
  test(`a handler's trace is that of its calls, however it responds: ${type}`, async (t) => {
    const { runtime, peer } = await started(t, true);
    const { success } = await peer.request(type, {}, 'r1', 0, { traceparent });
    assert.notEqual(success, false);
    const spans = await spansOf(peer);
    const handler = spans.find(({ name }) => name === type);
    const call = spans.find(({ name }) => name === `catalog/${type}`);
    assert.deepEqual([handler.parent, call.parent, call.trace], [PARENT, handler.id, TRACE]);
    assert.equal(runtime.calls[0].headers.traceparent, `00-${TRACE}-${call.id}-01`);
  });
}

test('a result that cannot be written is an error of its handler', async (t) => {
  const { peer } = await started(t, true);
  const { payload } = await peer.request('circular_request', {}, 'r1', 0, { traceparent });
  assert.match(payload.error, /circular/);
  const [span] = await spansOf(peer);
  assert.match(span.error, /circular/);
});

test('onStart joins the trace of the start', async (t) => {
  const { peer } = await started(t, true, { TRACEPARENT: traceparent });
  const [span] = await spansOf(peer);
  assert.deepEqual([span.name, span.trace, span.parent], ['onStart', TRACE, PARENT]);
});

test('the app\'s OpenTelemetry records the spans, and its context is that of the handler', async (t) => {
  // What @opentelemetry/api and a context manager register.
  const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
  const context = (values = new Map()) => ({ getValue: (key) => values.get(key), setValue: (key, value) => context(new Map(values).set(key, value)) });
  const storage = new AsyncLocalStorage();
  const recorded = [];
  const root = context();
  const API = Symbol.for('opentelemetry.js.api.1');
  globalThis[API] = {
    context: { active: () => storage.getStore() ?? root, with: (active, run) => storage.run(active, run) },
    propagation: {
      extract: (active, carrier, getter) => {
        const [, traceId, spanId] = getter.get(carrier, 'traceparent').split('-');
        return active.setValue(SPAN, { spanContext: () => ({ traceId, spanId, traceFlags: 1 }) });
      },
      inject: () => {},
    },
    trace: {
      getTracer: () => ({
        startSpan(name, { kind }, parent) {
          const spanContext = { traceId: parent.getValue(SPAN).spanContext().traceId, spanId: `${recorded.length + 1}`.padStart(16, '0'), traceFlags: 1 };
          const span = { name, kind, parent: parent.getValue(SPAN).spanContext().spanId, spanContext: () => spanContext, setStatus: (status) => { span.status = status; }, end: () => { span.ended = true; } };
          recorded.push(span);
          return span;
        },
      }),
    },
  };
  t.after(() => { delete globalThis[API]; });
  const { runtime, peer } = await started(t, true);
  await peer.request('order_create_request', {}, 'r1', 0, { traceparent });
  await peer.request('fail_request', {}, 'r2', 0, { traceparent });
  assert.deepEqual(recorded.map(({ name, kind, parent, ended }) => [name, kind, parent, ended]), [
    ['order_create_request', 1, PARENT, true],
    ['catalog/item_find_request', 2, '0000000000000001', true],
    ['fail_request', 1, PARENT, true],
  ]);
  assert.deepEqual(recorded[2].status, { code: 2, message: 'sold out' });
  assert.equal(runtime.calls[0].headers.traceparent, `00-${TRACE}-0000000000000002-01`);
  await sleep(200);
  assert.ok(!peer.messages.some(({ type }) => type === 'spans'), 'nothing is recorded twice');
});

test('a traceparent is read as W3C defines it', () => {
  const { parseTraceparent, formatTraceparent, normalTraceparent, hasForm, isSampled, traceOf, spanOf } = internals;
  const parsed = parseTraceparent(traceparent);
  assert.deepEqual(parsed, { traceId: TRACE, spanId: PARENT, sampled: true });
  assert.equal(formatTraceparent(parsed), traceparent);
  assert.equal(parseTraceparent(`01-${TRACE}-${PARENT}-00-more`)?.sampled, false);
  for (const text of [undefined, '', 'x', `ff-${TRACE}-${PARENT}-01`, `${traceparent}-more`, `00-${'0'.repeat(32)}-${PARENT}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`, traceparent.toUpperCase()]) {
    assert.equal(parseTraceparent(text), undefined, text);
    assert.equal(normalTraceparent(text), undefined, text);
  }
  assert.equal(normalTraceparent(traceparent), traceparent);
  assert.equal(normalTraceparent(` ${traceparent} `), traceparent);
  assert.equal(normalTraceparent(`01-${TRACE}-${PARENT}-03-more`), traceparent);
  assert.deepEqual([traceparent, '', 'x', `01${traceparent.slice(2)}`, `${traceparent}-more`].map(hasForm), [true, false, false, false, false]);
  assert.deepEqual([traceOf(traceparent), spanOf(traceparent)], [TRACE, PARENT]);
  const sampled = ['00', '01', '02', '03', '0a', '0b', '0f', 'ff'].filter((flags) => isSampled(traceparent.replace(/01$/, flags)));
  assert.deepEqual(sampled, ['01', '03', '0b', '0f', 'ff']);
});

test('ids of spans are digits of random numbers that are not 0', () => {
  const { newHalfId, hexOf } = internals;
  const ids = new Set(Array.from({ length: 1_000 }, () => hexOf(newHalfId()) + hexOf(newHalfId())));
  assert.equal(ids.size, 1_000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/);
});

/** A buffer, its payloads, and spans of it. */
function bufferOf() {
  const sent = [];
  const buffer = new internals.SpanBuffer((payload) => sent.push(JSON.parse(payload)));
  const add = (name, low, error) => buffer.add(internals.kindText({ name, kind: 'internal', attributes: { n: 1 } }), { parent: traceparent, high: -1, low, start: 1500.25, duration: 0.5, error });
  return { buffer, sent, add };
}

test('too many spans are dropped and counted', () => {
  const { buffer, sent, add } = bufferOf();
  for (let low = 0; low < 5_000; low++) add('x "y"', low, low === 7 ? 'no "z"' : undefined);
  buffer.flush();
  assert.equal(sent.length, 0, 'nobody takes them yet');
  buffer.open(false);
  buffer.flush();
  assert.equal(sent.reduce((count, { spans }) => count + spans.length, 0), 4_096);
  assert.deepEqual(sent[0].spans[7], { trace: TRACE, id: 'ffffffff00000007', parent: PARENT, name: 'x "y"', kind: 'internal', attributes: { n: 1 }, start: 1500.25, duration: 0.5, error: 'no "z"' });
  assert.equal(sent.reduce((count, { dropped }) => count + dropped, 0), 904);
});

test('a runtime that reads tables gets what spans have in common once', () => {
  const { buffer, sent, add } = bufferOf();
  buffer.open(true);
  add('a', 1);
  add('b', 2, 'no "z"');
  add('a', 3);
  buffer.flush();
  const row = (kind, low) => `000${kind}ffffffff0000000${low}4097710000000000` + '3fe0000000000000';
  assert.deepEqual(sent, [{
    kinds: ['a', 'b'].map((name) => ({ name, kind: 'internal', attributes: { n: 1 } })),
    parents: traceparent.repeat(3),
    rows: row(0, 1) + row(1, 2) + row(0, 3),
    errors: [[1, 'no "z"']],
    dropped: 0,
  }]);
  for (let low = 0; low < 256; low++) add('a', low);
  assert.equal(sent.length, 2, 'a table that is full is sent at once');
});
