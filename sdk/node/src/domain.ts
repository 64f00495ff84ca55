import { dialUrl } from './address.ts';
import { Table } from './database.ts';
import type { Query } from './database.ts';
import { Dispatcher } from './dispatcher.ts';
import { Email } from './email.ts';
import type { EmailMessage } from './email.ts';
import { FulcrumError, messageOf, log } from './errors.ts';
import { collectHandlers } from './handlers.ts';
import type { EventHandler } from './handlers.ts';
import { Heartbeat } from './heartbeat.ts';
import { parseObject } from './json.ts';
import { RuntimeConnection } from './connection.ts';
import { resolveOptions } from './options.ts';
import type { DomainOptions, ResolvedOptions } from './options.ts';
import { payloadOf } from './payload.ts';
import type { RuntimeMessage } from './protobuf.ts';
import { instances } from './registry.ts';
import { beginGrace, exitWithError, requestsDeadline, setGrace, stopOnSignal } from './shutdown.ts';
import { PREPARE_TRANSPORT, prepareTransport } from './prepared-transport.ts';
import { awaitStopSignal } from './stop-signal.ts';
import { SpanBuffer } from './trace/span-buffer.ts';
import { Tracing } from './trace/tracing.ts';
import { TESTING, testingHook, transportOf } from './testing-hook.ts';

const CAPABILITIES = ['db_operations', 'email_operations', 'heartbeat', 'drain', 'assets', 'cancel', 'deadline', 'stream', 'large_messages', 'trace', 'span_tables'];
const STOP_DEADLINE_MS = 10_000;
/** How long after `drain` the stop signal is awaited, in milliseconds. A child of the process that is stopped may get none. */
const STOP_SIGNAL_MS = 1_000;

/**
 * Base class of a domain. A subclass handles requests with methods named after them:
 *
 * ```js
 * export default class Users extends DomainBase {
 *   async userCreateHandler(payload, context) {   // handles user_create_request
 *     return this.createRecord('users', payload);
 *   }
 * }
 * ```
 *
 * Fulcrum starts the class that an entry exports as default; elsewhere call
 * `new Users().start()`.
 */
export class DomainBase {
  /** The name of the domain, unless an option sets one. */
  static domainName?: string;

  /** The name under which this domain registers. */
  name: string;

  readonly #options: ResolvedOptions;
  readonly #heartbeat = new Heartbeat();
  readonly #subscriptions = new Map<string, EventHandler>();
  #connection: RuntimeConnection | undefined;
  #dispatcher: Dispatcher | undefined;
  #tracing: Tracing | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #running = false;

  /** @param options a name, or options that override the environment */
  constructor(options: string | DomainOptions = {}) {
    const given = typeof options === 'string' ? { name: options } : options;
    this.#options = resolveOptions(given, (this.constructor as typeof DomainBase).domainName, process.env);
    this.name = this.#options.name;
    instances().add(this);
  }

  /**
   * Called once, while the domain connects and before it registers: the setup is complete when the
   * first request arrives. Requests to the runtime are not possible yet (see `onReady`). If it
   * throws, the process exits with code 1.
   */
  onStart(): void | Promise<void> {}

  /** Called once, after the first registration. If it throws, the process exits with code 1. */
  onReady(): void | Promise<void> {}

  /** Called once, when the last request is finished and before the connection closes. */
  onStop(): void | Promise<void> {}

  /**
   * Called when a file of this domain has changed that is not code, such as a template. The domain
   * keeps running, and can read the file again.
   *
   * @param path the absolute path of the file
   */
  onAssetChanged(path: string): void | Promise<void> {
    void path;
  }

  /** True from `start()` until `stop()` has finished. */
  get running(): boolean {
    return this.#running;
  }

  /** Whether this domain is registered and connected. */
  get registered(): boolean {
    return this.#connection?.registered ?? false;
  }

  /**
   * Connects and registers; resolves when the runtime has accepted the registration. Reconnects after
   * a lost connection until `stop()`. Further calls return the same promise.
   *
   * @throws FulcrumError INVALID without a valid name or address. Permanent failures (an `onStart`
   * that throws, a rejected token) end the process with exit code 1.
   */
  start(): Promise<void> {
    return (this.#started ??= this.#run());
  }

  /**
   * Accepts no more requests, waits for the running ones, calls `onStop` and closes the connection.
   * The process keeps running; a stopped domain cannot be started again.
   *
   * @param deadlineMs how long running requests may take; later ones get an error response
   */
  stop(deadlineMs: number = STOP_DEADLINE_MS): Promise<void> {
    return (this.#stopped ??= this.#close(deadlineMs));
  }

  /** Sends `db_create`; resolves with the response's payload. */
  createRecord(model: string, data: Record<string, unknown>): Promise<any> {
    return this.request('db_create', { model, data });
  }

  /** Sends `db_find`; resolves with the response's payload. */
  findRecords(model: string, query: Query = {}): Promise<any> {
    return this.request('db_find', { model, query });
  }

  /** Sends `db_update`; resolves with the response's payload. */
  updateRecord(model: string, id: string | number, data: Record<string, unknown>): Promise<any> {
    return this.request('db_update', { model, id, data });
  }

  /** Sends `db_delete`; resolves with the response's payload. */
  deleteRecord(model: string, id: string | number): Promise<any> {
    return this.request('db_delete', { model, id });
  }

  /** Sends `email_send`; resolves with the response's payload. */
  sendEmail(message: EmailMessage): Promise<any> {
    return this.request('email_send', message);
  }

  /** A query builder for the records of a model. */
  db<Record_ = any>(model: string): Table<Record_> {
    return new Table((type, payload) => this.request(type, payload), model);
  }

  /** A builder for an email. */
  email(): Email {
    return new Email((type, payload) => this.request(type, payload));
  }

  /**
   * A request to the runtime itself, of any type.
   *
   * @throws FulcrumError FAILED with the runtime's error message, TIMEOUT, DISCONNECTED or NOT_REGISTERED
   */
  async request(type: string, payload: unknown = {}, options: { timeoutMs?: number } = {}): Promise<any> {
    const connection = this.#requireConnection(type);
    const send = () => connection.request(type, JSON.stringify(payload) ?? '{}', options.timeoutMs ?? this.#options.timeoutMs).then((response) => payloadOf(response, type));
    return this.#traced(type, { 'rpc.system.name': 'fulcrum', 'rpc.method': type }, send);
  }

  /**
   * A request to another domain, through the runtime: `call('catalog', 'item_find_request', { sku })`.
   *
   * `signal` cancels it, such as the one of the request that the call is made for.
   *
   * @throws FulcrumError FAILED with the domain's error message, TIMEOUT or DISCONNECTED; the signal's reason
   */
  async call(domain: string, type: string, payload: unknown = {}, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<any> {
    const connection = this.#requireConnection(`call ${type} of ${domain}`);
    const send = (headers: Record<string, string>) => {
      const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
      return connection.call(domain, type, JSON.stringify(payload) ?? '{}', timeoutMs, options.signal, headers).then((response) => payloadOf(response, type));
    };
    return this.#traced(`${domain}/${type}`, { 'rpc.system.name': 'grpc', 'rpc.method': 'framework.FrameworkService/SendMessage', 'fulcrum.domain': domain, 'fulcrum.message.type': type }, send);
  }

  /**
   * A request to another domain whose response comes in parts:
   * `for await (const row of this.stream('catalog', 'item_list_request')) …`. The other domain produces
   * no more parts than are taken; leaving the loop, and `signal`, cancel the request.
   *
   * @throws FulcrumError FAILED with the domain's error message, TIMEOUT or DISCONNECTED; the signal's reason
   */
  async *stream(domain: string, type: string, payload: unknown = {}, options: { timeoutMs?: number; signal?: AbortSignal } = {}): AsyncGenerator<any, void> {
    const what = `stream ${type} of ${domain}`;
    const connection = this.#requireConnection(what);
    for await (const part of connection.stream(domain, type, JSON.stringify(payload) ?? '{}', options.timeoutMs, options.signal, this.#tracing?.headers())) yield payloadOf(part, what);
  }

  /**
   * Publishes an event to the domains that have subscribed to its topic. Each gets it at most once: a
   * domain that is not connected, or reads too slowly, misses it.
   */
  async publish(topic: string, payload: unknown = {}): Promise<void> {
    await this.request('event_publish', { topic, payload });
  }

  /**
   * Calls `handler` for the events of a topic, now and after every reconnect. Its context has `missed`:
   * how many events were dropped before this one, because this domain read too slowly.
   */
  async subscribe(topic: string, handler: EventHandler): Promise<void> {
    this.#subscriptions.set(topic, handler);
    if (this.registered) await this.request('event_subscribe', { topics: [topic] });
  }

  /** Ends a subscription. */
  async unsubscribe(topic: string): Promise<void> {
    this.#subscriptions.delete(topic);
    if (this.registered) await this.request('event_unsubscribe', { topics: [topic] });
  }

  #subscribeAll(): void {
    const topics = [...this.#subscriptions.keys()];
    if (topics.length === 0) return;
    this.request('event_subscribe', { topics }).catch((error) => log(`${this.name}: cannot subscribe to ${topics.join(', ')}: ${messageOf(error)}`));
  }

  async #handleEvent(text: string): Promise<void> {
    const { topic, payload, from, missed } = parseObject(text);
    const handler = this.#subscriptions.get(String(topic));
    try {
      await handler?.(payload, { topic: String(topic), from: String(from), missed: Number(missed) });
    } catch (error) {
      log(`${this.name}: the handler of ${String(topic)} failed: ${messageOf(error)}`);
    }
  }

  async #run(): Promise<void> {
    const { address, token, reconnectDeadlineMs } = this.#options;
    const transport = transportOf(this);
    if (!this.name) {
      throw new FulcrumError('INVALID', 'the domain has no name: set it in super(…), as static domainName, or in FULCRUM_DOMAIN_NAME');
    }
    const connection = new RuntimeConnection(
      { url: dialUrl(address), address, domain: this.name, token, capabilities: CAPABILITIES, reconnectDeadlineMs, transport },
      {
        registered: (response) => this.#onRegistered(response),
        message: (message) => this.#receive(message),
        lost: () => {
          this.#heartbeat.stop();
          this.#tracing?.pause();
        },
        fatal: (reason) => this.#fail(reason),
      },
    );
    this.#connection = connection;
    const tracing = new Tracing(this.name, new SpanBuffer((spans) => connection.send('spans', spans, '')));
    this.#tracing = tracing;
    this.#running = true;
    connection.connect();
    // Lets a constructor that calls start() finish, with the fields of its subclass, before onStart.
    await undefined;
    let registering: Promise<void>;
    try {
      await tracing.starting(process.env.TRACEPARENT, () => this.onStart());
      if (this.#stopped) return;
      const handlers = collectHandlers(this, DomainBase.prototype);
      registering = connection.register([...handlers.keys()]);
      // A stop can be requested as soon as it is ready.
      if (!transport) stopOnSignal('SIGTERM');
      // While the registration is in flight: no request can arrive before the response.
      this.#dispatcher = new Dispatcher(this, this.name, handlers, tracing);
    } catch (error) {
      connection.abort();
      this.#failStart(error);
    }
    try {
      await registering;
    } catch (error) {
      if (this.#stopped) return;
      throw error;
    }
    try {
      await this.onReady();
    } catch (error) {
      this.#failStart(error);
    }
  }

  /** In a test, the caller of `start()` gets the error; elsewhere nobody is there to handle it. */
  #failStart(error: unknown): never {
    if (transportOf(this)) throw error;
    exitWithError(this.name, error);
  }

  #receive(message: RuntimeMessage): void {
    const { type, requestId } = message;
    if (type === 'drain') {
      this.#drain(message.payload);
      return;
    }
    if (type === 'cancel') {
      this.#dispatcher?.cancel(requestId);
      return;
    }
    if (type === 'event') {
      void this.#handleEvent(message.payload);
      return;
    }
    if (type === 'credit') {
      this.#dispatcher?.grant(requestId, parseObject(message.payload).parts);
      return;
    }
    if (type === 'asset_changed') {
      void this.#handleAssetChanged(message.payload);
      return;
    }
    // A late response to a request that has timed out, or an unknown notification.
    if (type === 'error' || type.endsWith('_response') || requestId === '') return;
    const connection = this.#connection as RuntimeConnection;
    const { epoch } = connection;
    this.#dispatcher?.dispatch(message, (responseType, payload, id, more) => connection.send(responseType, payload, id, epoch, more));
  }

  /** The stop signal comes with this message, before or after it, and decides how the process ends. */
  #drain(payload: string): void {
    const { deadline_ms: ms } = parseObject(payload);
    const graceMs = typeof ms === 'number' && ms >= 0 ? ms : STOP_DEADLINE_MS;
    awaitStopSignal(Math.min(graceMs, STOP_SIGNAL_MS));
    beginGrace(graceMs);
    this.#dispatcher?.setDeadline(requestsDeadline(graceMs));
    void this.stop(requestsDeadline(graceMs));
  }

  async #handleAssetChanged(payload: string): Promise<void> {
    try {
      const { path } = JSON.parse(payload) as { path: string };
      await this.onAssetChanged(path);
    } catch (error) {
      log(`${this.name}: onAssetChanged failed: ${messageOf(error)}`);
    }
  }

  #onRegistered(response: Record<string, unknown>): void {
    const { heartbeat_interval_ms: intervalMs, stop_signal: signal, stop_grace_ms: graceMs } = response;
    this.#startHeartbeat(intervalMs);
    this.#tracing?.setRecording(response.spans === true, response.span_tables === true);
    this.#subscribeAll();
    if (typeof graceMs === 'number' && graceMs >= 0) setGrace(graceMs);
    if (typeof signal === 'string' && signal !== 'SIGKILL') stopOnSignal(signal as NodeJS.Signals);
  }

  #startHeartbeat(intervalMs: unknown): void {
    if (typeof intervalMs !== 'number' || !(intervalMs > 0)) return;
    const connection = this.#connection as RuntimeConnection;
    this.#heartbeat.start(
      intervalMs,
      (payload) => connection.send('heartbeat', JSON.stringify(payload), ''),
      () => (this.#dispatcher?.draining ? 'draining' : 'ok'),
    );
  }

  async #close(deadlineMs: number): Promise<void> {
    if (!this.#running) return;
    const unfinished = (await this.#dispatcher?.drain(deadlineMs)) ?? 0;
    if (unfinished > 0) log(`${this.name}: ${unfinished} request${unfinished > 1 ? 's were' : ' was'} not finished within ${deadlineMs} ms`);
    try {
      await this.onStop();
    } catch (error) {
      log(`${this.name}: onStop failed: ${messageOf(error)}`);
    }
    this.#heartbeat.stop();
    this.#tracing?.flush();
    await this.#connection?.close();
    this.#running = false;
  }

  #fail(reason: string): never {
    log(reason);
    process.exit(1);
  }

  /** Makes a call, in a span if it belongs to a trace. */
  #traced(name: string, attributes: Record<string, string>, send: (headers: Record<string, string>) => Promise<unknown>): Promise<any> {
    return this.#tracing ? this.#tracing.call(name, attributes, send) : send({});
  }

  #requireConnection(what: string): RuntimeConnection {
    if (!this.#connection) throw new FulcrumError('NOT_REGISTERED', `${what}: call start() first`);
    return this.#connection;
  }
}

// Used by the bootstrap, and the same in every copy of this package.
Object.defineProperty(DomainBase.prototype, Symbol.for('fulcrum.domain'), { value: true });
Object.defineProperty(DomainBase, PREPARE_TRANSPORT, { value: prepareTransport });
Object.defineProperty(DomainBase, TESTING, { value: testingHook });
