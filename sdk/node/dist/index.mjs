var __defProp = Object.defineProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};

// src/index.ts
var index_exports = {};
__export(index_exports, {
  DomainBase: () => DomainBase,
  Email: () => Email,
  FulcrumError: () => FulcrumError,
  Table: () => Table
});

// src/errors.ts
var FulcrumError = class extends Error {
  static {
    __name(this, "FulcrumError");
  }
  /** For programs; the message is for people. */
  code;
  constructor(code, message) {
    super(message);
    this.name = "FulcrumError";
    this.code = code;
  }
};
function messageOf(error) {
  if (error instanceof AggregateError && !error.message) return error.errors.map(messageOf).join(", ");
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}
__name(messageOf, "messageOf");
function describe(error) {
  return error instanceof Error ? error.stack ?? messageOf(error) : String(error);
}
__name(describe, "describe");
function say(text) {
  process.stderr.write(`fulcrum: ${text}
`);
}
__name(say, "say");

// src/address.ts
var DEFAULT_ADDRESS = "localhost:50051";
var DEFAULT_PORT = "50051";
function dialUrl(address) {
  const match = /^(?:http:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?\/?$/.exec(address.trim());
  const port = match?.[2] ?? DEFAULT_PORT;
  if (!match || Number(port) < 1 || Number(port) > 65535) {
    throw new FulcrumError("INVALID", `"${address}" is no address of a runtime: FULCRUM_GRPC_SERVER must be host:port, like ${DEFAULT_ADDRESS}`);
  }
  return `http://${match[1]}:${port}`;
}
__name(dialUrl, "dialUrl");

// src/database.ts
var Table = class _Table {
  static {
    __name(this, "Table");
  }
  #send;
  #model;
  #query;
  /** @internal */
  constructor(send, model, query = {}) {
    this.#send = send;
    this.#model = model;
    this.#query = query;
  }
  /** Narrows to records with these values; several calls add up. */
  where(conditions) {
    return this.#with({ where: { ...this.#query.where, ...conditions } });
  }
  /** At most this many records. */
  limit(count) {
    return this.#with({ limit: count });
  }
  /** Leaves out the first ones. */
  offset(count) {
    return this.#with({ offset: count });
  }
  /** Sorts by a field; a second call sorts within the first. */
  orderBy(field, direction = "asc") {
    return this.#with({ order: { ...this.#query.order, [field]: direction } });
  }
  /** Only these fields of each record. */
  select(...fields) {
    return this.#with({ select: fields });
  }
  /** Sends `db_find`. */
  find() {
    return this.#send("db_find", { model: this.#model, query: this.#query });
  }
  /** Sends `db_create`. */
  create(data) {
    return this.#send("db_create", { model: this.#model, data });
  }
  /** Sends `db_update` for the records narrowed to. */
  update(data) {
    return this.#send("db_update", { model: this.#model, where: this.#narrowed("update"), data });
  }
  /** Sends `db_delete` for the records narrowed to. */
  delete() {
    return this.#send("db_delete", { model: this.#model, where: this.#narrowed("delete") });
  }
  /** A forgotten where() must not change the whole model; `where({})` says that it is meant. */
  #narrowed(verb) {
    const { where } = this.#query;
    if (!where) throw new TypeError(`db('${this.#model}').${verb}() needs where(…): say which records, or where({}) for all`);
    return where;
  }
  #with(part) {
    return new _Table(this.#send, this.#model, { ...this.#query, ...part });
  }
};

// src/handlers.ts
function requestTypeOf(method) {
  const stem = /^(.+?)(?:Handler|_handler)$/.exec(method)?.[1];
  if (!stem || stem.startsWith("_")) return void 0;
  const words = stem.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/([A-Z])([A-Z][a-z])/g, "$1_$2").toLowerCase();
  return `${words}_request`;
}
__name(requestTypeOf, "requestTypeOf");
function responseTypeOf(requestType) {
  return requestType.endsWith("_request") ? `${requestType.slice(0, -"_request".length)}_response` : `${requestType}_response`;
}
__name(responseTypeOf, "responseTypeOf");
function collectHandlers(domain, base) {
  const handlers = /* @__PURE__ */ new Map();
  for (let level = domain; level !== null && level !== base; level = Object.getPrototypeOf(level)) {
    for (const method of Object.getOwnPropertyNames(level)) {
      const type = requestTypeOf(method);
      if (type === void 0 || typeof Object.getOwnPropertyDescriptor(level, method)?.value !== "function") continue;
      const other = handlers.get(type);
      if (other === void 0) handlers.set(type, method);
      else if (other !== method) throw new Error(`${other}() and ${method}() both answer ${type}: rename one of them`);
    }
  }
  return handlers;
}
__name(collectHandlers, "collectHandlers");

// src/dispatcher.ts
var Dispatcher = class {
  static {
    __name(this, "Dispatcher");
  }
  #target;
  #domain;
  #handlers;
  #running = /* @__PURE__ */ new Set();
  #draining = false;
  #idle;
  constructor(target, domain, handlers) {
    this.#target = target;
    this.#domain = domain;
    this.#handlers = handlers;
  }
  /** Answers a request, exactly once; never throws. */
  dispatch(request, reply) {
    const { type, requestId } = request;
    let answered = false;
    const answer = /* @__PURE__ */ __name((payload) => {
      if (answered) return;
      answered = true;
      reply(responseTypeOf(type), payload, requestId);
    }, "answer");
    if (this.#draining) {
      answer(failure(new Error(`${this.#domain} is draining: it stops and takes no new requests`)));
      return;
    }
    const method = this.#handlers.get(type);
    if (method === void 0) {
      answer(failure(new Error(this.#unknown(type))));
      return;
    }
    const expire = /* @__PURE__ */ __name(() => answer(failure(new Error(`${this.#domain} was stopped before ${type} was done`))), "expire");
    this.#running.add(expire);
    void this.#run(method, request).then(answer).finally(() => {
      this.#running.delete(expire);
      if (this.#running.size === 0) this.#idle?.();
    });
  }
  /**
   * Takes no more requests and waits for those at work, at most `deadlineMs`.
   * What isn't done by then is answered as failed.
   *
   * @returns how many were not done in time
   */
  async drain(deadlineMs) {
    this.#draining = true;
    if (this.#running.size === 0) return 0;
    let timer;
    await new Promise((resolve) => {
      this.#idle = resolve;
      timer = setTimeout(resolve, deadlineMs);
    });
    clearTimeout(timer);
    const left = [...this.#running];
    for (const expire of left) expire();
    return left.length;
  }
  get draining() {
    return this.#draining;
  }
  async #run(method, { type, payload, requestId }) {
    try {
      const handler = this.#target[method];
      const result = await handler.call(this.#target, parsePayload(payload), { type, requestId, domain: this.#domain });
      return JSON.stringify(result) ?? "{}";
    } catch (error) {
      return failure(error);
    }
  }
  #unknown(type) {
    const known = [...this.#handlers.keys()].sort();
    const names = known.length > 0 ? `it answers ${known.join(", ")}` : "it has no handlers";
    return `Unknown message type: ${type} (domain ${this.#domain}: ${names})`;
  }
};
function parsePayload(text) {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the payload isn't JSON: ${messageOf(error)}`);
  }
}
__name(parsePayload, "parsePayload");
function failure(error) {
  const code = error instanceof Error ? error.code : void 0;
  const known = typeof code === "string" || typeof code === "number" ? { code } : {};
  return JSON.stringify({ success: false, error: messageOf(error), ...known });
}
__name(failure, "failure");

// src/email.ts
var Email = class _Email {
  static {
    __name(this, "Email");
  }
  #send;
  #message;
  /** @internal */
  constructor(send, message = {}) {
    this.#send = send;
    this.#message = message;
  }
  to(...addresses) {
    return this.#with({ to: one(addresses) });
  }
  from(address) {
    return this.#with({ from: address });
  }
  cc(...addresses) {
    return this.#with({ cc: one(addresses) });
  }
  bcc(...addresses) {
    return this.#with({ bcc: one(addresses) });
  }
  replyTo(address) {
    return this.#with({ replyTo: address });
  }
  subject(text) {
    return this.#with({ subject: text });
  }
  text(text) {
    return this.#with({ text });
  }
  html(html) {
    return this.#with({ html });
  }
  /** The runtime's template of that name, filled with `data`. */
  template(name, data = {}) {
    return this.#with({ template: name, data });
  }
  /** Sends `email_send`. */
  send() {
    return this.#send("email_send", { ...this.#message });
  }
  #with(part) {
    return new _Email(this.#send, { ...this.#message, ...part });
  }
};
function one(addresses) {
  return addresses.length === 1 ? addresses[0] : addresses;
}
__name(one, "one");

// src/heartbeat.ts
var PROBE_MS = 100;
var Heartbeat = class {
  static {
    __name(this, "Heartbeat");
  }
  #probe;
  #beat;
  #seq = 0;
  /** Begins, or begins anew with another interval. The first beat leaves at once. */
  start(intervalMs, send, status) {
    this.stop();
    const lag = new LagProbe(PROBE_MS, nowMs());
    const beat = /* @__PURE__ */ __name(() => {
      const memory = process.memoryUsage();
      send({
        seq: ++this.#seq,
        event_loop_lag_ms: Math.round(lag.take(nowMs()) * 100) / 100,
        rss_bytes: memory.rss,
        heap_used_bytes: memory.heapUsed,
        status: status()
      });
    }, "beat");
    this.#probe = setInterval(() => lag.tick(nowMs()), PROBE_MS).unref();
    this.#beat = setInterval(beat, intervalMs).unref();
    beat();
  }
  stop() {
    clearInterval(this.#probe);
    clearInterval(this.#beat);
  }
};
var LagProbe = class {
  static {
    __name(this, "LagProbe");
  }
  #periodMs;
  #expected;
  #worst = 0;
  constructor(periodMs, now) {
    this.#periodMs = periodMs;
    this.#expected = now + periodMs;
  }
  /** The timer has fired. */
  tick(now) {
    this.#worst = Math.max(this.#worst, now - this.#expected);
    this.#expected = now + this.#periodMs;
  }
  /** The worst lag since the last call, that of a probe now overdue included. */
  take(now) {
    const worst = Math.max(this.#worst, now - this.#expected, 0);
    this.#worst = 0;
    return worst;
  }
};
function nowMs() {
  return process.uptime() * 1e3;
}
__name(nowMs, "nowMs");

// src/backoff.ts
var FIRST_MS = 250;
var FACTOR = 2;
var LONGEST_MS = 5e3;
var JITTER = 0.25;
function backoffDelay(failures, random) {
  const plain = Math.min(LONGEST_MS, FIRST_MS * FACTOR ** Math.min(failures, 16));
  return plain * (1 - JITTER + 2 * JITTER * random);
}
__name(backoffDelay, "backoffDelay");

// src/pending.ts
var Pending = class {
  static {
    __name(this, "Pending");
  }
  #entries = /* @__PURE__ */ new Map();
  /** A promise of the answer to `id`; it rejects with TIMEOUT after `timeoutMs`. */
  add(id, what, timeoutMs) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#entries.delete(id);
        reject(new FulcrumError("TIMEOUT", `${what}: no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#entries.set(id, { resolve, reject, timer });
    });
  }
  /** Hands an answer to who waits for it. False when nobody does (any more). */
  settle(message) {
    const entry = this.#entries.get(message.requestId);
    if (!entry) return false;
    this.#entries.delete(message.requestId);
    clearTimeout(entry.timer);
    entry.resolve(message);
    return true;
  }
  /** Fails all that wait: their answers can't come any more. */
  failAll(error) {
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.timer);
      entry.reject(error);
    }
    this.#entries.clear();
  }
};

// src/protobuf.ts
var VARINT = 0;
var FIXED64 = 1;
var DELIMITED = 2;
var FIXED32 = 5;
var PREFIX_BYTES = 5;
function encodeDomainFrame(message) {
  const fields = [message.domain, message.type, message.payload, message.requestId];
  const lengths = fields.map((text) => Buffer.byteLength(text));
  let size = 0;
  for (const length of lengths) {
    if (length > 0) size += 1 + varintBytes(length) + length;
  }
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + size);
  frame[0] = 0;
  frame.writeUInt32BE(size, 1);
  let at = PREFIX_BYTES;
  fields.forEach((text, index) => {
    const length = lengths[index];
    if (length === 0) return;
    frame[at++] = index + 1 << 3 | DELIMITED;
    at = writeVarint(frame, at, length);
    at += frame.write(text, at, length, "utf8");
  });
  return frame;
}
__name(encodeDomainFrame, "encodeDomainFrame");
function decodeRuntimeMessage(bytes) {
  const message = { type: "", payload: "", requestId: "", success: false, error: "" };
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const start = cursor.at;
    const tag = readVarint(bytes, cursor);
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (field === 0) throw new Error(`malformed message: field number 0 at byte ${start}`);
    if (wire === VARINT) {
      const value = readVarint(bytes, cursor);
      if (field === 4) message.success = value !== 0;
      continue;
    }
    let length;
    if (wire === DELIMITED) length = readVarint(bytes, cursor);
    else if (wire === FIXED64) length = 8;
    else if (wire === FIXED32) length = 4;
    else throw new Error(`malformed message: wire type ${wire} of field ${field} at byte ${start}`);
    const end = cursor.at + length;
    if (end > bytes.length) {
      throw new Error(`malformed message: field ${field} at byte ${start} needs ${length} bytes, ${bytes.length - cursor.at} are left`);
    }
    if (wire === DELIMITED) assign(message, field, bytes, cursor.at, end);
    cursor.at = end;
  }
  return message;
}
__name(decodeRuntimeMessage, "decodeRuntimeMessage");
function assign(message, field, bytes, from, to) {
  if (field === 1) message.type = bytes.toString("utf8", from, to);
  else if (field === 2) message.payload = bytes.toString("utf8", from, to);
  else if (field === 3) message.requestId = bytes.toString("utf8", from, to);
  else if (field === 5) message.error = bytes.toString("utf8", from, to);
}
__name(assign, "assign");
function varintBytes(value) {
  let bytes = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    bytes++;
  }
  return bytes;
}
__name(varintBytes, "varintBytes");
function writeVarint(target, at, value) {
  while (value >= 128) {
    target[at++] = value % 128 | 128;
    value = Math.floor(value / 128);
  }
  target[at++] = value;
  return at;
}
__name(writeVarint, "writeVarint");
function readVarint(bytes, cursor) {
  let value = 0;
  let factor = 1;
  for (let count = 0; count < 10; count++) {
    const byte = bytes[cursor.at];
    if (byte === void 0) throw new Error(`malformed message: it ends inside a number at byte ${cursor.at}`);
    cursor.at++;
    value += (byte & 127) * factor;
    if (byte < 128) return value;
    factor *= 128;
  }
  throw new Error(`malformed message: a number of more than ten bytes at byte ${cursor.at}`);
}
__name(readVarint, "readVarint");

// src/status.ts
var NAMES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED"
];
function statusOf(headers) {
  const code = headers["grpc-status"];
  if (code !== void 0) {
    return { name: NAMES[Number(code)] ?? "UNKNOWN", message: decodeMessage(String(headers["grpc-message"] ?? "")) };
  }
  const http = Number(headers[":status"] ?? 200);
  if (http === 200) return void 0;
  return { name: "UNAVAILABLE", message: `the server answered HTTP ${http}: it is no Fulcrum runtime` };
}
__name(statusOf, "statusOf");
function decodeMessage(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
__name(decodeMessage, "decodeMessage");
function isFinal(status) {
  return status.name === "UNAUTHENTICATED" || status.name === "PERMISSION_DENIED" || status.name === "INVALID_ARGUMENT";
}
__name(isFinal, "isFinal");
function isRefusal(status) {
  return isFinal(status) || status.name === "ALREADY_EXISTS" || status.name === "FAILED_PRECONDITION" || status.name === "UNIMPLEMENTED";
}
__name(isRefusal, "isRefusal");

// src/transport.ts
import { connect, constants } from "node:http2";

// src/frames.ts
var MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
var FrameReader = class {
  static {
    __name(this, "FrameReader");
  }
  #chunks = [];
  #held = 0;
  /** Bytes needed before the next cut is worth trying. */
  #wanted = PREFIX_BYTES;
  /**
   * Takes the next chunk and returns the messages it completes, in order.
   *
   * @throws Error for a compressed or oversized message; the stream is of no use after that.
   */
  push(chunk) {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held);
    const messages = [];
    let at = 0;
    this.#wanted = PREFIX_BYTES;
    while (bytes.length - at >= PREFIX_BYTES) {
      const length = messageLength(bytes, at);
      if (bytes.length - at - PREFIX_BYTES < length) {
        this.#wanted = PREFIX_BYTES + length;
        break;
      }
      messages.push(bytes.subarray(at + PREFIX_BYTES, at + PREFIX_BYTES + length));
      at += PREFIX_BYTES + length;
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#held = bytes.length - at;
    return messages;
  }
};
function messageLength(bytes, at) {
  if (bytes[at] !== 0) throw new Error("the runtime sent a compressed message, which was not asked for");
  const length = bytes.readUInt32BE(at + 1);
  if (length > MAX_MESSAGE_BYTES) {
    throw new Error(`the runtime sent a message of ${length} bytes; at most ${MAX_MESSAGE_BYTES} are taken`);
  }
  return length;
}
__name(messageLength, "messageLength");

// src/writer.ts
var PAUSE_BYTES = 8 * 1024 * 1024;
var StreamWriter = class {
  static {
    __name(this, "StreamWriter");
  }
  #stream;
  #queue = [];
  #bytes = 0;
  #blocked = false;
  #scheduled = false;
  constructor(stream) {
    this.#stream = stream;
    stream.on("drain", () => {
      this.#blocked = false;
      this.#flush();
    });
  }
  /** Queues a frame. After the stream has closed it is dropped: its receiver is gone. */
  write(frame) {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#queue.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes > PAUSE_BYTES) this.#stream.pause();
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    }));
  }
  /** Sends what is queued and ends our half; resolves when the stream has closed or after `limitMs`. */
  async end(limitMs) {
    if (this.#stream.destroyed) return;
    if (this.#queue.length > 0) this.#stream.write(Buffer.concat(this.#queue));
    this.#queue = [];
    this.#bytes = 0;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#stream.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      this.#stream.end();
    });
  }
  #flush() {
    if (this.#blocked || this.#queue.length === 0) return;
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    const chunk = this.#queue.length === 1 ? this.#queue[0] : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#bytes = 0;
    this.#blocked = !this.#stream.write(chunk);
    if (this.#stream.isPaused()) this.#stream.resume();
  }
};

// src/transport.ts
var SERVICE = "/framework.FrameworkService/";
var WINDOW_BYTES = 1024 * 1024;
var Transport = class {
  static {
    __name(this, "Transport");
  }
  #session;
  #headers;
  #failure;
  /** Begins to dial; nothing is awaited, since calls made meanwhile are queued by node:http2. */
  constructor(url, token) {
    this.#headers = { ":method": "POST", te: "trailers", "content-type": "application/grpc", "user-agent": "fulcrum-domain-node" };
    if (token) this.#headers["x-fulcrum-token"] = token;
    const session = connect(url, { settings: { enablePush: false, initialWindowSize: WINDOW_BYTES } });
    this.#session = session;
    session.on("error", (error) => {
      this.#failure ??= error;
    });
    session.once("remoteSettings", () => session.setLocalWindowSize(WINDOW_BYTES));
  }
  /** Why the connection failed, where it did. */
  get failure() {
    return this.#failure && messageOf(this.#failure);
  }
  /** Opens the stream of a domain. */
  communicate(events) {
    const stream = this.#request("DomainCommunication");
    this.#read(stream, events);
    return new StreamWriter(stream);
  }
  /**
   * One message, one answer. It settles when the call does: a deadline is the caller's
   * affair, `abandon` ends the call early.
   */
  unary(frame) {
    const stream = this.#request("SendMessage");
    const answer = new Promise((resolve, reject) => {
      let received;
      this.#read(stream, {
        message: /* @__PURE__ */ __name((message) => {
          received ??= message;
        }, "message"),
        closed: /* @__PURE__ */ __name((status) => {
          if (received) resolve(received);
          else reject(new Error(status.name === "OK" ? "the runtime ended the call without an answer" : describeStatus(status)));
        }, "closed")
      });
    });
    stream.end(frame);
    return { answer, abandon: /* @__PURE__ */ __name(() => stream.close(constants.NGHTTP2_CANCEL), "abandon") };
  }
  /** Ends everything now; every open stream hears `closed`. */
  destroy() {
    this.#session.destroy();
  }
  #request(method) {
    return this.#session.request({ ...this.#headers, ":path": SERVICE + method }, { endStream: false });
  }
  /** Every way a stream can end leads to the one `closed`. */
  #read(stream, events) {
    const reader = new FrameReader();
    let status;
    let failure2;
    stream.on("response", (headers) => {
      status ??= statusOf(headers);
    });
    stream.on("trailers", (trailers) => {
      status ??= statusOf(trailers);
    });
    stream.on("data", (chunk) => {
      try {
        for (const bytes of reader.push(chunk)) events.message(decodeRuntimeMessage(bytes));
      } catch (error) {
        stream.destroy(error);
      }
    });
    stream.on("end", () => {
      stream.end();
    });
    stream.on("error", (error) => {
      failure2 ??= error;
    });
    stream.on("close", () => {
      const reason = this.#failure ?? failure2?.cause ?? failure2;
      events.closed(status ?? { name: "UNAVAILABLE", message: reason ? messageOf(reason) : "the connection was closed" });
    });
  }
};
function describeStatus(status) {
  if (status.name === "OK") return "the runtime ended the stream";
  return status.message ? `${status.name}: ${status.message}` : status.name;
}
__name(describeStatus, "describeStatus");

// src/link.ts
var REGISTER_TIMEOUT_MS = 1e4;
var STABLE_MS = 5e3;
var CLOSE_LIMIT_MS = 1e3;
var Link = class {
  static {
    __name(this, "Link");
  }
  #options;
  #events;
  #pending = new Pending();
  #idPrefix;
  #ids = 0;
  #state = "idle";
  #transport;
  #writer;
  /** Counts connections: an answer belongs to the one its request came from. */
  #epoch = 0;
  #failures = 0;
  #registeredAt;
  #lostAt;
  #everRegistered = false;
  #timer;
  #said = "";
  #waiters = /* @__PURE__ */ new Set();
  constructor(options, events) {
    this.#options = options;
    this.#events = events;
    this.#idPrefix = `${options.domain}:${process.pid}:${Math.random().toString(36).slice(2, 10)}:`;
  }
  /** Number of the present connection. */
  get epoch() {
    return this.#epoch;
  }
  get registered() {
    return this.#state === "registered";
  }
  /** Begins to dial, ahead of `register`. */
  dial() {
    this.#transport ??= new Transport(this.#options.url, this.#options.token);
  }
  /** Registers, now and after every loss; resolves when the runtime has said yes for the first time. */
  register() {
    const done = this.#whenRegistered();
    if (this.#state === "idle") this.#attempt();
    return done;
  }
  /** Sends a message on the stream of connection `epoch`; a stale one is dropped. */
  send(type, payload, requestId, epoch = this.#epoch) {
    if (epoch !== this.#epoch || this.#state !== "registered") return;
    this.#writer?.write(encodeDomainFrame({ domain: this.#options.domain, type, payload, requestId }));
  }
  /** A request to the runtime itself. While the connection is lost it waits for the next one. */
  async request(type, payload, timeoutMs) {
    this.#requireOpen(type);
    if (!this.#everRegistered) {
      throw new FulcrumError("NOT_REGISTERED", `${type}: the domain isn't registered yet; use onReady() for work that needs the runtime`);
    }
    const deadline = monotonicMs() + timeoutMs;
    if (this.#state !== "registered") await this.#registeredWithin(timeoutMs, type);
    const id = this.#nextId();
    this.send(type, payload, id);
    return this.#pending.add(id, type, Math.max(1, Math.round(deadline - monotonicMs())));
  }
  /** One message to another domain, by the runtime's `SendMessage`. */
  async call(domain, type, payload, timeoutMs) {
    const what = `call ${type} of ${domain}`;
    this.#requireOpen(what);
    const deadline = monotonicMs() + timeoutMs;
    if (this.#state === "waiting") await this.#registeredWithin(timeoutMs, what);
    this.dial();
    const frame = encodeDomainFrame({ domain, type, payload, requestId: this.#nextId() });
    let timer;
    try {
      const { answer, abandon } = this.#transport.unary(frame);
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => {
          reject(new FulcrumError("TIMEOUT", `${what}: no answer within ${timeoutMs} ms`));
          abandon();
        }, Math.max(1, deadline - monotonicMs()));
      });
      return await Promise.race([answer, late]);
    } catch (error) {
      if (error instanceof FulcrumError) throw error;
      throw new FulcrumError("DISCONNECTED", `${what}: ${messageOf(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }
  /** Says goodbye: what is queued still leaves, then the connection closes. */
  async close() {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#timer);
    const gone = new FulcrumError("DISCONNECTED", "the domain was stopped before the answer came");
    this.#pending.failAll(gone);
    this.#rejectWaiters(gone);
    await this.#writer?.end(CLOSE_LIMIT_MS);
    this.#transport?.destroy();
  }
  /** Ends everything at once, for a start that failed. */
  abort() {
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#transport?.destroy();
  }
  #attempt() {
    this.#state = "registering";
    const epoch = ++this.#epoch;
    const registerId = this.#nextId();
    try {
      this.dial();
      this.#writer = this.#transport.communicate({
        message: /* @__PURE__ */ __name((message) => {
          if (epoch === this.#epoch) this.#receive(message, registerId);
        }, "message"),
        closed: /* @__PURE__ */ __name((status) => {
          if (epoch === this.#epoch) this.#lose(status);
        }, "closed")
      });
    } catch (error) {
      this.#lose({ name: "UNAVAILABLE", message: this.#transport?.failure ?? messageOf(error) });
      return;
    }
    const { domain, capabilities } = this.#options;
    const payload = JSON.stringify({ domain, capabilities });
    this.#writer.write(encodeDomainFrame({ domain, type: "domain_register", payload, requestId: registerId }));
    this.#timer = setTimeout(() => {
      this.#lose({ name: "DEADLINE_EXCEEDED", message: `no answer to the registration within ${REGISTER_TIMEOUT_MS / 1e3} s` });
    }, REGISTER_TIMEOUT_MS);
  }
  #receive(message, registerId) {
    if (this.#state === "closed") return;
    if (this.#state === "registering") {
      if (message.requestId !== registerId) return;
      if (message.success) this.#accepted(message);
      else this.#lose({ name: "FAILED_PRECONDITION", message: message.error || "the runtime gave no reason" });
      return;
    }
    if (!this.#pending.settle(message)) this.#events.message(message);
  }
  #accepted(message) {
    clearTimeout(this.#timer);
    this.#state = "registered";
    this.#registeredAt = monotonicMs();
    if (this.#said) say(`${this.#options.domain} is registered with the runtime at ${this.#options.address}`);
    this.#said = "";
    this.#lostAt = void 0;
    this.#everRegistered = true;
    this.#events.registered(parseObject(message.payload));
    const waiters = this.#waiters;
    this.#waiters = /* @__PURE__ */ new Set();
    for (const waiter of waiters) waiter.resolve();
  }
  /** The one way out of a connection: dropped, refused, unreachable or silent. */
  #lose(status) {
    if (this.#state === "closed" || this.#state === "waiting") return;
    const was = this.#state;
    const now = monotonicMs();
    clearTimeout(this.#timer);
    this.#epoch++;
    this.#state = "waiting";
    const transport = this.#transport;
    this.#transport = void 0;
    this.#writer = void 0;
    transport?.destroy();
    const { address, domain } = this.#options;
    this.#pending.failAll(new FulcrumError("DISCONNECTED", `the connection to the runtime at ${address} was lost before the answer came (${describeStatus(status)})`));
    if (was === "registered") {
      if (now - (this.#registeredAt ?? now) >= STABLE_MS) this.#failures = 0;
      this.#events.lost();
    }
    if (isFinal(status)) {
      this.#fail(new FulcrumError("REFUSED", `the runtime at ${address} refuses domain "${domain}": ${describeStatus(status)}`));
      return;
    }
    this.#explain(was, status);
    this.#lostAt ??= now;
    if (now - this.#lostAt >= this.#options.giveUpAfterMs) {
      this.#fail(new FulcrumError("DISCONNECTED", `the runtime at ${address} has been away for ${Math.round((now - this.#lostAt) / 1e3)} s (${describeStatus(status)}): giving up`));
      return;
    }
    this.#timer = setTimeout(() => this.#attempt(), backoffDelay(this.#failures++, Math.random()));
  }
  /** Each cause is told once, not at every retry. */
  #explain(was, status) {
    const { address, domain } = this.#options;
    let text;
    if (was === "registered") text = `the connection of ${domain} to the runtime at ${address} was lost (${describeStatus(status)}): dialling again`;
    else if (isRefusal(status)) text = `the runtime at ${address} doesn't take domain "${domain}" now: ${describeStatus(status)}; asking again`;
    else text = `${domain} can't reach the runtime at ${address} (${status.message || status.name}): trying again until it is there`;
    if (text === this.#said) return;
    this.#said = text;
    say(text);
  }
  #fail(error) {
    this.#state = "closed";
    this.#rejectWaiters(error);
    this.#events.fatal(error.message);
  }
  #requireOpen(what) {
    if (this.#state === "closed") throw new FulcrumError("NOT_REGISTERED", `${what}: the domain has been stopped`);
  }
  #nextId() {
    return this.#idPrefix + ++this.#ids;
  }
  #whenRegistered() {
    if (this.#state === "registered") return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.add({ resolve, reject });
    });
  }
  async #registeredWithin(timeoutMs, what) {
    await new Promise((resolve, reject) => {
      const settle2 = /* @__PURE__ */ __name((action) => () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        action();
      }, "settle");
      const late = new FulcrumError("DISCONNECTED", `${what}: no connection to the runtime at ${this.#options.address} within ${timeoutMs} ms`);
      const waiter = { resolve: settle2(resolve), reject: /* @__PURE__ */ __name((error) => settle2(() => reject(error))(), "reject") };
      const timer = setTimeout(() => waiter.reject(late), timeoutMs);
      this.#waiters.add(waiter);
    });
  }
  #rejectWaiters(error) {
    const waiters = this.#waiters;
    this.#waiters = /* @__PURE__ */ new Set();
    for (const waiter of waiters) waiter.reject(error);
  }
};
function monotonicMs() {
  return process.uptime() * 1e3;
}
__name(monotonicMs, "monotonicMs");
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
__name(parseObject, "parseObject");

// src/options.ts
var TIMEOUT_MS = 3e4;
var GIVE_UP_MS = 6e4;
function settle(options, className, env) {
  const token = options.token ?? (env.FULCRUM_DOMAIN_TOKEN || void 0);
  return {
    name: options.name ?? className ?? env.FULCRUM_DOMAIN_NAME ?? "",
    address: options.address ?? (env.FULCRUM_GRPC_SERVER || DEFAULT_ADDRESS),
    token,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    giveUpAfterMs: env.FULCRUM_DOMAIN_TOKEN ? GIVE_UP_MS : Infinity
  };
}
__name(settle, "settle");

// src/registry.ts
var INSTANCES = /* @__PURE__ */ Symbol.for("fulcrum.domain.instances");
function instances() {
  return globalThis[INSTANCES] ??= /* @__PURE__ */ new Set();
}
__name(instances, "instances");

// src/shutdown.ts
var SIGTERM_DEADLINE_MS = 1e4;
var watching = false;
function drainOnSigterm() {
  if (watching) return;
  watching = true;
  const onSigterm = /* @__PURE__ */ __name(() => {
    if (process.listeners("SIGTERM").some((listener) => listener !== onSigterm)) return;
    const stops = [...instances()].map((domain) => domain.stop(SIGTERM_DEADLINE_MS));
    void Promise.allSettled(stops).then(exitWhenAllStopped);
  }, "onSigterm");
  process.on("SIGTERM", onSigterm);
}
__name(drainOnSigterm, "drainOnSigterm");
function exitWhenAllStopped() {
  for (const domain of instances()) if (domain.running) return;
  process.exit(process.exitCode ?? 0);
}
__name(exitWhenAllStopped, "exitWhenAllStopped");
function die(domain, error) {
  say(`${domain}: ${describe(error)}`);
  process.exit(1);
}
__name(die, "die");

// src/domain.ts
var CAPABILITIES = ["db_operations", "email_operations", "heartbeat", "drain"];
var STOP_DEADLINE_MS = 1e4;
var DomainBase = class _DomainBase {
  static {
    __name(this, "DomainBase");
  }
  /** Name for the domains of a class, where no option gives one. */
  static domainName;
  /** The name under which this domain registers. */
  name;
  #settings;
  #heartbeat = new Heartbeat();
  #link;
  #dispatcher;
  #started;
  #stopped;
  #running = false;
  /** @param options a name, or what else differs from the environment */
  constructor(options = {}) {
    const given = typeof options === "string" ? { name: options } : options;
    this.#settings = settle(given, this.constructor.domainName, process.env);
    this.name = this.#settings.name;
    instances().add(this);
  }
  /**
   * Called once, while the runtime is being dialled and before the domain registers: what
   * it sets up is there when the first request comes. The runtime can't be asked for
   * anything yet (see `onReady`). If it throws, the process ends with exit code 1.
   */
  onStart() {
  }
  /** Called once, after the first registration. If it throws, the process ends with exit code 1. */
  onReady() {
  }
  /** Called once, when the last request is done and before the connection closes. */
  onStop() {
  }
  /** From `start()` until `stop()` is done. */
  get running() {
    return this.#running;
  }
  /** Whether the runtime has taken this domain and the connection stands. */
  get registered() {
    return this.#link?.registered ?? false;
  }
  /**
   * Connects and registers; resolves when the runtime has said yes. Lost connections are
   * dialled again until `stop()`. Asked twice, it is one start.
   *
   * @throws FulcrumError INVALID without a usable name or address. What can't be cured
   * later (an `onStart` that throws, a refused token) ends the process with exit code 1.
   */
  start() {
    return this.#started ??= this.#run();
  }
  /**
   * Takes no more requests, waits for those at work, calls `onStop` and closes the
   * connection. The process lives on; a stopped domain isn't started again.
   *
   * @param deadlineMs how long the requests at work may take; what isn't done then is answered as failed
   */
  stop(deadlineMs = STOP_DEADLINE_MS) {
    return this.#stopped ??= this.#close(deadlineMs);
  }
  /** Sends `db_create`; the answer's payload. */
  createRecord(model, data) {
    return this.request("db_create", { model, data });
  }
  /** Sends `db_find`; the answer's payload. */
  findRecords(model, query = {}) {
    return this.request("db_find", { model, query });
  }
  /** Sends `db_update`; the answer's payload. */
  updateRecord(model, id, data) {
    return this.request("db_update", { model, id, data });
  }
  /** Sends `db_delete`; the answer's payload. */
  deleteRecord(model, id) {
    return this.request("db_delete", { model, id });
  }
  /** Sends `email_send`; the answer's payload. */
  sendEmail(message) {
    return this.request("email_send", message);
  }
  /** The records of a model, step by step. */
  db(model) {
    return new Table((type, payload) => this.request(type, payload), model);
  }
  /** An email, step by step. */
  email() {
    return new Email((type, payload) => this.request(type, payload));
  }
  /**
   * A request to the runtime itself, of any type.
   *
   * @throws FulcrumError FAILED with the runtime's words, TIMEOUT, DISCONNECTED or NOT_REGISTERED
   */
  async request(type, payload = {}, options = {}) {
    const link = this.#requireLink(type);
    return payloadOf(await link.request(type, JSON.stringify(payload) ?? "{}", options.timeoutMs ?? this.#settings.timeoutMs), type);
  }
  /**
   * A request to another domain, through the runtime: `call('catalog', 'item_find_request', { sku })`.
   *
   * @throws FulcrumError FAILED with the domain's words, TIMEOUT or DISCONNECTED
   */
  async call(domain, type, payload = {}, options = {}) {
    const link = this.#requireLink(`call ${type} of ${domain}`);
    return payloadOf(await link.call(domain, type, JSON.stringify(payload) ?? "{}", options.timeoutMs ?? this.#settings.timeoutMs), type);
  }
  async #run() {
    const { address, token, giveUpAfterMs } = this.#settings;
    if (!this.name) {
      throw new FulcrumError("INVALID", "this domain has no name: give one to super(…), as static domainName, or in FULCRUM_DOMAIN_NAME");
    }
    const link = new Link(
      { url: dialUrl(address), address, domain: this.name, token, capabilities: CAPABILITIES, giveUpAfterMs },
      {
        registered: /* @__PURE__ */ __name((answer) => this.#beat(answer.heartbeat_interval_ms), "registered"),
        message: /* @__PURE__ */ __name((message) => this.#receive(message), "message"),
        lost: /* @__PURE__ */ __name(() => this.#heartbeat.stop(), "lost"),
        fatal: /* @__PURE__ */ __name((reason) => this.#die(reason), "fatal")
      }
    );
    this.#link = link;
    this.#running = true;
    link.dial();
    await void 0;
    let registering;
    try {
      await this.onStart();
      if (this.#stopped) return;
      registering = link.register();
      this.#dispatcher = new Dispatcher(this, this.name, collectHandlers(this, _DomainBase.prototype));
    } catch (error) {
      link.abort();
      die(this.name, error);
    }
    try {
      await registering;
    } catch (error) {
      if (this.#stopped) return;
      throw error;
    }
    drainOnSigterm();
    try {
      await this.onReady();
    } catch (error) {
      die(this.name, error);
    }
  }
  #receive(message) {
    const { type, requestId } = message;
    if (type === "drain") {
      void this.stop(deadlineOf(message.payload)).then(exitWhenAllStopped);
      return;
    }
    if (type === "error" || type.endsWith("_response") || requestId === "") return;
    const link = this.#link;
    const { epoch } = link;
    this.#dispatcher?.dispatch(message, (answerType, payload, id) => link.send(answerType, payload, id, epoch));
  }
  #beat(intervalMs) {
    if (typeof intervalMs !== "number" || !(intervalMs > 0)) return;
    const link = this.#link;
    this.#heartbeat.start(
      intervalMs,
      (beat) => link.send("heartbeat", JSON.stringify(beat), ""),
      () => this.#dispatcher?.draining ? "draining" : "ok"
    );
  }
  async #close(deadlineMs) {
    if (!this.#running) return;
    const late = await this.#dispatcher?.drain(deadlineMs) ?? 0;
    if (late > 0) say(`${this.name}: ${late} request${late > 1 ? "s were" : " was"} not done within ${deadlineMs} ms`);
    try {
      await this.onStop();
    } catch (error) {
      say(`${this.name}: onStop failed: ${messageOf(error)}`);
    }
    this.#heartbeat.stop();
    await this.#link?.close();
    this.#running = false;
  }
  #die(reason) {
    say(reason);
    process.exit(1);
  }
  #requireLink(what) {
    if (!this.#link) throw new FulcrumError("NOT_REGISTERED", `${what}: call start() first`);
    return this.#link;
  }
};
Object.defineProperty(DomainBase.prototype, /* @__PURE__ */ Symbol.for("fulcrum.domain"), { value: true });
function payloadOf(answer, what) {
  let payload;
  try {
    payload = answer.payload === "" ? {} : JSON.parse(answer.payload);
  } catch {
    if (answer.success) throw new FulcrumError("FAILED", `${what}: the answer isn't JSON: ${answer.payload.slice(0, 80)}`);
  }
  const said = payload;
  if (answer.success && said?.success !== false) return payload;
  const text = answer.error || (typeof said?.error === "string" ? said.error : "") || `${what} failed, without a reason`;
  throw new FulcrumError("FAILED", text);
}
__name(payloadOf, "payloadOf");
function deadlineOf(payload) {
  try {
    const { deadline_ms: ms } = JSON.parse(payload);
    if (typeof ms === "number" && ms >= 0) return ms;
  } catch {
  }
  return STOP_DEADLINE_MS;
}
__name(deadlineOf, "deadlineOf");

// src/package.ts
var KEY = /* @__PURE__ */ Symbol.for(`@fulcrum/domain ${"0.1.0"}`);
var shared = globalThis[KEY] ??= index_exports;

// src/entry-esm.ts
var { DomainBase: DomainBase2, Email: Email2, FulcrumError: FulcrumError2, Table: Table2 } = shared;
var entry_esm_default = shared;
export {
  DomainBase2 as DomainBase,
  Email2 as Email,
  FulcrumError2 as FulcrumError,
  Table2 as Table,
  entry_esm_default as default
};
