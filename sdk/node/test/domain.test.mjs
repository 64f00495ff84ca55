import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import * as esm from '@fulcrum/domain';
import { FakeRuntime } from './fake-runtime.mjs';
import { until } from './spawn.mjs';

const { DomainBase, FulcrumError } = esm;
const cjs = createRequire(import.meta.url)('@fulcrum/domain');

async function started(t, Class, options = {}, runtimeOptions = {}) {
  const runtime = await new FakeRuntime(runtimeOptions).listen();
  const domain = new Class({ name: 'users', address: runtime.address, ...options });
  t.after(async () => {
    await domain.stop(0);
    await runtime.close();
  });
  await domain.start();
  return { runtime, domain, peer: await runtime.registered() };
}

test('import and require give the same objects, all of them by name', () => {
  const names = Object.keys(cjs).sort();
  assert.deepEqual(names, ['DomainBase', 'Email', 'FulcrumError', 'Table']);
  assert.deepEqual(Object.keys(esm).filter((name) => name !== 'default').sort(), names);
  for (const name of names) assert.equal(esm[name], cjs[name]);
  assert.equal(esm.default.DomainBase, cjs.DomainBase);
});

test('a domain registers with its name, its capabilities, the types that it handles and its token', async (t) => {
  class Users extends DomainBase { userIndexHandler() {} }
  const { peer, domain } = await started(t, Users, { token: 'secret' });
  const [register] = peer.messages;
  assert.equal(register.type, 'domain_register');
  assert.equal(register.domain, 'users');
  assert.notEqual(register.request_id, '');
  assert.deepEqual(JSON.parse(register.payload), { domain: 'users', capabilities: ['db_operations', 'email_operations', 'heartbeat', 'drain', 'assets', 'cancel', 'deadline', 'stream', 'large_messages', 'trace', 'span_tables'], types: ['user_index_request'] });
  assert.equal(peer.headers['x-fulcrum-token'], 'secret');
  assert.equal(peer.headers['content-type'], 'application/grpc');
  assert.equal(peer.headers.te, 'trailers');
  assert.equal(domain.registered, true);
});

test('the name comes from the option, a field, or the class', async (t) => {
  class Static extends DomainBase { static domainName = 'static'; }
  class Field extends DomainBase { name = 'field'; }
  assert.equal((await started(t, Static, { name: undefined })).peer.messages[0].domain, 'static');
  assert.equal((await started(t, Field)).peer.messages[0].domain, 'field');
  assert.equal(new DomainBase('text').name, 'text');
  await assert.rejects(new DomainBase({ name: '' }).start(), (error) => error instanceof FulcrumError && error.code === 'INVALID' && /no name/.test(error.message));
});

test('onStart is called before the registration, onReady after it, and start starts once', async (t) => {
  const order = [];
  class Ordered extends DomainBase {
    async onStart() {
      await assert.rejects(this.createRecord('users', {}), { code: 'NOT_REGISTERED' });
      order.push(`start, registered ${this.registered}`);
    }
    onReady() { order.push(`ready, registered ${this.registered}`); }
  }
  const { runtime, domain } = await started(t, Ordered);
  await Promise.all([domain.start(), domain.start()]);
  assert.deepEqual(order, ['start, registered false', 'ready, registered true']);
  assert.equal(runtime.peers.length, 1);
});

class Users extends DomainBase {
  seen = 0;
  async userCreateHandler(payload, context) {
    this.seen++;
    await null;
    return { success: true, got: payload, context };
  }
  userFindHandler = () => undefined;
  userFailHandler() { throw Object.assign(new Error('no such user'), { code: 'NO_USER' }); }
  userOddHandler() { throw 'a string'; }
  userSayHandler() { return { success: false, error: 'said' }; }
  userLoopHandler() { const loop = {}; loop.loop = loop; return loop; }
}

test('a request gets the response of its handler, and every failure is a response', async (t) => {
  const { peer, domain } = await started(t, Users);
  const created = await peer.request('user_create_request', { name: 'ü' }, 'r-1');
  assert.equal(created.type, 'user_create_response');
  assert.equal(created.request_id, 'r-1');
  assert.equal(created.domain, 'users');
  assert.deepEqual(created.payload, { success: true, got: { name: 'ü' }, context: { type: 'user_create_request', requestId: 'r-1', domain: 'users' } });
  assert.deepEqual((await peer.request('user_find_request')).payload, {});
  assert.deepEqual((await peer.request('user_fail_request')).payload, { success: false, error: 'no such user', code: 'NO_USER' });
  assert.deepEqual((await peer.request('user_odd_request')).payload, { success: false, error: 'a string' });
  assert.deepEqual((await peer.request('user_say_request')).payload, { success: false, error: 'said' });
  assert.match((await peer.request('user_loop_request')).payload.error, /circular/);
  assert.match((await peer.request('user_create_request', '{oops')).payload.error, /the payload is not JSON/);
  const unknown = await peer.request('nope_request');
  assert.equal(unknown.type, 'nope_response');
  assert.match(unknown.payload.error, /^Unknown message type: nope_request .*user_create_request, user_fail_request/);
  assert.equal(domain.seen, 1);
});

test('a large message passes both ways, and many keep their order', async (t) => {
  const payload = JSON.stringify({ status: 'registered', max_message_bytes: 8 * 1024 * 1024 });
  const { peer } = await started(t, Users, {}, { register: () => ({ type: 'register_success', payload }) });
  const big = 'x'.repeat(5_000_000);
  assert.equal((await peer.request('user_create_request', { big })).payload.got.big, big);
  const ids = Array.from({ length: 500 }, (_, index) => `n-${index}`);
  for (const id of ids) peer.send({ type: 'user_find_request', payload: '{}', request_id: id });
  await peer.expect((message) => message.request_id === 'n-499');
  assert.deepEqual(peer.messages.map((message) => message.request_id).filter((id) => id.startsWith('n-')), ids);
});

test('a message over the limit of the runtime is not sent, and its sender is told', async (t) => {
  const response = { type: 'register_success', payload: JSON.stringify({ status: 'registered', max_message_bytes: 2_000 }) };
  class Inflates extends DomainBase {
    textInflateHandler({ bytes }) { return { text: 'x'.repeat(bytes) }; }
  }
  const { peer, domain } = await started(t, Inflates, {}, { register: () => response });
  const failed = await peer.request('text_inflate_request', { bytes: 3_000 });
  assert.deepEqual([failed.type, failed.payload.success, failed.payload.code], ['text_inflate_response', false, 'TOO_LARGE']);
  assert.match(failed.payload.error, /domain users has 3\d\d\d bytes, and the limit is 2000 bytes/);
  assert.equal((await peer.request('text_inflate_request', { bytes: 1_000 })).payload.text.length, 1_000);
  const large = 'x'.repeat(3_000);
  await assert.rejects(domain.call('orders', 'x_request', large), { code: 'TOO_LARGE' });
  await assert.rejects(domain.createRecord('users', { large }), { code: 'TOO_LARGE' });
});

test('late responses and notifications get no response', async (t) => {
  const { peer } = await started(t, Users);
  peer.send({ type: 'error', request_id: 'gone', success: false, error: 'late' });
  peer.send({ type: 'db_find_response', request_id: 'gone' });
  peer.send({ type: 'asset_changed', payload: '{}' });
  await peer.request('user_find_request');
  assert.deepEqual(peer.messages.map((message) => message.type), ['domain_register', 'user_find_response']);
});

test('requests to the runtime have model and data, and return the response or its error', async (t) => {
  const { peer, domain } = await started(t, DomainBase);
  const sent = [];
  peer.on('message', ({ type, payload, request_id }) => {
    sent.push([type, JSON.parse(payload)]);
    if (type === 'db_delete') peer.send({ type: 'error', request_id, success: false, error: 'Unknown message type: db_delete' });
    else if (type === 'db_update') peer.send({ type: 'db_update_response', request_id, payload: '{"success":false,"error":"locked"}' });
    else peer.send({ type: `${type}_response`, request_id, payload: '{"id":7}' });
  });
  assert.deepEqual(await domain.createRecord('users', { name: 'a' }), { id: 7 });
  await domain.findRecords('users', { where: { name: 'a' } });
  await assert.rejects(domain.updateRecord('users', 7, { name: 'b' }), { code: 'FAILED', message: 'locked' });
  await assert.rejects(domain.deleteRecord('users', 7), { code: 'FAILED', message: 'Unknown message type: db_delete' });
  await domain.sendEmail({ to: 'a@b.c', subject: 'Hi' });
  const active = domain.db('users').where({ active: true });
  await active.where({ name: 'a' }).orderBy('name').limit(1).find();
  await active.find();
  await domain.db('users').create({ name: 'c' });
  await assert.rejects(active.update({ seen: 1 }), { message: 'locked' });
  assert.throws(() => domain.db('users').delete(), /needs where/);
  await domain.email().to('a@b.c').to('d@e.f', 'g@h.i').subject('Hi').text('…').send();
  assert.deepEqual(sent, [
    ['db_create', { model: 'users', data: { name: 'a' } }],
    ['db_find', { model: 'users', query: { where: { name: 'a' } } }],
    ['db_update', { model: 'users', id: 7, data: { name: 'b' } }],
    ['db_delete', { model: 'users', id: 7 }],
    ['email_send', { to: 'a@b.c', subject: 'Hi' }],
    ['db_find', { model: 'users', query: { where: { active: true, name: 'a' }, order: { name: 'asc' }, limit: 1 } }],
    ['db_find', { model: 'users', query: { where: { active: true } } }],
    ['db_create', { model: 'users', data: { name: 'c' } }],
    ['db_update', { model: 'users', where: { active: true }, data: { seen: 1 } }],
    ['email_send', { to: ['d@e.f', 'g@h.i'], subject: 'Hi', text: '…' }],
  ]);
});

test('another domain is called through SendMessage, on the same connection', async (t) => {
  const answers = {
    ok_request: { type: 'ok_response', payload: '{"price":3}' },
    away_request: { type: 'error', success: false, error: 'Domain "catalog" is not connected' },
    refused_request: { status: 8, message: 'too large' },
    silent_request: undefined,
  };
  const { domain, runtime } = await started(t, DomainBase, { token: 'secret' }, { call: ({ type }) => answers[type] });
  let sessions = 0;
  runtime.server.on('session', () => sessions++);
  assert.deepEqual(await domain.call('catalog', 'ok_request', { sku: 1 }), { price: 3 });
  assert.equal(runtime.calls[0].domain, 'catalog');
  assert.equal(runtime.calls[0].payload, '{"sku":1}');
  assert.equal(runtime.calls[0].headers['x-fulcrum-token'], 'secret');
  await assert.rejects(domain.call('catalog', 'away_request'), { code: 'FAILED', message: 'Domain "catalog" is not connected' });
  await assert.rejects(domain.call('catalog', 'refused_request'), { code: 'DISCONNECTED', message: /RESOURCE_EXHAUSTED: too large/ });
  await assert.rejects(domain.call('catalog', 'silent_request', {}, { timeoutMs: 20 }), { code: 'TIMEOUT', message: /no response within 20 ms/ });
  assert.equal(sessions, 0);
  assert.equal(domain.registered, true);
});

test('a missing response is a timeout', async (t) => {
  const { domain } = await started(t, DomainBase, { timeoutMs: 20 });
  await assert.rejects(domain.createRecord('users', {}), { code: 'TIMEOUT', message: 'db_create: no response within 20 ms' });
});

test('a timeout tells the time that was given, also after a wait for the connection', async (t) => {
  const { domain, runtime, peer } = await started(t, Users, { timeoutMs: 600 });
  const lost = domain.createRecord('users', {});
  await peer.expect('db_create');
  runtime.drop();
  await assert.rejects(lost, { code: 'DISCONNECTED' });
  const late = assert.rejects(domain.createRecord('users', {}), { code: 'TIMEOUT', message: 'db_create: no response within 600 ms' });
  await runtime.registered(2);
  await late;
});

test('after a lost connection pending requests fail and the domain registers again', async (t) => {
  const { domain, runtime, peer } = await started(t, Users);
  const waiting = domain.createRecord('users', {});
  await peer.expect('db_create');
  const began = performance.now();
  runtime.drop();
  await assert.rejects(waiting, { code: 'DISCONNECTED', message: /lost before the response arrived/ });
  const meanwhile = domain.findRecords('users');
  const again = await runtime.registered(2);
  assert.ok(performance.now() - began >= 180, 'the first wait is a quarter of a second, less jitter');
  const find = await again.expect('db_find');
  again.send({ type: 'db_find_response', request_id: find.request_id, payload: '[]' });
  assert.deepEqual(await meanwhile, [], 'a request made meanwhile waits for the connection');
  assert.equal((await again.request('user_find_request')).type, 'user_find_response');
});

test('the response to a request of a lost connection is not sent on the next one', async (t) => {
  let release;
  class Slow extends DomainBase {
    slowHandler() { return new Promise((resolve) => { release = resolve; }); }
    quickHandler() {}
  }
  const { runtime, peer } = await started(t, Slow);
  peer.send({ type: 'slow_request', payload: '{}', request_id: 'old' });
  await until(() => release, 'the handler runs');
  peer.end();
  const again = await runtime.registered(2);
  release({});
  await again.request('quick_request');
  assert.deepEqual(again.messages.map((message) => message.type), ['domain_register', 'quick_response']);
});

test('a registration of a name in use is retried until it is free', async (t) => {
  let refusals = 2;
  const { runtime } = await started(t, DomainBase, {}, { register: () => (refusals-- > 0 ? { status: 6, message: 'users is already registered' } : { type: 'register_success' }) });
  assert.equal(runtime.peers.length, 1);
  assert.equal(refusals, -1);
});

test('heartbeats are sent at the interval of the runtime, with the lag', async (t) => {
  const { peer } = await started(t, DomainBase, {}, { heartbeatMs: 60 });
  const first = await peer.expect('heartbeat');
  const beat = JSON.parse(first.payload);
  assert.deepEqual(Object.keys(beat), ['seq', 'event_loop_lag_ms', 'rss_bytes', 'heap_used_bytes', 'heap_total_bytes', 'status']);
  assert.equal(beat.seq, 1);
  assert.equal(beat.status, 'ok');
  assert.ok(beat.rss_bytes > beat.heap_used_bytes && beat.heap_used_bytes > 1_000_000);
  assert.ok(beat.heap_total_bytes >= beat.heap_used_bytes);
  const blockedUntil = performance.now() + 400;
  while (performance.now() < blockedUntil);
  const late = await peer.expect((message) => message.type === 'heartbeat' && JSON.parse(message.payload).event_loop_lag_ms >= 250);
  assert.ok(JSON.parse(late.payload).seq > 1);
});

test('no heartbeat is sent without an interval', async (t) => {
  const { peer } = await started(t, Users);
  await peer.request('user_find_request');
  assert.equal(peer.messages.some((message) => message.type === 'heartbeat'), false);
});

test('stop accepts no request, finishes running ones, calls onStop and closes', async (t) => {
  let release;
  const order = [];
  class Slow extends DomainBase {
    async slowHandler() {
      await new Promise((resolve) => { release = resolve; });
      order.push('done');
      return { done: true };
    }
    onStop() { order.push('onStop'); }
  }
  const { domain, peer, runtime } = await started(t, Slow);
  const slow = peer.request('slow_request');
  await until(() => release, 'the handler runs');
  const stopping = domain.stop();
  const { payload: refusal } = await peer.request('slow_request');
  assert.match(refusal.error, /draining/);
  assert.equal(refusal.code, 'DRAINING', 'the runtime sends it to the next process');
  release();
  assert.deepEqual((await slow).payload, { done: true });
  await stopping;
  assert.deepEqual(order, ['done', 'onStop']);
  assert.equal(domain.running, false);
  await assert.rejects(domain.createRecord('users', {}), { code: 'NOT_REGISTERED' });
  await until(() => peer.stream.closed, 'the stream is closed');
  assert.equal(runtime.peers.length, 1);
});

test('requests that are not finished by the deadline get an error response', async (t) => {
  class Stuck extends DomainBase { stuckHandler() { return new Promise(() => {}); } }
  const { domain, peer } = await started(t, Stuck);
  const stuck = peer.request('stuck_request');
  await until(() => peer.messages.length === 1, 'registered');
  peer.send({ type: 'nope_request', request_id: 'x' });
  await peer.expect('nope_response');
  await domain.stop(10);
  assert.match((await stuck).payload.error, /was stopped before stuck_request was finished/);
});

test('a handler knows its deadline, and is told when the caller has given up', async (t) => {
  class Waiting extends DomainBase {
    deadlineHandler(payload, { deadline }) { return { left: deadline && deadline - Date.now() }; }
    async waitHandler(payload, { signal }) {
      await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
      return { code: signal.reason.code, message: signal.reason.message };
    }
    async lateHandler(payload, context) {
      await new Promise((resolve) => { setTimeout(resolve, 50); });
      return { aborted: context.signal.aborted };
    }
  }
  const { peer } = await started(t, Waiting);
  assert.deepEqual((await peer.request('deadline_request')).payload, {});
  const { left } = (await peer.request('deadline_request', {}, 'd1', 60_000)).payload;
  assert.ok(left > 59_000 && left <= 60_000, `${left}`);

  const canceled = peer.request('wait_request', {}, 'w1');
  peer.send({ type: 'cancel', request_id: 'unknown' });
  peer.send({ type: 'cancel', request_id: 'w1' });
  assert.deepEqual((await canceled).payload, { code: 'CANCELLED', message: 'the caller of wait_request has given up' });
  assert.equal((await peer.request('wait_request', {}, 'w2', 20)).payload.code, 'TIMEOUT');

  // The signal is created after the cancellation.
  const late = peer.request('late_request', {}, 'l1');
  peer.send({ type: 'cancel', request_id: 'l1' });
  assert.deepEqual((await late).payload, { aborted: true });
  assert.deepEqual((await peer.request('late_request', {}, 'l2', 20)).payload, { aborted: true });
  assert.deepEqual((await peer.request('late_request', {}, 'l3')).payload, { aborted: false });
});

test('an async generator responds in parts, of which it produces no more than are wanted', async (t) => {
  let produced = 0;
  const ended = [];
  class Numbers extends DomainBase {
    async *countHandler({ to, fail }) {
      try {
        for (let n = 1; n <= to; n++) {
          produced = n;
          yield { n };
        }
        if (fail) throw new Error('no more');
      } finally {
        ended.push(to);
      }
    }
  }
  const { peer } = await started(t, Numbers);
  const parts = (id) => peer.messages.filter((message) => message.request_id === id);
  const count = (id, payload, stream_credit) => peer.send({ type: 'count_request', payload: JSON.stringify(payload), request_id: id, stream_credit });

  count('c1', { to: 5 }, 2);
  await until(() => parts('c1').length === 2, 'two parts');
  assert.equal((await peer.request('count_request', { to: 3 })).payload.length, 3, 'other requests go on');
  assert.equal(produced, 3);
  assert.equal(parts('c1').length, 2, 'no more than the credit');
  peer.send({ type: 'credit', payload: '{"parts":10}', request_id: 'c1' });
  await until(() => parts('c1').length === 6, 'the rest and the end');
  assert.deepEqual(parts('c1').map(({ payload, more }) => [payload, more === true]), [
    ...[1, 2, 3, 4, 5].map((n) => [`{"n":${n}}`, true]), ['', false],
  ]);

  count('c2', { to: 1, fail: true }, 16);
  await until(() => parts('c2').length === 2, 'a failure');
  assert.deepEqual(JSON.parse(parts('c2')[1].payload), { success: false, error: 'no more' });

  count('c3', { to: 1e9 }, 1);
  await until(() => parts('c3').length === 1, 'the first part');
  peer.send({ type: 'cancel', request_id: 'c3' });
  await until(() => ended.includes(1e9), 'the generator has ended');
  assert.deepEqual(ended, [3, 5, 1, 1e9]);
});

test('a domain subscribes to topics, also after a reconnect, and gets their events', async (t) => {
  const events = [];
  class Listener extends DomainBase {
    async onStart() { await this.subscribe('orders.created', (payload, context) => { events.push({ payload, ...context }); }); }
  }
  const { runtime, peer, domain } = await started(t, Listener);
  assert.deepEqual(JSON.parse((await peer.expect('event_subscribe')).payload), { topics: ['orders.created'] });
  const event = (topic, missed) => ({ type: 'event', payload: JSON.stringify({ topic, from: 'orders', missed, payload: { id: 1 } }) });
  peer.send(event('other', 0));
  peer.send(event('orders.created', 2));
  await until(() => events.length === 1, 'the event');
  assert.deepEqual(events, [{ payload: { id: 1 }, topic: 'orders.created', from: 'orders', missed: 2 }]);

  const publishing = domain.publish('orders.paid', { id: 2 });
  const { payload, request_id } = await peer.expect('event_publish');
  assert.deepEqual(JSON.parse(payload), { topic: 'orders.paid', payload: { id: 2 } });
  peer.send({ type: 'event_publish_response', payload: '{"success":true}', request_id });
  await publishing;

  runtime.drop();
  assert.deepEqual(JSON.parse((await (await runtime.registered(2)).expect('event_subscribe')).payload), { topics: ['orders.created'] });
});

test('a call to another domain carries its timeout, and is canceled by a signal', async (t) => {
  const { runtime, domain } = await started(t, DomainBase, {}, {
    call: (message) => (message.type === 'late_request' ? { status: 4, message: 'too late' } : new Promise(() => {})),
  });
  await assert.rejects(domain.call('catalog', 'late_request', {}, { timeoutMs: 60_000 }), { code: 'TIMEOUT' });
  assert.match(runtime.calls[0].headers['grpc-timeout'], /^(59\d\d\d|60000)m$/);

  const controller = new AbortController();
  const call = domain.call('catalog', 'wait_request', {}, { signal: controller.signal });
  await until(() => runtime.calls.length === 2, 'the call has arrived');
  controller.abort(new Error('no longer needed'));
  await assert.rejects(call, { message: 'no longer needed' });
  await assert.rejects(domain.call('catalog', 'wait_request', {}, { signal: controller.signal }), { message: 'no longer needed' });
});

test('invalid data from the runtime ends the connection, not the domain', async (t) => {
  const { runtime, peer } = await started(t, DomainBase);
  peer.stream.write(Buffer.from([0, 0, 0, 0, 2, 0x0a, 200]));
  await runtime.registered(2);
});

test('a changed asset is passed to onAssetChanged, whose errors do not stop the domain', async (t) => {
  const seen = [];
  class Users extends DomainBase {
    onAssetChanged(path) {
      seen.push(path);
      if (path === '/bad') throw new Error('no such template');
    }
    helloHandler() { return { seen }; }
  }
  const { peer } = await started(t, Users);
  for (const path of ['/bad', '/views/a.hbs']) {
    peer.send({ type: 'asset_changed', payload: JSON.stringify({ path }), request_id: '7' });
  }
  assert.deepEqual((await peer.request('hello_request')).payload, { seen: ['/bad', '/views/a.hbs'] });
});
