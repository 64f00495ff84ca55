import { backoffDelay } from './backoff.ts';
import { FulcrumError, messageOf, say } from './errors.ts';
import { Pending } from './pending.ts';
import { encodeDomainFrame } from './protobuf.ts';
import type { RuntimeMessage } from './protobuf.ts';
import { isFinal, isRefusal } from './status.ts';
import type { Status } from './status.ts';
import { describeStatus } from './transport.ts';
import type { Transport } from './transport.ts';
import { transportTo } from './warm.ts';
import type { StreamWriter } from './writer.ts';

/** A server that takes the connection and then says nothing isn't waited for longer. */
const REGISTER_TIMEOUT_MS = 10_000;
/** A registration that held this long clears the record of failed ones. */
const STABLE_MS = 5_000;
const CLOSE_LIMIT_MS = 1_000;

/** What a link needs to know. */
export interface LinkOptions {
  /** As it is dialled, and as people wrote it. */
  url: string;
  address: string;
  domain: string;
  token: string | undefined;
  capabilities: readonly string[];
  /** How long a lost runtime is looked for, in milliseconds; Infinity standalone. */
  giveUpAfterMs: number;
}

/** What a link tells the domain. */
export interface LinkEvents {
  /** The runtime has taken the domain; `answer` is the payload of its answer. */
  registered(answer: Record<string, unknown>): void;
  /** A message that is not the answer to a request of ours. */
  message(message: RuntimeMessage): void;
  /** The registration is over, for whatever reason. */
  lost(): void;
  /** The runtime will never take this domain, or is gone for good. */
  fatal(reason: string): void;
}

type State = 'idle' | 'registering' | 'registered' | 'waiting' | 'closed';

/**
 * The domain's tie to the runtime: dials, registers, and after every loss, whatever
 * its cause, does so again.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #pending = new Pending();
  readonly #idPrefix: string;
  #ids = 0;
  #state: State = 'idle';
  #transport: Transport | undefined;
  #writer: StreamWriter | undefined;
  /** Counts connections: an answer belongs to the one its request came from. */
  #epoch = 0;
  #failures = 0;
  #registeredAt: number | undefined;
  #lostAt: number | undefined;
  #everRegistered = false;
  #timer: NodeJS.Timeout | undefined;
  #said = '';
  #waiters = new Set<{ resolve(): void; reject(error: Error): void }>();

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    // Unlike any id the runtime makes, so that an answer can't be mistaken for a request.
    this.#idPrefix = `${options.domain}:${process.pid}:${Math.random().toString(36).slice(2, 10)}:`;
  }

  /** Number of the present connection. */
  get epoch(): number {
    return this.#epoch;
  }

  get registered(): boolean {
    return this.#state === 'registered';
  }

  /** Begins to dial, ahead of `register`. */
  dial(): void {
    this.#transport ??= transportTo(this.#options.url, this.#options.token);
  }

  /** Registers, now and after every loss; resolves when the runtime has said yes for the first time. */
  register(): Promise<void> {
    const done = this.#whenRegistered();
    if (this.#state === 'idle') this.#attempt();
    return done;
  }

  /** Sends a message on the stream of connection `epoch`; a stale one is dropped. */
  send(type: string, payload: string, requestId: string, epoch = this.#epoch): void {
    if (epoch !== this.#epoch || this.#state !== 'registered') return;
    this.#writer?.write(encodeDomainFrame({ domain: this.#options.domain, type, payload, requestId }));
  }

  /** A request to the runtime itself. While the connection is lost it waits for the next one. */
  async request(type: string, payload: string, timeoutMs: number): Promise<RuntimeMessage> {
    this.#requireOpen(type);
    if (!this.#everRegistered) {
      throw new FulcrumError('NOT_REGISTERED', `${type}: the domain isn't registered yet; use onReady() for work that needs the runtime`);
    }
    const deadline = monotonicMs() + timeoutMs;
    if (this.#state !== 'registered') await this.#registeredWithin(timeoutMs, type);
    const id = this.#nextId();
    this.send(type, payload, id);
    return this.#pending.add(id, type, Math.max(1, Math.round(deadline - monotonicMs())));
  }

  /** One message to another domain, by the runtime's `SendMessage`. */
  async call(domain: string, type: string, payload: string, timeoutMs: number): Promise<RuntimeMessage> {
    const what = `call ${type} of ${domain}`;
    this.#requireOpen(what);
    const deadline = monotonicMs() + timeoutMs;
    if (this.#state === 'waiting') await this.#registeredWithin(timeoutMs, what);
    this.dial();
    const frame = encodeDomainFrame({ domain, type, payload, requestId: this.#nextId() });
    let timer: NodeJS.Timeout | undefined;
    try {
      const { answer, abandon } = (this.#transport as Transport).unary(frame);
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new FulcrumError('TIMEOUT', `${what}: no answer within ${timeoutMs} ms`));
          abandon();
        }, Math.max(1, deadline - monotonicMs()));
      });
      return await Promise.race([answer, late]);
    } catch (error) {
      if (error instanceof FulcrumError) throw error;
      throw new FulcrumError('DISCONNECTED', `${what}: ${messageOf(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says goodbye: what is queued still leaves, then the connection closes. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#timer);
    const gone = new FulcrumError('DISCONNECTED', 'the domain was stopped before the answer came');
    this.#pending.failAll(gone);
    this.#rejectWaiters(gone);
    await this.#writer?.end(CLOSE_LIMIT_MS);
    this.#transport?.destroy();
  }

  /** Ends everything at once, for a start that failed. */
  abort(): void {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#transport?.destroy();
  }

  #attempt(): void {
    this.#state = 'registering';
    const epoch = ++this.#epoch;
    const registerId = this.#nextId();
    try {
      this.dial();
      this.#writer = (this.#transport as Transport).communicate({
        message: (message) => { if (epoch === this.#epoch) this.#receive(message, registerId); },
        closed: (status) => { if (epoch === this.#epoch) this.#lose(status); },
      });
    } catch (error) {
      this.#lose({ name: 'UNAVAILABLE', message: this.#transport?.failure ?? messageOf(error) });
      return;
    }
    const { domain, capabilities } = this.#options;
    const payload = JSON.stringify({ domain, capabilities });
    this.#writer.write(encodeDomainFrame({ domain, type: 'domain_register', payload, requestId: registerId }));
    this.#timer = setTimeout(() => {
      this.#lose({ name: 'DEADLINE_EXCEEDED', message: `no answer to the registration within ${REGISTER_TIMEOUT_MS / 1000} s` });
    }, REGISTER_TIMEOUT_MS);
  }

  #receive(message: RuntimeMessage, registerId: string): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'registering') {
      if (message.requestId !== registerId) return;
      if (message.success) this.#accepted(message);
      else this.#lose({ name: 'FAILED_PRECONDITION', message: message.error || 'the runtime gave no reason' });
      return;
    }
    if (!this.#pending.settle(message)) this.#events.message(message);
  }

  #accepted(message: RuntimeMessage): void {
    clearTimeout(this.#timer);
    this.#state = 'registered';
    this.#registeredAt = monotonicMs();
    if (this.#said) say(`${this.#options.domain} is registered with the runtime at ${this.#options.address}`);
    this.#said = '';
    this.#lostAt = undefined;
    this.#everRegistered = true;
    this.#events.registered(parseObject(message.payload));
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const waiter of waiters) waiter.resolve();
  }

  /** The one way out of a connection: dropped, refused, unreachable or silent. */
  #lose(status: Status): void {
    if (this.#state === 'closed' || this.#state === 'waiting') return;
    const was = this.#state;
    const now = monotonicMs();
    clearTimeout(this.#timer);
    this.#epoch++;
    this.#state = 'waiting';
    const transport = this.#transport;
    this.#transport = undefined;
    this.#writer = undefined;
    transport?.destroy();
    const { address, domain } = this.#options;
    this.#pending.failAll(new FulcrumError('DISCONNECTED', `the connection to the runtime at ${address} was lost before the answer came (${describeStatus(status)})`));
    if (was === 'registered') {
      if (now - (this.#registeredAt ?? now) >= STABLE_MS) this.#failures = 0;
      this.#events.lost();
    }
    if (isFinal(status)) {
      this.#fail(new FulcrumError('REFUSED', `the runtime at ${address} refuses domain "${domain}": ${describeStatus(status)}`));
      return;
    }
    this.#explain(was, status);
    this.#lostAt ??= now;
    if (now - this.#lostAt >= this.#options.giveUpAfterMs) {
      this.#fail(new FulcrumError('DISCONNECTED', `the runtime at ${address} has been away for ${Math.round((now - this.#lostAt) / 1000)} s (${describeStatus(status)}): giving up`));
      return;
    }
    this.#timer = setTimeout(() => this.#attempt(), backoffDelay(this.#failures++, Math.random()));
  }

  /** Each cause is told once, not at every retry. */
  #explain(was: State, status: Status): void {
    const { address, domain } = this.#options;
    let text: string;
    if (was === 'registered') text = `the connection of ${domain} to the runtime at ${address} was lost (${describeStatus(status)}): dialling again`;
    else if (isRefusal(status)) text = `the runtime at ${address} doesn't take domain "${domain}" now: ${describeStatus(status)}; asking again`;
    else text = `${domain} can't reach the runtime at ${address} (${status.message || status.name}): trying again until it is there`;
    if (text === this.#said) return;
    this.#said = text;
    say(text);
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
      const settle = (action: () => void) => () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        action();
      };
      const late = new FulcrumError('DISCONNECTED', `${what}: no connection to the runtime at ${this.#options.address} within ${timeoutMs} ms`);
      const waiter = { resolve: settle(resolve), reject: (error: Error) => settle(() => reject(error))() };
      const timer = setTimeout(() => waiter.reject(late), timeoutMs);
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

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
