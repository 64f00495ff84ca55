import { dialUrl } from './address.ts';
import { Table } from './database.ts';
import type { Query } from './database.ts';
import { Dispatcher } from './dispatcher.ts';
import { Email } from './email.ts';
import type { EmailMessage } from './email.ts';
import { FulcrumError, messageOf, say } from './errors.ts';
import { collectHandlers } from './handlers.ts';
import { Heartbeat } from './heartbeat.ts';
import { Link } from './link.ts';
import { settle } from './options.ts';
import type { DomainOptions, Settings } from './options.ts';
import type { RuntimeMessage } from './protobuf.ts';
import { instances } from './registry.ts';
import { die, drainOnSigterm, exitWhenAllStopped } from './shutdown.ts';
import { WARM, warm } from './warm.ts';

const CAPABILITIES = ['db_operations', 'email_operations', 'heartbeat', 'drain', 'assets'];
const STOP_DEADLINE_MS = 10_000;

/**
 * Base of a domain. A subclass answers requests with methods named for them:
 *
 * ```js
 * export default class Users extends DomainBase {
 *   async userCreateHandler(payload, context) {   // answers user_create_request
 *     return this.createRecord('users', payload);
 *   }
 * }
 * ```
 *
 * An entry that default-exports such a class is started by Fulcrum; elsewhere
 * `new Users().start()` does it.
 */
export class DomainBase {
  /** Name for the domains of a class, where no option gives one. */
  static domainName?: string;

  /** The name under which this domain registers. */
  name: string;

  readonly #settings: Settings;
  readonly #heartbeat = new Heartbeat();
  #link: Link | undefined;
  #dispatcher: Dispatcher | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #running = false;

  /** @param options a name, or what else differs from the environment */
  constructor(options: string | DomainOptions = {}) {
    const given = typeof options === 'string' ? { name: options } : options;
    this.#settings = settle(given, (this.constructor as typeof DomainBase).domainName, process.env);
    this.name = this.#settings.name;
    instances().add(this);
  }

  /**
   * Called once, while the runtime is being dialled and before the domain registers: what
   * it sets up is there when the first request comes. The runtime can't be asked for
   * anything yet (see `onReady`). If it throws, the process ends with exit code 1.
   */
  onStart(): void | Promise<void> {}

  /** Called once, after the first registration. If it throws, the process ends with exit code 1. */
  onReady(): void | Promise<void> {}

  /** Called once, when the last request is done and before the connection closes. */
  onStop(): void | Promise<void> {}

  /**
   * Called when a file of this domain has changed that isn't code, such as a template: it goes
   * on running, and can read the file again.
   *
   * @param path the file, absolute
   */
  onAssetChanged(path: string): void | Promise<void> {
    void path;
  }

  /** From `start()` until `stop()` is done. */
  get running(): boolean {
    return this.#running;
  }

  /** Whether the runtime has taken this domain and the connection stands. */
  get registered(): boolean {
    return this.#link?.registered ?? false;
  }

  /**
   * Connects and registers; resolves when the runtime has said yes. Lost connections are
   * dialled again until `stop()`. Asked twice, it is one start.
   *
   * @throws FulcrumError INVALID without a usable name or address. What can't be cured
   * later (an `onStart` that throws, a refused token) ends the process with exit code 1.
   */
  start(): Promise<void> {
    return (this.#started ??= this.#run());
  }

  /**
   * Takes no more requests, waits for those at work, calls `onStop` and closes the
   * connection. The process lives on; a stopped domain isn't started again.
   *
   * @param deadlineMs how long the requests at work may take; what isn't done then is answered as failed
   */
  stop(deadlineMs: number = STOP_DEADLINE_MS): Promise<void> {
    return (this.#stopped ??= this.#close(deadlineMs));
  }

  /** Sends `db_create`; the answer's payload. */
  createRecord(model: string, data: Record<string, unknown>): Promise<any> {
    return this.request('db_create', { model, data });
  }

  /** Sends `db_find`; the answer's payload. */
  findRecords(model: string, query: Query = {}): Promise<any> {
    return this.request('db_find', { model, query });
  }

  /** Sends `db_update`; the answer's payload. */
  updateRecord(model: string, id: string | number, data: Record<string, unknown>): Promise<any> {
    return this.request('db_update', { model, id, data });
  }

  /** Sends `db_delete`; the answer's payload. */
  deleteRecord(model: string, id: string | number): Promise<any> {
    return this.request('db_delete', { model, id });
  }

  /** Sends `email_send`; the answer's payload. */
  sendEmail(message: EmailMessage): Promise<any> {
    return this.request('email_send', message);
  }

  /** The records of a model, step by step. */
  db<Record_ = any>(model: string): Table<Record_> {
    return new Table((type, payload) => this.request(type, payload), model);
  }

  /** An email, step by step. */
  email(): Email {
    return new Email((type, payload) => this.request(type, payload));
  }

  /**
   * A request to the runtime itself, of any type.
   *
   * @throws FulcrumError FAILED with the runtime's words, TIMEOUT, DISCONNECTED or NOT_REGISTERED
   */
  async request(type: string, payload: unknown = {}, options: { timeoutMs?: number } = {}): Promise<any> {
    const link = this.#requireLink(type);
    return payloadOf(await link.request(type, JSON.stringify(payload) ?? '{}', options.timeoutMs ?? this.#settings.timeoutMs), type);
  }

  /**
   * A request to another domain, through the runtime: `call('catalog', 'item_find_request', { sku })`.
   *
   * @throws FulcrumError FAILED with the domain's words, TIMEOUT or DISCONNECTED
   */
  async call(domain: string, type: string, payload: unknown = {}, options: { timeoutMs?: number } = {}): Promise<any> {
    const link = this.#requireLink(`call ${type} of ${domain}`);
    return payloadOf(await link.call(domain, type, JSON.stringify(payload) ?? '{}', options.timeoutMs ?? this.#settings.timeoutMs), type);
  }

  async #run(): Promise<void> {
    const { address, token, giveUpAfterMs } = this.#settings;
    if (!this.name) {
      throw new FulcrumError('INVALID', 'this domain has no name: give one to super(…), as static domainName, or in FULCRUM_DOMAIN_NAME');
    }
    const link = new Link(
      { url: dialUrl(address), address, domain: this.name, token, capabilities: CAPABILITIES, giveUpAfterMs },
      {
        registered: (answer) => this.#beat(answer.heartbeat_interval_ms),
        message: (message) => this.#receive(message),
        lost: () => this.#heartbeat.stop(),
        fatal: (reason) => this.#die(reason),
      },
    );
    this.#link = link;
    this.#running = true;
    link.dial();
    // A constructor that calls start() is done, with the fields of its subclass, before onStart.
    await undefined;
    let registering: Promise<void>;
    try {
      await this.onStart();
      if (this.#stopped) return;
      registering = link.register();
      // From the moment it is ready it may be asked to stop.
      drainOnSigterm();
      // While the runtime answers; no request can come before that.
      this.#dispatcher = new Dispatcher(this, this.name, collectHandlers(this, DomainBase.prototype));
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
    try {
      await this.onReady();
    } catch (error) {
      die(this.name, error);
    }
  }

  #receive(message: RuntimeMessage): void {
    const { type, requestId } = message;
    if (type === 'drain') {
      void this.stop(deadlineOf(message.payload)).then(exitWhenAllStopped);
      return;
    }
    if (type === 'asset_changed') {
      void this.#asset(message.payload);
      return;
    }
    // A late answer to a request of ours that was given up, or a notice we didn't ask for.
    if (type === 'error' || type.endsWith('_response') || requestId === '') return;
    const link = this.#link as Link;
    const { epoch } = link;
    this.#dispatcher?.dispatch(message, (answerType, payload, id) => link.send(answerType, payload, id, epoch));
  }

  async #asset(payload: string): Promise<void> {
    try {
      const { path } = JSON.parse(payload) as { path: string };
      await this.onAssetChanged(path);
    } catch (error) {
      say(`${this.name}: onAssetChanged failed: ${messageOf(error)}`);
    }
  }

  #beat(intervalMs: unknown): void {
    if (typeof intervalMs !== 'number' || !(intervalMs > 0)) return;
    const link = this.#link as Link;
    this.#heartbeat.start(
      intervalMs,
      (beat) => link.send('heartbeat', JSON.stringify(beat), ''),
      () => (this.#dispatcher?.draining ? 'draining' : 'ok'),
    );
  }

  async #close(deadlineMs: number): Promise<void> {
    if (!this.#running) return;
    const late = (await this.#dispatcher?.drain(deadlineMs)) ?? 0;
    if (late > 0) say(`${this.name}: ${late} request${late > 1 ? 's were' : ' was'} not done within ${deadlineMs} ms`);
    try {
      await this.onStop();
    } catch (error) {
      say(`${this.name}: onStop failed: ${messageOf(error)}`);
    }
    this.#heartbeat.stop();
    await this.#link?.close();
    this.#running = false;
  }

  #die(reason: string): never {
    say(reason);
    process.exit(1);
  }

  #requireLink(what: string): Link {
    if (!this.#link) throw new FulcrumError('NOT_REGISTERED', `${what}: call start() first`);
    return this.#link;
  }
}

// Seen by the bootstrap, and the same in every copy of this package.
Object.defineProperty(DomainBase.prototype, Symbol.for('fulcrum.domain'), { value: true });
Object.defineProperty(DomainBase, WARM, { value: warm });

function payloadOf(answer: RuntimeMessage, what: string): unknown {
  let payload: unknown;
  try {
    payload = answer.payload === '' ? {} : JSON.parse(answer.payload);
  } catch {
    if (answer.success) throw new FulcrumError('FAILED', `${what}: the answer isn't JSON: ${answer.payload.slice(0, 80)}`);
  }
  const said = payload as { success?: unknown; error?: unknown } | null | undefined;
  if (answer.success && said?.success !== false) return payload;
  const text = answer.error || (typeof said?.error === 'string' ? said.error : '') || `${what} failed, without a reason`;
  throw new FulcrumError('FAILED', text);
}

function deadlineOf(payload: string): number {
  try {
    const { deadline_ms: ms } = JSON.parse(payload) as { deadline_ms?: unknown };
    if (typeof ms === 'number' && ms >= 0) return ms;
  } catch {
    // Without a readable deadline, the usual one.
  }
  return STOP_DEADLINE_MS;
}
