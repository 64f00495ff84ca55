import { FulcrumError, messageOf } from './errors.ts';
import { responseTypeOf } from './handlers.ts';
import type { Handler } from './handlers.ts';
import { collectParts, isParts, sendParts } from './parts.ts';
import type { RuntimeMessage } from './protobuf.ts';
import { RunningRequest } from './request.ts';
import type { HandlerTrace } from './trace/place.ts';
import type { Tracing } from './trace/tracing.ts';

/** Sends a response, or a part of one that others follow: type, payload as JSON, request id. */
export type Reply = (type: string, payload: string, requestId: string, more?: boolean) => void;

/** The response to a request, which is sent once. */
class Responder {
  readonly #request: RuntimeMessage;
  readonly #reply: Reply;
  #responded = false;

  constructor(request: RuntimeMessage, reply: Reply) {
    this.#request = request;
    this.#reply = reply;
  }

  /** Sends the response, or a part of it that others follow. Nothing follows the response. */
  respond(payload: string, more = false): void {
    if (this.#responded) return;
    this.#responded = !more;
    const { type, requestId } = this.#request;
    this.#reply(responseTypeOf(type), payload, requestId, more);
  }
}

/** A request whose handler runs. */
interface Running {
  context: RunningRequest;
  responder: Responder;
  /** The trace that it belongs to, if there is one. */
  trace: HandlerTrace | undefined;
}

/** Dispatches requests to their handlers, and tracks those that are running. */
export class Dispatcher {
  readonly #target: object;
  readonly #domain: string;
  readonly #handlers: ReadonlyMap<string, string>;
  readonly #tracing: Tracing;
  readonly #running = new Map<string, Running>();
  #draining = false;
  #idle: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(target: object, domain: string, handlers: ReadonlyMap<string, string>, tracing: Tracing) {
    this.#target = target;
    this.#domain = domain;
    this.#handlers = handlers;
    this.#tracing = tracing;
  }

  /** Responds to a request exactly once; never throws. */
  dispatch(request: RuntimeMessage, reply: Reply): void {
    const { type } = request;
    const responder = new Responder(request, reply);
    if (this.#draining) {
      // The runtime sends a request with this code to the next process of this domain.
      responder.respond(failure(new Error(`${this.#domain} is draining and accepts no new requests`), 'DRAINING'));
      return;
    }
    const method = this.#handlers.get(type);
    if (method === undefined) {
      responder.respond(failure(new Error(this.#unknownType(type))));
      return;
    }
    const context = new RunningRequest(request, this.#domain);
    const running = { context, responder, trace: this.#tracing.handle(type, request) };
    this.#running.set(request.requestId, running);
    this.#run(running, method, request.payload);
  }

  /** The caller of a request has given up. */
  cancel(requestId: string): void {
    const running = this.#running.get(requestId);
    running?.context.cancel(new FulcrumError('CANCELLED', `the caller of ${running.context.type} has given up`));
  }

  /**
   * Accepts no more requests and waits for the running ones, at most `deadlineMs`.
   * Those that are not finished by then get an error response.
   *
   * @returns how many were not finished in time
   */
  async drain(deadlineMs: number): Promise<number> {
    this.#draining = true;
    if (this.#running.size === 0) return 0;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      this.setDeadline(deadlineMs);
    });
    clearTimeout(this.#timer);
    const running = [...this.#running.values()];
    for (const { context, responder } of running) {
      responder.respond(failure(new Error(`${this.#domain} was stopped before ${context.type} was finished`), 'UNAVAILABLE'));
    }
    return running.length;
  }

  /** Changes the deadline of a drain that is in progress, in milliseconds from now. */
  setDeadline(deadlineMs: number): void {
    if (!this.#idle) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#idle, deadlineMs);
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Calls a handler, and responds with what it returns: at once, unless it has to be waited for. */
  #run(running: Running, method: string, payload: string): void {
    const { context, trace } = running;
    const handle = () => awaitable(((this.#target as Record<string, Handler>)[method] as Handler).call(this.#target, parsePayload(payload), context));
    let result: unknown;
    try {
      result = trace ? trace.run(handle) : handle();
    } catch (error) {
      this.#failed(running, error);
      return;
    }
    if (result instanceof Promise) void result.then((value) => this.#returned(running, value), (error) => this.#failed(running, error));
    else this.#returned(running, result);
  }

  /** A handler has returned its result. */
  #returned(running: Running, result: unknown): void {
    let payload: string;
    try {
      if (isParts(result)) {
        const send = () => this.#respondInParts(running, result);
        // What the generator does belongs to the trace.
        void (running.trace ? running.trace.run(send) : send()).then((last) => this.#finish(running, last, undefined), (error) => this.#failed(running, error));
        return;
      }
      payload = JSON.stringify(result) ?? '{}';
    } catch (error) {
      this.#failed(running, error);
      return;
    }
    this.#finish(running, payload, undefined);
  }

  #failed(running: Running, error: unknown): void {
    this.#finish(running, failure(error), messageOf(error));
  }

  /** The payload of the last message of a response in parts, after all others. */
  async #respondInParts({ context, responder }: Running, parts: AsyncIterable<unknown>): Promise<string> {
    const credit = RunningRequest.creditOf(context);
    if (credit === undefined) return JSON.stringify(await collectParts(parts));
    await sendParts(parts, credit, (part) => responder.respond(JSON.stringify(part) ?? '{}', true));
    return '';
  }

  #finish({ context, responder, trace }: Running, payload: string, error: string | undefined): void {
    trace?.end(error);
    responder.respond(payload);
    context.finish();
    this.#running.delete(context.requestId);
    if (this.#running.size === 0) this.#idle?.();
  }

  /** The caller of a request has room for more parts of the response. */
  grant(requestId: string, parts: unknown): void {
    const running = this.#running.get(requestId);
    if (running && typeof parts === 'number' && parts > 0) RunningRequest.creditOf(running.context)?.grant(parts);
  }

  #unknownType(type: string): string {
    const known = [...this.#handlers.keys()].sort();
    const names = known.length > 0 ? `it handles ${known.join(', ')}` : 'it has no handlers';
    return `Unknown message type: ${type} (domain ${this.#domain}: ${names})`;
  }
}

/** A promise for a result that has to be waited for, such as a query, which may begin only then; else the result. */
function awaitable(result: unknown): unknown {
  const isThenable = ((typeof result === 'object' && result !== null) || typeof result === 'function') && typeof (result as { then?: unknown }).then === 'function';
  return isThenable ? Promise.resolve(result) : result;
}

function parsePayload(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the payload is not JSON: ${messageOf(error)}`);
  }
}

/** The payload of an error response. It includes a string or number `code`, by default that of the error. */
function failure(error: unknown, code: unknown = error instanceof Error ? (error as { code?: unknown }).code : undefined): string {
  const known = typeof code === 'string' || typeof code === 'number' ? { code } : {};
  return JSON.stringify({ success: false, error: messageOf(error), ...known });
}
