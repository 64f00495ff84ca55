'use strict';
// Calls through Fulcrum by a client that shares no code with it: @grpc/grpc-js.
//
// Usage: node calls.cjs checks|load ADDRESS PROTO_DIR GRPC_JS_DIR DOMAIN... Exits with 0 if all checks
// hold for each domain. `load` makes calls for some seconds, in which the domains may be restarted.
// `cargo xtask interop` starts the app and runs this.
const path = require('node:path');

const [phase, address, protoDir, packages, ...domains] = process.argv.slice(2);
const grpc = require(require.resolve('@grpc/grpc-js', { paths: [packages] }));
const loader = require(require.resolve('@grpc/proto-loader', { paths: [packages] }));

const AT_ONCE = 1_000;
const LOAD_SECONDS = 6;
const CALLS_PER_SECOND = 100;

const definition = loader.loadSync(path.join(protoDir, 'framework/framework.proto'), { keepCase: true });
const { FrameworkService } = grpc.loadPackageDefinition(definition).framework;
const client = new FrameworkService(address, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });

function check(holds, what, observed) {
  if (!holds) {
    console.error(`FAILED: ${what}; observed: ${JSON.stringify(observed)}`);
    process.exit(1);
  }
  console.log(`ok: ${what}`);
}

const request = (domain, type, payload, number = 0) => ({ domain, type, payload: JSON.stringify(payload), request_id: String(number) });
const inMs = (ms) => ({ deadline: Date.now() + ms });

function send(message, options = inMs(30_000)) {
  return new Promise((resolve) => {
    client.SendMessage(message, options, (error, answer) => resolve(error ?? answer));
  });
}

function isOwn(number, answer) {
  return answer.success === true && answer.request_id === String(number) && JSON.parse(answer.payload).text === String(number);
}

const echo = (domain, number) => send(request(domain, 'text_echo_request', { text: String(number) }, number));

async function manyAtOnce(domain) {
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => echo(domain, number)));
  const failed = answers.filter((answer, number) => !isOwn(number, answer));
  check(failed.length === 0, `${domain}: ${AT_ONCE} calls at once are all answered, none mixed up`, failed.slice(0, 3));
}

async function deadlines(domain) {
  const codes = new Set();
  for (let round = 0; round < 50; round++) codes.add((await send(request(domain, 'answer_wait_request', { ms: 500 }), inMs(30))).code);
  check(codes.size === 1 && codes.has(grpc.status.DEADLINE_EXCEEDED), `${domain}: an expired deadline is always DEADLINE_EXCEEDED`, [...codes]);
  const waiting = request(domain, 'answer_wait_request', { ms: 3_000 });
  const answer = await send(waiting, inMs(20_000));
  check(answer.success === true, `${domain}: a caller's deadline is longer than the default`, answer);
  const late = await send(waiting, {});
  check(late.type === 'error' && JSON.parse(late.payload).code === 'TIMEOUT', `${domain}: without a deadline, call_timeout applies and has a code`, late);
}

function parts(domain, payload) {
  return new Promise((resolve, reject) => {
    const received = [];
    const call = client.SendMessageStream(request(domain, 'row_list_request', payload), inMs(20_000));
    call.on('data', (message) => received.push(JSON.parse(message.payload)));
    call.on('end', () => resolve(received));
    call.on('error', reject);
  });
}

async function streams(domain) {
  const received = await parts(domain, { to: 100 });
  const rows = received.length === 1 ? received[0] : received;
  check(rows.length === 100 && rows.every(({ n }, index) => n === index + 1), `${domain}: a response in ${received.length} part(s) is complete and in order`, rows.slice(0, 3));
}

async function load() {
  const begin = Date.now();
  const calls = [];
  for (let number = 0; number < LOAD_SECONDS * CALLS_PER_SECOND; number++) {
    const wait = begin + (number * 1000) / CALLS_PER_SECOND - Date.now();
    if (wait > 0) await new Promise((resolve) => { setTimeout(resolve, wait); });
    calls.push(echo(domains[number % domains.length], number));
  }
  const answers = await Promise.all(calls);
  const failed = answers.filter((answer, number) => !isOwn(number, answer));
  check(failed.length === 0, `${answers.length} calls while the domains are restarted: none failed`, failed.slice(0, 3));
}

(async () => {
  console.log(`@grpc/grpc-js calls ${domains.join(', ')}`);
  if (phase === 'load') await load();
  else for (const domain of domains) {
    await manyAtOnce(domain);
    await deadlines(domain);
    await streams(domain);
  }
  client.close();
})();
