import { backoffDelay } from './backoff.ts';
import { FulcrumError, messageOf, log } from './errors.ts';
import { parseObject } from './json.ts';
import { PendingRequests } from './pending.ts';
import { PREFIX_BYTES, encodeDomainFrame } from './protobuf.ts';
import type { RuntimeMessage } from './protobuf.ts';
import { isFinal, isRefusal } from './status.ts';
import type { Status } from './status.ts';
import { describeStatus } from './transport.ts';
import type { MessageWriter, RuntimeTransport } from './transport.ts';
import { takeTransport } from './prepared-transport.ts';

/** How long to wait for the response to a registration. */
const REGISTER_TIMEOUT_MS = 10_000;
/** A registration that lasted this long resets the backoff. */
const STABLE_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;

/** Options of a connection. */
export interface ConnectionOptions {
  /** The URL to connect to, and the address as it was configured. */
  url: string;
  address: string;
  domain: string;
  token: string | undefined;
  capabilities: readonly string[];
  /** How long to try to reconnect, in milliseconds; Infinity without a token of Fulcrum. */
  reconnectDeadlineMs: number;
  /** Connects to a runtime in this process, in a test. */
  transport: (() => RuntimeTransport) | undefined;
}

/** Events of a connection. */
export interface ConnectionEvents {
  /** The domain is registered; `response` is the payload of the response. */
  registered(response: Record<string, unknown>): void;
  /** A message that is not a response to a request of this domain. */
  message(message: RuntimeMessage): void;
  /** The registration has ended, for any reason. */
  lost(): void;
  /** The runtime rejects this domain permanently, or could not be reached again. */
  fatal(reason: string): void;
}

type State = 'idle' | 'registering' | 'registered' | 'backoff' | 'closed';

/**
 * The domain's connection to the runtime: connects and registers, and does so again whenever the
 * connection is lost.
 */
export class RuntimeConnection {
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #pending = new PendingRequests();
  readonly #idPrefix: string;
  #ids = 0;
  #types: readonly string[] = [];
  #state: State = 'idle';
  /** The largest message that the runtime accepts, in bytes, if it has named a limit. */
  #maxMessageBytes = Infinity;
  #transport: RuntimeTransport | undefined;
  #writer: MessageWriter | undefined;
  /** Counts connections: a response belongs to the connection of its request. */
  #epoch = 0;
  #failures = 0;
  #registeredAt: number | undefined;
  #lostAt: number | undefined;
  #everRegistered = false;
  #timer: NodeJS.Timeout | undefined;
  #lastLogged = '';
  #waiters = new Set<{ resolve(): void; reject(error: Error): void }>();

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    // Different from all ids of the runtime, so that a response cannot be mistaken for a request.
    this.#idPrefix = `${options.domain}:${process.pid}:${Math.random().toString(36).slice(2, 10)}:`;
  }

  /** The number of the current connection. */
  get epoch(): number {
    return this.#epoch;
  }

  get registered(): boolean {
    return this.#state === 'registered';
  }

  /** Starts to connect, before `register`. */
  connect(): void {
    const { url, token, transport } = this.#options;
    this.#transport ??= transport ? transport() : takeTransport(url, token);
  }

  /**
   * Registers, now and after every reconnect; resolves after the first successful registration.
   *
   * @param types the types of requests that this domain handles
   */
  register(types: readonly string[]): Promise<void> {
    this.#types = types;
    const done = this.#whenRegistered();
    if (this.#state === 'idle') this.#connectOnce();
    return done;
  }

  /**
   * Sends a message on the stream of connection `epoch`; it is dropped if that is not current. A
   * response that is too large is replaced by a failure, so that its caller is told.
   */
  send(type: string, payload: string, requestId: string, epoch = this.#epoch, more = false): void {
    if (epoch !== this.#epoch || this.#state !== 'registered') return;
    const { domain } = this.#options;
    let frame = encodeDomainFrame({ domain, type, payload, requestId, more });
    const excess = this.#excessOf(frame, `${type} of domain ${domain}`);
    if (excess) {
      log(excess.message);
      const failure = JSON.stringify({ success: false, error: excess.message, code: excess.code });
      frame = encodeDomainFrame({ domain, type, payload: failure, requestId });
    }
    this.#writer?.write(frame);
  }

  /** A request to the runtime itself. Without a connection it waits for the next one. */
  async request(type: string, payload: string, timeoutMs: number): Promise<RuntimeMessage> {
    this.#requireOpen(type);
    if (!this.#everRegistered) {
      throw new FulcrumError('NOT_REGISTERED', `${type}: the domain is not registered yet; use onReady() for work that needs the runtime`);
    }
    const deadline = monotonicMs() + timeoutMs;
    if (this.#state !== 'registered') await this.#registeredWithin(timeoutMs, type);
    const id = this.#nextId();
    const frame = encodeDomainFrame({ domain: this.#options.domain, type, payload, requestId: id });
    const excess = this.#excessOf(frame, type);
    if (excess) throw excess;
    this.#writer?.write(frame);
    return this.#pending.add(id, type, timeoutMs, Math.max(1, deadline - monotonicMs()));
  }

  /** A request to another domain, through the runtime's `SendMessage`. */
  async call(domain: string, type: string, payload: string, timeoutMs: number, signal?: AbortSignal, headers?: Record<string, string>): Promise<RuntimeMessage> {
    const what = `call ${type} of ${domain}`;
    this.#requireOpen(what);
    signal?.throwIfAborted();
    const deadline = monotonicMs() + timeoutMs;
    if (this.#state === 'backoff') await this.#registeredWithin(timeoutMs, what);
    this.connect();
    const frame = encodeDomainFrame({ domain, type, payload, requestId: this.#nextId() });
    const excess = this.#excessOf(frame, what);
    if (excess) throw excess;
    const remainingMs = Math.max(1, deadline - monotonicMs());
    const timeout = new FulcrumError('TIMEOUT', `${what}: no response within ${timeoutMs} ms`);
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    try {
      const { response, abandon } = (this.#transport as RuntimeTransport).unary(frame, remainingMs, headers);
      const givenUp = new Promise<never>((_, reject) => {
        const giveUp = (reason: unknown) => {
          reject(reason);
          abandon();
        };
        timer = setTimeout(() => giveUp(timeout), remainingMs);
        onAbort = () => giveUp(signal?.reason);
        signal?.addEventListener('abort', onAbort);
      });
      return await Promise.race([response, givenUp]);
    } catch (error) {
      if (error instanceof FulcrumError || signal?.aborted) throw error;
      const text = messageOf(error);
      // Both sides wait equally long.
      throw text.startsWith('DEADLINE_EXCEEDED') ? timeout : new FulcrumError('DISCONNECTED', `${what}: ${text}`);
    } finally {
      clearTimeout(timer);
      if (onAbort) signal?.removeEventListener('abort', onAbort);
    }
  }

  /** As `call`, for a response in parts. */
  async *stream(domain: string, type: string, payload: string, timeoutMs: number | undefined, signal?: AbortSignal, headers?: Record<string, string>): AsyncGenerator<RuntimeMessage, void> {
    const what = `stream ${type} of ${domain}`;
    this.#requireOpen(what);
    signal?.throwIfAborted();
    if (this.#state === 'backoff') await this.#registeredWithin(timeoutMs ?? REGISTER_TIMEOUT_MS, what);
    this.connect();
    const frame = encodeDomainFrame({ domain, type, payload, requestId: this.#nextId() });
    try {
      yield* (this.#transport as RuntimeTransport).stream(frame, timeoutMs, signal, headers);
    } catch (error) {
      if (error instanceof FulcrumError || signal?.aborted) throw error;
      const text = messageOf(error);
      throw new FulcrumError(text.startsWith('DEADLINE_EXCEEDED') ? 'TIMEOUT' : 'DISCONNECTED', `${what}: ${text}`);
    }
  }

  /** Sends queued messages, then closes the connection. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#timer);
    const gone = new FulcrumError('DISCONNECTED', 'the domain was stopped before the response arrived');
    this.#pending.failAll(gone);
    this.#rejectWaiters(gone);
    await this.#writer?.end(CLOSE_TIMEOUT_MS);
    this.#transport?.destroy();
  }

  /** Closes the connection at once, for a start that failed. */
  abort(): void {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#transport?.destroy();
  }

  /** The error for a message that the runtime would not accept. */
  #excessOf(frame: Buffer, what: string): FulcrumError | undefined {
    const size = frame.length - PREFIX_BYTES;
    const limit = this.#maxMessageBytes;
    if (size <= limit) return undefined;
    return new FulcrumError('TOO_LARGE', `${what} has ${size} bytes, and the limit is ${limit} bytes (runtime.grpc.max_message)`);
  }

  #connectOnce(): void {
    this.#state = 'registering';
    const epoch = ++this.#epoch;
    const registerId = this.#nextId();
    try {
      this.connect();
      this.#writer = (this.#transport as RuntimeTransport).openStream({
        message: (message) => { if (epoch === this.#epoch) this.#receive(message, registerId); },
        closed: (status) => { if (epoch === this.#epoch) this.#onDisconnect(status); },
      });
    } catch (error) {
      this.#onDisconnect({ name: 'UNAVAILABLE', message: this.#transport?.failure ?? messageOf(error) });
      return;
    }
    const { domain, capabilities } = this.#options;
    const payload = JSON.stringify({ domain, capabilities, types: this.#types });
    this.#writer.write(encodeDomainFrame({ domain, type: 'domain_register', payload, requestId: registerId }));
    this.#timer = setTimeout(() => {
      this.#onDisconnect({ name: 'DEADLINE_EXCEEDED', message: `no response to the registration within ${REGISTER_TIMEOUT_MS / 1000} s` });
    }, REGISTER_TIMEOUT_MS);
  }

  #receive(message: RuntimeMessage, registerId: string): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'registering') {
      if (message.requestId !== registerId) return;
      if (message.success) this.#accepted(message);
      else this.#onDisconnect({ name: 'FAILED_PRECONDITION', message: message.error || 'no reason given' });
      return;
    }
    if (!this.#pending.resolve(message)) this.#events.message(message);
  }

  #accepted(message: RuntimeMessage): void {
    clearTimeout(this.#timer);
    this.#state = 'registered';
    this.#registeredAt = monotonicMs();
    if (this.#lastLogged) log(`${this.#options.domain} registered with the runtime at ${this.#options.address}`);
    this.#lastLogged = '';
    this.#lostAt = undefined;
    this.#everRegistered = true;
    const response = parseObject(message.payload);
    const { max_message_bytes: limit } = response;
    if (typeof limit === 'number' && limit > 0) this.#maxMessageBytes = limit;
    this.#events.registered(response);
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const waiter of waiters) waiter.resolve();
  }

  /** Handles every end of a connection: dropped, rejected, unreachable or timed out. */
  #onDisconnect(status: Status): void {
    if (this.#state === 'closed' || this.#state === 'backoff') return;
    const previous = this.#state;
    const now = monotonicMs();
    clearTimeout(this.#timer);
    this.#epoch++;
    this.#state = 'backoff';
    const transport = this.#transport;
    this.#transport = undefined;
    this.#writer = undefined;
    transport?.destroy();
    const { address, domain } = this.#options;
    this.#pending.failAll(new FulcrumError('DISCONNECTED', `the connection to the runtime at ${address} was lost before the response arrived (${describeStatus(status)})`));
    if (previous === 'registered') {
      if (now - (this.#registeredAt ?? now) >= STABLE_MS) this.#failures = 0;
      this.#events.lost();
    }
    if (isFinal(status)) {
      this.#fail(new FulcrumError('REFUSED', `the runtime at ${address} rejects domain "${domain}": ${describeStatus(status)}`));
      return;
    }
    this.#logDisconnect(previous, status);
    this.#lostAt ??= now;
    if (now - this.#lostAt >= this.#options.reconnectDeadlineMs) {
      this.#fail(new FulcrumError('DISCONNECTED', `no connection to the runtime at ${address} for ${Math.round((now - this.#lostAt) / 1000)} s (${describeStatus(status)}); giving up`));
      return;
    }
    this.#timer = setTimeout(() => this.#connectOnce(), backoffDelay(this.#failures++, Math.random()));
  }

  /** Logs each cause once, not at every retry. */
  #logDisconnect(previous: State, status: Status): void {
    const { address, domain } = this.#options;
    let text: string;
    if (previous === 'registered') text = `connection of ${domain} to the runtime at ${address} lost (${describeStatus(status)}); reconnecting`;
    else if (isRefusal(status)) text = `the runtime at ${address} rejected domain "${domain}": ${describeStatus(status)}; retrying`;
    else text = `${domain} cannot reach the runtime at ${address} (${status.message || status.name}); retrying`;
    if (text === this.#lastLogged) return;
    this.#lastLogged = text;
    log(text);
  }

  #fail(error: FulcrumError): void {
    this.#state = 'closed';
    this.#rejectWaiters(error);
    this.#events.fatal(error.message);
  }

  #requireOpen(what: string): void {
    if (this.#state === 'closed') throw new FulcrumError('NOT_REGISTERED', `${what}: the domain has been stopped`);
  }

  #nextId(): string {
    return this.#idPrefix + ++this.#ids;
  }

  #whenRegistered(): Promise<void> {
    if (this.#state === 'registered') return Promise.resolve();
    return new Promise((resolve, reject) => { this.#waiters.add({ resolve, reject }); });
  }

  async #registeredWithin(timeoutMs: number, what: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const finish = (action: () => void) => () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        action();
      };
      const timeout = new FulcrumError('DISCONNECTED', `${what}: no connection to the runtime at ${this.#options.address} within ${timeoutMs} ms`);
      const waiter = { resolve: finish(resolve), reject: (error: Error) => finish(() => reject(error))() };
      const timer = setTimeout(() => waiter.reject(timeout), timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  #rejectWaiters(error: Error): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const waiter of waiters) waiter.reject(error);
  }
}

/** Unlike Date, not moved by clock changes; unlike perf_hooks, nothing to load. */
function monotonicMs(): number {
  return process.uptime() * 1000;
}
