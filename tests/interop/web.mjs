// Calls through Fulcrum by gRPC-Web and Connect, over HTTP/1.1 and HTTP/2, by clients that share no
// code with it: `fetch`, @connectrpc/connect-node and @connectrpc/connect-web.
//
// Usage: node web.mjs ADDRESS DESCRIPTORS PACKAGES_DIR DOMAIN... Exits with 0 if all checks hold for
// each domain. `cargo xtask interop` starts the app and runs this.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [address, descriptors, packages, ...domains] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { createFileRegistry, fromBinary } = await load('@bufbuild/protobuf');
const { FileDescriptorSetSchema } = await load('@bufbuild/protobuf/wkt');
const { Code, createClient } = await load('@connectrpc/connect');
const node = await load('@connectrpc/connect-node');
const web = await load('@connectrpc/connect-web');

const AT_ONCE = 200;
const baseUrl = `http://${address}`;
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const service = registry.getService('framework.FrameworkService');

const transports = {
  'connect-node, gRPC': node.createGrpcTransport({ baseUrl }),
  'connect-node, gRPC, gzip': node.createGrpcTransport({ baseUrl, sendCompression: node.compressionGzip, compressMinBytes: 0 }),
  'connect-web, Connect, JSON': web.createConnectTransport({ baseUrl }),
  'connect-web, Connect, binary': web.createConnectTransport({ baseUrl, useBinaryFormat: true }),
  'connect-web, gRPC-Web': web.createGrpcWebTransport({ baseUrl }),
};
for (const httpVersion of ['1.1', '2']) {
  Object.assign(transports, {
    [`connect-node, Connect, JSON, HTTP/${httpVersion}`]: node.createConnectTransport({ baseUrl, httpVersion, useBinaryFormat: false }),
    [`connect-node, Connect, binary, HTTP/${httpVersion}`]: node.createConnectTransport({ baseUrl, httpVersion, useBinaryFormat: true }),
    [`connect-node, Connect, gzip, HTTP/${httpVersion}`]: node.createConnectTransport({ baseUrl, httpVersion, sendCompression: node.compressionGzip, compressMinBytes: 0 }),
    [`connect-node, gRPC-Web, HTTP/${httpVersion}`]: node.createGrpcWebTransport({ baseUrl, httpVersion }),
  });
}

function check(holds, what, observed) {
  if (!holds) {
    console.error(`FAILED: ${what}; observed:`, observed);
    process.exit(1);
  }
  console.log(`ok: ${what}`);
}

const request = (domain, type, payload, requestId = '') => ({ domain, type, payload: JSON.stringify(payload), requestId });

function isOwn(answer, number) {
  return answer.success && answer.requestId === String(number) && JSON.parse(answer.payload).text === `${number} ü`;
}

async function calls(name, client, domain) {
  const echo = (number) => client.sendMessage(request(domain, 'text_echo_request', { text: `${number} ü` }, String(number)));
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => echo(number)));
  const failed = answers.filter((answer, number) => !isOwn(answer, number));
  check(failed.length === 0, `${name}: ${domain} answers ${AT_ONCE} calls at once, none mixed up`, failed.slice(0, 3));
  const text = 'x'.repeat(3_000_000);
  const large = await client.sendMessage(request(domain, 'text_echo_request', { text }));
  check(JSON.parse(large.payload).text === text, `${name}: ${domain} answers 3 MB`, large.error);
  const codes = new Set();
  for (let round = 0; round < 10; round++) {
    const wait = request(domain, 'answer_wait_request', { ms: 500 });
    codes.add(await client.sendMessage(wait, { timeoutMs: 30 }).then(() => 'answered', (error) => error.code));
  }
  check(codes.size === 1 && codes.has(Code.DeadlineExceeded), `${name}: ${domain}: an expired deadline is DeadlineExceeded`, [...codes]);
}

async function failures(name, client) {
  const unknown = await client.sendMessage(request('nobody', 'text_echo_request', {}));
  check(unknown.type === 'error' && unknown.error.includes('"nobody"'), `${name}: a failure is a response that names the domain`, unknown);
  const large = await client.sendMessage(request(domains[0], 'text_echo_request', { text: 'x'.repeat(17_000_000) })).then((answer) => answer, (error) => error);
  check(large.code === Code.ResourceExhausted && /17000\d+ bytes|16777216/.test(large.message), `${name}: a message over the limit is refused with the limit`, large);
}

async function stream(name, client) {
  const rows = [];
  for await (const message of client.sendMessageStream(request(domains[0], 'row_list_request', { to: 100 }))) rows.push(JSON.parse(message.payload).n);
  check(rows.length === 100 && rows.every((n, index) => n === index + 1), `${name}: a response in parts is complete and in order`, rows);
}

async function plainFetch(domain) {
  const url = `${baseUrl}/framework.FrameworkService/SendMessage`;
  const post = (headers, body) => fetch(url, { method: 'POST', headers, body });
  const body = JSON.stringify(request(domain, 'text_echo_request', { text: '1 ü' }, '1'));
  const json = { 'content-type': 'application/json' };
  const response = await post(json, body);
  check(response.status === 200 && isOwn(await response.json(), 1), `fetch: ${domain} answers JSON`, response);
  const malformed = await post(json, '{');
  check(malformed.status === 400 && (await malformed.json()).code === 'invalid_argument', 'fetch: a malformed message is 400', malformed);
  const text = await post({ 'content-type': 'text/plain' }, body);
  check(text.status === 426 && (await text.text()).includes('gRPC'), 'fetch: another content type is 426 with a sentence', text);
}

for (const domain of domains) await plainFetch(domain);
for (const [name, transport] of Object.entries(transports)) {
  const client = createClient(service, transport);
  for (const domain of domains) await calls(name, client, domain);
  await failures(name, client);
  if (name.includes('gRPC')) await stream(name, client);
}
