import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { DomainBase, FulcrumError } from '@fulcrum/domain';
import { startDomain } from '@fulcrum/domain/testing';

class UserAccounts extends DomainBase {
  log = [];
  async onStart() { this.log.push('onStart'); }
  async onReady() { this.log.push('onReady'); }
  async onStop() { this.log.push('onStop'); }
  async userCreateHandler({ name }) { return { success: true, user: await this.createRecord('users', { name }) }; }
  async userPriceHandler({ sku }) { return this.call('catalog', 'price_get_request', { sku }); }
  async userFailHandler() { throw new Error('no such user'); }
  async userWaitHandler(_, { signal }) { return new Promise((_, reject) => signal.addEventListener('abort', () => { this.log.push(signal.reason.code); reject(signal.reason); })); }
  async *userListHandler({ count }) {
    try {
      for (let id = 1; id <= count; id++) yield { id };
    } finally {
      this.log.push('list ended');
    }
  }
  async userRelayHandler() {
    const ids = [];
    for await (const { id } of this.stream('catalog', 'price_list_request')) ids.push(id);
    return { ids };
  }
}

class Catalog extends DomainBase {
  async onReady() { await this.subscribe('user.created', async (payload, context) => { await this.publish('seen', { ...payload, by: context.from }); }); }
  async priceGetHandler({ sku }) { return { sku, cents: 690 }; }
  async *priceListHandler() { for (let id = 0; id < 40; id++) yield { id }; }
}

test('a domain runs from onStart to onStop, named after its class', async () => {
  const { domain, stop } = await startDomain(UserAccounts);
  assert.equal(domain.name, 'user-accounts');
  assert.equal(domain.registered, true);
  await stop();
  assert.deepEqual(domain.log, ['onStart', 'onReady', 'onStop']);
  assert.equal(domain.running, false);
});

test('requests of the domain are answered by the test, or refused with a reason', async (t) => {
  const users = await startDomain(UserAccounts, { runtime: { db_create: ({ model, data }) => ({ id: 1, model, ...data }) } });
  t.after(() => users.stop());
  assert.deepEqual(await users.call('user_create_request', { name: 'Ann' }), { success: true, user: { id: 1, model: 'users', name: 'Ann' } });
  const bare = await startDomain(UserAccounts);
  t.after(() => bare.stop());
  await assert.rejects(bare.call('user_create_request', { name: 'Ann' }), /Unknown message type: db_create \(add it to the option `runtime`/);
  await assert.rejects(bare.call('user_price_request', { sku: 'x' }), /unknown domain "catalog" \(add it to the option `domains`/);
});

test('other domains are functions or classes', async (t) => {
  const stubbed = await startDomain(UserAccounts, { domains: { catalog: { price_get_request: ({ sku }) => ({ sku, cents: 5 }), async *price_list_request() { yield { id: 7 }; } } } });
  t.after(() => stubbed.stop());
  assert.deepEqual(await stubbed.call('user_price_request', { sku: 'x' }), { sku: 'x', cents: 5 });
  assert.deepEqual(await stubbed.call('user_relay_request'), { ids: [7] });
  const real = await startDomain(UserAccounts, { domains: { catalog: Catalog } });
  t.after(() => real.stop());
  assert.deepEqual(await real.call('user_price_request', { sku: 'x' }), { sku: 'x', cents: 690 });
  assert.equal((await real.call('user_relay_request')).ids.length, 40);
});

test('a failure is the error of a caller', async (t) => {
  const users = await startDomain(UserAccounts);
  t.after(() => users.stop());
  await assert.rejects(users.call('user_fail_request'), (error) => error instanceof FulcrumError && error.code === 'FAILED' && error.message === 'no such user');
  await assert.rejects(users.call('user_no_request'), /Unknown message type: user_no_request/);
});

test('a caller that gives up cancels the request', async (t) => {
  const users = await startDomain(UserAccounts);
  t.after(() => users.stop());
  await assert.rejects(users.call('user_wait_request', {}, { timeoutMs: 20 }), { code: 'TIMEOUT' });
  const controller = new AbortController();
  const waiting = users.call('user_wait_request', {}, { signal: controller.signal });
  setImmediate(() => controller.abort(new Error('enough')));
  await assert.rejects(waiting, /enough/);
  while (users.domain.log.length < 4) await new Promise(setImmediate);
  assert.deepEqual(users.domain.log.slice(2), ['CANCELLED', 'CANCELLED']);
});

test('a response in parts is taken as fast as the test takes it', async (t) => {
  const users = await startDomain(UserAccounts);
  t.after(() => users.stop());
  const all = [];
  for await (const { id } of users.stream('user_list_request', { count: 100 })) all.push(id);
  assert.equal(all.length, 100);
  for await (const { id } of users.stream('user_list_request', { count: 1e9 })) if (id === 30) break;
  while (users.domain.log.filter((entry) => entry === 'list ended').length < 2) await new Promise(setImmediate);
  assert.deepEqual(await users.call('user_list_request', { count: 2 }), [{ id: 1 }, { id: 2 }]);
});

test('events reach the subscribers, and what is published is seen', async (t) => {
  const users = await startDomain(UserAccounts, { domains: { catalog: Catalog } });
  t.after(() => users.stop());
  await users.publish('user.created', { name: 'Ann' });
  while (users.published.length < 2) await new Promise(setImmediate);
  assert.deepEqual(users.published.at(-1), { topic: 'seen', payload: { name: 'Ann', by: 'test' }, from: 'catalog' });
});

test('a domain that fails to start rejects, and does not end the process', async () => {
  class Broken extends DomainBase { onStart() { throw new Error('no database'); } }
  await assert.rejects(startDomain(Broken), /no database/);
  await assert.rejects(startDomain(class {}), /extends DomainBase/);
});

test('it is there for CommonJS, and for classes of both kinds of modules', async (t) => {
  const require = createRequire(import.meta.url);
  const required = require('@fulcrum/domain/testing');
  const users = await required.startDomain(UserAccounts);
  t.after(() => users.stop());
  await assert.rejects(users.call('user_fail_request'), /no such user/);
});

test('no listener for signals and no handle is left', async () => {
  const before = process.listenerCount('SIGTERM');
  const users = await startDomain(UserAccounts);
  await users.call('user_list_request', { count: 1 });
  await users.stop();
  assert.equal(process.listenerCount('SIGTERM'), before);
  assert.deepEqual(process.getActiveResourcesInfo().filter((kind) => /TCP|HTTP|Server/.test(kind)), []);
});
