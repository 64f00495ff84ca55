import { messageOf } from './errors.ts';
import { decodeDomainFrame } from './protobuf.ts';
import type { DomainMessage, RuntimeMessage } from './protobuf.ts';
import { responseTypeOf } from './handlers.ts';
import { parseObject } from './json.ts';
import { collectParts, isParts } from './parts.ts';
import type { TestingHook } from './testing-hook.ts';
import type { RuntimeTransport, StreamEvents } from './transport.ts';

/** Responds to one type of message, in the place of a domain or of the runtime. An error that it throws is the response. */
export type Responder = (payload: any) => unknown;

/** Responses by message type. */
export type Responders = Record<string, Responder>;

/** A published event. */
export interface Published {
  topic: string;
  payload: any;
  /** The domain that has published it. */
  from: string;
}

/** A call to a domain that has not responded yet. */
interface Call {
  part(message: RuntimeMessage): void;
  done(message: RuntimeMessage): void;
  fail(error: Error): void;
}

/** A connected domain. */
interface Peer {
  send(message: RuntimeMessage): void;
  topics: Set<string>;
  /** The calls that it has to respond to. */
  calls: Set<string>;
}

/** How many parts of a response are under way at most. */
const CREDIT = 16;

/** Routes messages between the domains of one process, as the runtime does between processes. */
export class LocalRuntime {
  readonly published: Published[] = [];
  readonly #hook: TestingHook;
  readonly #runtime: Responders;
  readonly #responders = new Map<string, Responders>();
  readonly #peers = new Map<string, Peer>();
  readonly #calls = new Map<string, Call>();
  #ids = 0;

  constructor(hook: TestingHook, runtime: Responders) {
    this.#hook = hook;
    this.#runtime = runtime;
  }

  /** Responses in the place of a domain. */
  addResponders(domain: string, responders: Responders): void {
    this.#responders.set(domain, responders);
  }

  /** The connection of a domain. */
  transport(name: string): RuntimeTransport {
    let close: () => void = () => undefined;
    return {
      failure: undefined,
      openStream: (events) => {
        const { peer, closed } = this.#connect(name, events);
        close = closed;
        return {
          write: (frame) => this.#receive(name, peer, decodeDomainFrame(frame)),
          end: async () => closed(),
        };
      },
      unary: (frame, timeoutMs) => {
        const { domain, type, payload } = decodeDomainFrame(frame);
        const controller = new AbortController();
        const response = this.call(domain, type, payload === '' ? {} : JSON.parse(payload), timeoutMs, controller.signal);
        return { response, abandon: () => controller.abort() };
      },
      stream: (frame, timeoutMs, signal) => {
        const { domain, type, payload } = decodeDomainFrame(frame);
        return this.stream(domain, type, payload === '' ? {} : JSON.parse(payload), timeoutMs ?? 0, signal);
      },
      destroy: () => close(),
    };
  }

  /** One message to a domain, one response. Without a limit, `timeoutMs` is 0. */
  async call(domain: string, type: string, payload: unknown, timeoutMs: number, signal?: AbortSignal): Promise<RuntimeMessage> {
    signal?.throwIfAborted();
    const peer = this.#peers.get(domain);
    if (!peer) return this.#respond(this.#responders.get(domain), domain, type, payload);
    const { id, response } = this.#start(peer, type, payload, timeoutMs, 0, () => undefined);
    return this.#settle(peer, id, response, type, timeoutMs, signal);
  }

  /** One message to a domain, a response in parts. */
  async *stream(domain: string, type: string, payload: unknown, timeoutMs: number, signal?: AbortSignal): AsyncGenerator<RuntimeMessage, void> {
    signal?.throwIfAborted();
    const peer = this.#peers.get(domain);
    if (!peer) {
      yield* this.#respondInParts(domain, type, payload);
      return;
    }
    const parts: RuntimeMessage[] = [];
    let wake: (() => void) | undefined;
    const { id, response } = this.#start(peer, type, payload, timeoutMs, CREDIT, (part) => {
      parts.push(part);
      wake?.();
    });
    let ended = false;
    const end = this.#settle(peer, id, response, type, timeoutMs, signal).finally(() => {
      ended = true;
      wake?.();
    });
    // It is awaited below, unless the caller leaves the loop.
    end.catch(() => undefined);
    try {
      for (;;) {
        for (let part = parts.shift(); part; part = parts.shift()) {
          yield part;
          peer.send(message('credit', JSON.stringify({ parts: 1 }), id));
        }
        if (ended) break;
        await new Promise<void>((resolve) => { wake = resolve; });
      }
      const last = await end;
      if (!last.success || last.payload !== '') yield last;
    } finally {
      if (!ended) this.#cancel(peer, id);
    }
  }

  /** Sends an event to the domains that have subscribed to its topic. */
  publish(topic: string, payload: unknown, from: string): void {
    this.published.push({ topic, payload, from });
    const text = JSON.stringify({ topic, payload, from, missed: 0 });
    for (const peer of this.#peers.values()) if (peer.topics.has(topic)) peer.send(message('event', text, ''));
  }

  #connect(name: string, events: StreamEvents): { peer: Peer; closed: () => void } {
    let open = true;
    const peer: Peer = {
      // Later, as a message from another process.
      send: (sent) => queueMicrotask(() => { if (open) events.message(sent); }),
      topics: new Set(),
      calls: new Set(),
    };
    const closed = () => {
      if (!open) return;
      open = false;
      if (this.#peers.get(name) === peer) this.#peers.delete(name);
      for (const id of peer.calls) this.#calls.get(id)?.fail(new Error(`UNAVAILABLE: domain "${name}" has stopped`));
      events.closed({ name: 'OK', message: '' });
    };
    return { peer, closed };
  }

  /** A message of a domain. */
  #receive(name: string, peer: Peer, { type, payload, requestId, more }: DomainMessage): void {
    if (type === 'domain_register') {
      this.#peers.set(name, peer);
      peer.send(message('register_success', JSON.stringify({ status: 'registered' }), requestId));
      return;
    }
    const call = this.#calls.get(requestId);
    if (call) {
      const response = fromDomain(type, payload, requestId);
      if (more) call.part(response);
      else call.done(response);
      return;
    }
    // A late response, or a notification.
    if (type.endsWith('_response') || requestId === '' || type === 'heartbeat') return;
    void this.#request(name, peer, type, parseObject(payload)).then((response) => peer.send({ ...response, requestId }));
  }

  /** A request of a domain to the runtime itself. */
  async #request(name: string, peer: Peer, type: string, payload: Record<string, unknown>): Promise<RuntimeMessage> {
    const topics = Array.isArray(payload.topics) ? payload.topics.map(String) : [];
    if (type === 'event_publish') this.publish(String(payload.topic), payload.payload, name);
    else if (type === 'event_subscribe') for (const topic of topics) peer.topics.add(topic);
    else if (type === 'event_unsubscribe') for (const topic of topics) peer.topics.delete(topic);
    else return this.#respond(this.#runtime, undefined, type, payload);
    return message(responseTypeOf(type), '{"success":true}', '');
  }

  /** The response of a function of the test. */
  async #respond(responders: Responders | undefined, domain: string | undefined, type: string, payload: unknown): Promise<RuntimeMessage> {
    const responder = responders?.[type];
    if (!responder) return failed(unknown(responders, domain, type));
    try {
      const result: unknown = await responder(payload);
      return fromDomain(responseTypeOf(type), JSON.stringify(isParts(result) ? await collectParts(result) : result) ?? '{}', '');
    } catch (error) {
      return failed(messageOf(error));
    }
  }

  async *#respondInParts(domain: string, type: string, payload: unknown): AsyncGenerator<RuntimeMessage, void> {
    const responder = this.#responders.get(domain)?.[type];
    const result: unknown = responder && isGenerator(responder) ? responder(payload) : undefined;
    if (!isParts(result)) {
      yield await this.#respond(this.#responders.get(domain), domain, type, payload);
      return;
    }
    for await (const part of result) yield message(responseTypeOf(type), JSON.stringify(part) ?? '{}', '');
  }

  #start(peer: Peer, type: string, payload: unknown, timeoutMs: number, streamCredit: number, part: Call['part']): { id: string; response: Promise<RuntimeMessage> } {
    const id = `test:${++this.#ids}`;
    const response = new Promise<RuntimeMessage>((done, fail) => this.#calls.set(id, { part, done, fail }));
    peer.calls.add(id);
    // The caller gives up first, as its timeout is what the test sees.
    const deadlineMs = timeoutMs > 0 ? timeoutMs + 1 : 0;
    peer.send({ ...message(type, JSON.stringify(payload) ?? '{}', id), deadlineMs, streamCredit });
    return { id, response };
  }

  /** The response, unless the caller gives up before. */
  async #settle(peer: Peer, id: string, response: Promise<RuntimeMessage>, type: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<RuntimeMessage> {
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    const givenUp = new Promise<never>((_, reject) => {
      const giveUp = (reason: unknown) => {
        this.#cancel(peer, id);
        reject(reason as Error);
      };
      if (timeoutMs > 0) timer = setTimeout(() => giveUp(new this.#hook.FulcrumError('TIMEOUT', `${type}: no response within ${timeoutMs} ms`)), timeoutMs);
      onAbort = () => giveUp(signal?.reason);
      signal?.addEventListener('abort', onAbort);
    });
    try {
      return await Promise.race([response, givenUp]);
    } finally {
      clearTimeout(timer);
      if (onAbort) signal?.removeEventListener('abort', onAbort);
      this.#calls.delete(id);
      peer.calls.delete(id);
    }
  }

  /** Tells the domain that nobody waits for its response any more. */
  #cancel(peer: Peer, id: string): void {
    if (this.#calls.has(id)) peer.send(message('cancel', '', id));
  }
}

function message(type: string, payload: string, requestId: string): RuntimeMessage {
  return { type, payload, requestId, success: true, error: '', deadlineMs: 0, streamCredit: 0, traceparent: '', tracestate: '', baggage: '' };
}

function failed(error: string): RuntimeMessage {
  return { ...message('error', '', ''), success: false, error };
}

/** A response is a failure if its payload says so. */
function fromDomain(type: string, payload: string, requestId: string): RuntimeMessage {
  const body = parseObject(payload);
  const response = message(type, payload, requestId);
  if (body.success !== false) return response;
  return { ...response, success: false, error: typeof body.error === 'string' ? body.error : 'a failure without a reason' };
}

/** Why nothing responds, and what to do. */
function unknown(responders: Responders | undefined, domain: string | undefined, type: string): string {
  if (domain === undefined) return `Unknown message type: ${type} (add it to the option \`runtime\` of startDomain)`;
  if (!responders) return `unknown domain "${domain}" (add it to the option \`domains\` of startDomain)`;
  return `Unknown message type: ${type} (domain ${domain} of this test responds to ${Object.keys(responders).sort().join(', ') || 'nothing'})`;
}

function isGenerator(responder: Responder): boolean {
  return responder.constructor.name === 'AsyncGeneratorFunction';
}
