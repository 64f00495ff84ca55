import assert from 'node:assert/strict';
import { test } from 'node:test';
import internals from './internals.mjs';

const { backoffDelay, collectHandlers, dialUrl, isFinal, LagProbe, readConfig, requestTypeOf, responseTypeOf, resolveOptions, statusOf } = internals;

test('a method name is mapped to the type it handles', () => {
  const names = {
    userCreateHandler: 'user_create_request',
    indexHandler: 'index_request',
    parseHTTPBodyHandler: 'parse_http_body_request',
    sendSMSHandler: 'send_sms_request',
    HTMLRenderHandler: 'html_render_request',
    oauth2TokenHandler: 'oauth2_token_request',
    userV2CreateHandler: 'user_v2_create_request',
    level3Handler: 'level3_request',
    aBCHandler: 'a_bc_request',
    oauth_2_token_handler: 'oauth_2_token_request',
    user_create_handler: 'user_create_request',
    Handler: undefined,
    handler: undefined,
    _privateHandler: undefined,
    handlerFor: undefined,
    onStart: undefined,
  };
  for (const [method, type] of Object.entries(names)) assert.equal(requestTypeOf(method), type, method);
});

test('handlers are found along the classes and on the object itself', () => {
  class Base { ignoredHandler() {} }
  class Middle extends Base { sharedHandler() {} get computedHandler() { throw new Error('a getter must not run'); } }
  class Leaf extends Middle { ownHandler() {} sharedHandler() {} arrowHandler = () => {}; dataHandler = 3; }
  const handlers = collectHandlers(new Leaf(), Base.prototype);
  assert.deepEqual(Object.fromEntries(handlers), { arrow_request: 'arrowHandler', own_request: 'ownHandler', shared_request: 'sharedHandler' });
  class Twice extends Base { userAddHandler() {} user_add_handler() {} }
  assert.throws(() => collectHandlers(new Twice(), Base.prototype), /userAddHandler\(\) and user_add_handler\(\) both handle user_add_request/);
});

test('the type of a response follows from that of the request', () => {
  assert.equal(responseTypeOf('user_request_index_request'), 'user_request_index_response');
  assert.equal(responseTypeOf('ping'), 'ping_response');
});

test('delays grow from a quarter of a second to five, with jitter', () => {
  assert.equal(backoffDelay(0, 0.5), 250);
  assert.equal(backoffDelay(1, 0.5), 500);
  assert.equal(backoffDelay(4, 0.5), 4_000);
  assert.equal(backoffDelay(5, 0.5), 5_000);
  assert.equal(backoffDelay(100_000, 0.5), 5_000);
  assert.equal(backoffDelay(0, 0), 187.5);
  assert.equal(backoffDelay(0, 1), 312.5);
});

test('invalid addresses are rejected', () => {
  assert.equal(dialUrl('localhost:50051'), 'http://localhost:50051');
  assert.equal(dialUrl('[::1]:7'), 'http://[::1]:7');
  assert.equal(dialUrl('http://127.0.0.1:7/'), 'http://127.0.0.1:7');
  assert.equal(dialUrl('runtime'), 'http://runtime:50051');
  for (const bad of ['', ':7', 'a:b', 'a:0', 'a:65536', 'https://a:1', 'a b:1', '::1:5']) assert.throws(() => dialUrl(bad), /FULCRUM_GRPC_SERVER must be host:port/, bad);
});

test('options come before the class, the class before the environment', () => {
  const env = { FULCRUM_DOMAIN_NAME: 'env', FULCRUM_GRPC_SERVER: 'h:1', FULCRUM_DOMAIN_TOKEN: 't' };
  assert.deepEqual(resolveOptions({}, undefined, env), { name: 'env', address: 'h:1', token: 't', timeoutMs: 30_000, reconnectDeadlineMs: 60_000 });
  assert.equal(resolveOptions({}, 'class', env).name, 'class');
  assert.equal(resolveOptions({ name: 'option' }, 'class', env).name, 'option');
  assert.deepEqual(resolveOptions({}, undefined, {}), { name: '', address: 'localhost:50051', token: undefined, timeoutMs: 30_000, reconnectDeadlineMs: Infinity });
});

test('a status is read from trailers, headers, or an HTTP error', () => {
  assert.equal(statusOf({ ':status': 200 }), undefined);
  assert.deepEqual(statusOf({ 'grpc-status': '16', 'grpc-message': 'wrong%20token' }), { name: 'UNAUTHENTICATED', message: 'wrong token' });
  assert.deepEqual(statusOf({ 'grpc-status': '6', 'grpc-message': '100%' }), { name: 'ALREADY_EXISTS', message: '100%' });
  assert.equal(statusOf({ 'grpc-status': '99' }).name, 'UNKNOWN');
  assert.match(statusOf({ ':status': 404 }).message, /HTTP 404/);
  assert.equal(isFinal({ name: 'UNAUTHENTICATED', message: '' }), true);
  assert.equal(isFinal({ name: 'UNAVAILABLE', message: '' }), false);
});

test('lag is the maximum since the last call', () => {
  const probe = new LagProbe(100, 0);
  probe.tick(100);
  probe.tick(201);
  assert.equal(probe.take(210), 1);
  probe.tick(801); // due at 301
  assert.equal(probe.take(810), 500);
  assert.equal(probe.take(890), 0);
  assert.equal(probe.take(1_401), 500, 'an overdue measurement counts');
});

test('an invalid configuration is ignored', () => {
  const config = { v: 2, parent: 7, entry: '/a/domain.js', starts: true, ts: { manifest: '/m', helper: ['x'], commonjs: false, maps: true }, sdk: null, later: null, modules: null, spare: null, hidden: false };
  const { v: _, ...rest } = config;
  const { later, spare, ...same } = rest;
  assert.deepEqual(readConfig(JSON.stringify(config)), { ...same, deferred: later, standby: spare });
  for (const text of [undefined, '', '{', 'null', '1', '[]', JSON.stringify({ ...config, v: 1 }), JSON.stringify({ ...config, parent: '7' }), JSON.stringify({ ...config, entry: undefined })]) {
    assert.equal(readConfig(text), undefined, text);
  }
  assert.equal(readConfig(JSON.stringify({ ...config, ts: { manifest: 1 } })).ts, null);
  assert.equal(readConfig(JSON.stringify({ ...config, starts: undefined })).starts, false);
  assert.equal(readConfig(JSON.stringify({ ...config, later: 1 })).deferred, null);
});
