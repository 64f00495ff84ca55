// A runtime for tests: the two calls of the protocol over node:http2, with a protobuf
// codec of its own, so that an error in the package's codec is not repeated here.
import { EventEmitter, on } from 'node:events';
import http2 from 'node:http2';

const STRING = 2;

function varint(value) {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest < 0x80n) return Buffer.from([...bytes, low]);
    bytes.push(low | 0x80);
  }
}

export function stringField(field, text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([varint((field << 3) | STRING), varint(bytes.length), bytes]);
}

export function encodeRuntime({ type = '', payload = '', request_id = '', success = true, error = '', deadline_ms = 0, stream_credit = 0, traceparent = '', tracestate = '', baggage = '' }) {
  return Buffer.concat([
    stringField(1, type), stringField(2, payload), stringField(3, request_id),
    success ? Buffer.from([4 << 3, 1]) : Buffer.alloc(0),
    stringField(5, error),
    deadline_ms > 0 ? Buffer.concat([Buffer.from([6 << 3]), varint(deadline_ms)]) : Buffer.alloc(0),
    stream_credit > 0 ? Buffer.concat([Buffer.from([7 << 3]), varint(stream_credit)]) : Buffer.alloc(0),
    ...[traceparent, tracestate, baggage].map((text, at) => (text === '' ? Buffer.alloc(0) : stringField(8 + at, text))),
  ]);
}

export function decodeDomain(bytes) {
  const names = { 1: 'domain', 2: 'type', 3: 'payload', 4: 'request_id' };
  const message = { domain: '', type: '', payload: '', request_id: '' };
  let at = 0;
  const read = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  };
  while (at < bytes.length) {
    const tag = read();
    const length = read();
    if (tag === 5 << 3) {
      message.more = length === 1;
      continue;
    }
    message[names[tag >> 3]] = bytes.toString('utf8', at, at + length);
    at += length;
  }
  return message;
}

export function frame(bytes) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function reader(onMessage) {
  let buffered = Buffer.alloc(0);
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    while (buffered.length >= 5 && buffered.length >= 5 + buffered.readUInt32BE(1)) {
      const end = 5 + buffered.readUInt32BE(1);
      onMessage(decodeDomain(buffered.subarray(5, end)));
      buffered = buffered.subarray(end);
    }
  };
}

/** The runtime's side of one domain's stream. */
class Peer extends EventEmitter {
  messages = [];
  constructor(stream, headers) {
    super();
    this.stream = stream;
    this.headers = headers;
    stream.on('data', reader((message) => {
      this.messages.push(message);
      this.emit('message', message);
    }));
    stream.on('error', () => {});
    stream.on('end', () => this.end());
    stream.on('close', () => this.emit('closed'));
  }

  send(message) {
    this.stream.write(frame(encodeRuntime(message)));
  }

  /** The next message that matches, received already or later. */
  async expect(test, limitMs = 5_000) {
    const matches = typeof test === 'string' ? (message) => message.type === test : test;
    const present = this.messages.find(matches);
    if (present) return present;
    const signal = AbortSignal.timeout(limitMs);
    try {
      for await (const [message] of on(this, 'message', { signal })) if (matches(message)) return message;
    } catch {
      throw new Error(`no ${test} within ${limitMs} ms; received ${this.messages.map((message) => message.type).join(', ') || 'nothing'}`);
    }
  }

  /** Sends a request to the domain. Returns its response with the payload parsed. */
  async request(type, payload = {}, id = `request-${Math.random()}`, deadline_ms = 0, trace = {}) {
    this.send({ ...trace, type, payload: typeof payload === 'string' ? payload : JSON.stringify(payload), request_id: id, deadline_ms });
    const response = await this.expect((message) => message.request_id === id);
    return { ...response, payload: JSON.parse(response.payload) };
  }

  end(code = 0, message = '') {
    if (this.stream.closed || this.stream.destroyed) return;
    this.stream.trailers = { 'grpc-status': String(code), 'grpc-message': encodeURIComponent(message) };
    this.stream.end();
  }
}

/** Options: `register(message, headers)` returns the response's fields, or `{status, message}` to reject. */
export class FakeRuntime extends EventEmitter {
  peers = [];
  calls = [];
  #sessions = new Set();

  constructor({ heartbeatMs, register, call } = {}) {
    super();
    this.register = register ?? (() => ({ type: 'register_success', payload: JSON.stringify({ status: 'registered', ...(heartbeatMs && { heartbeat_interval_ms: heartbeatMs }) }) }));
    this.call = call ?? ((message) => ({ type: message.type.replace('_request', '_response'), payload: message.payload, request_id: message.request_id }));
  }

  async listen(port = 0) {
    this.server = http2.createServer();
    this.server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('error', () => {});
      session.on('close', () => this.#sessions.delete(session));
    });
    this.server.on('stream', (stream, headers) => this.#stream(stream, headers));
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.address = `127.0.0.1:${this.port}`;
    return this;
  }

  #stream(stream, headers) {
    stream.on('wantTrailers', () => stream.sendTrailers(stream.trailers ?? { 'grpc-status': '0' }));
    if (headers[':path'].endsWith('/Check')) {
      // A health check: SERVING.
      stream.on('error', () => {});
      stream.resume().respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.end(frame(Buffer.from([8, 1])));
      return;
    }
    if (headers[':path'].endsWith('/SendMessage')) {
      const take = reader(async (message) => {
        this.calls.push({ ...message, headers });
        const response = await this.call(message);
        if (stream.destroyed || response === undefined) return;
        if (response.status !== undefined) return void stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(response.status), 'grpc-message': response.message }, { endStream: true });
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.end(frame(encodeRuntime(response)));
      });
      stream.on('data', take);
      stream.on('error', () => {});
      return;
    }
    const peer = new Peer(stream, headers);
    peer.once('message', (message) => {
      const response = this.register(message, headers);
      if (response === undefined) return;
      if (response.status !== undefined) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(response.status), 'grpc-message': encodeURIComponent(response.message) }, { endStream: true });
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      peer.send({ request_id: message.request_id, ...response });
      this.peers.push(peer);
      this.emit('registered', peer);
    });
  }

  /** The peer of the `count`th registration. */
  async registered(count = 1, limitMs = 5_000) {
    const signal = AbortSignal.timeout(limitMs);
    try {
      while (this.peers.length < count) await on(this, 'registered', { signal }).next();
    } catch {
      throw new Error(`${this.peers.length} registrations within ${limitMs} ms instead of ${count}`);
    }
    return this.peers[count - 1];
  }

  /** Drops every connection, as a crash would. */
  drop() {
    for (const session of this.#sessions) session.destroy();
  }

  async close() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.drop();
    await closed;
  }
}
