import { FulcrumError, messageOf } from './errors.ts';
import { responseTypeOf } from './handlers.ts';
import type { Handler } from './handlers.ts';
import { collectParts, isParts, sendParts } from './parts.ts';
import type { RuntimeMessage } from './protobuf.ts';
import { RunningRequest } from './request.ts';
import type { Tracing } from './trace/tracing.ts';

/** Sends a response, or a part of one that others follow: type, payload as JSON, request id. */
export type Reply = (type: string, payload: string, requestId: string, more?: boolean) => void;

/** A request whose handler runs. */
interface Running {
  context: RunningRequest;
  /** Responds in its place, because the process is being stopped. */
  stop(): void;
}

/** What came of a handler. */
interface Result {
  payload: string;
  /** Why it failed, if it did. */
  error?: string;
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
    const { type, requestId } = request;
    let responded = false;
    const respond = (payload: string, more = false) => {
      if (responded) return;
      responded = !more;
      reply(responseTypeOf(type), payload, requestId, more);
    };
    if (this.#draining) {
      // The runtime sends a request with this code to the next process of this domain.
      respond(failure(new Error(`${this.#domain} is draining and accepts no new requests`), 'DRAINING'));
      return;
    }
    const method = this.#handlers.get(type);
    if (method === undefined) {
      respond(failure(new Error(this.#unknownType(type))));
      return;
    }
    const context = new RunningRequest(request, this.#domain);
    const stop = () => respond(failure(new Error(`${this.#domain} was stopped before ${type} was finished`), 'UNAVAILABLE'));
    this.#running.set(requestId, { context, stop });
    const run = () => this.#run(method, request, context, (part) => respond(part, true));
    void this.#tracing.handle(type, request, run, ({ error }) => error).then(({ payload }) => {
      respond(payload);
      context.finish();
      this.#running.delete(requestId);
      if (this.#running.size === 0) this.#idle?.();
    });
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
    for (const { stop } of running) stop();
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

  /** The payload of the response, or of its last message if it comes in parts. */
  async #run(method: string, { payload }: RuntimeMessage, context: RunningRequest, sendPart: (payload: string) => void): Promise<Result> {
    try {
      const handler = (this.#target as Record<string, Handler>)[method] as Handler;
      const result: unknown = await handler.call(this.#target, parsePayload(payload), context);
      if (isParts(result)) {
        const credit = RunningRequest.creditOf(context);
        if (credit === undefined) return { payload: JSON.stringify(await collectParts(result)) };
        await sendParts(result, credit, (part) => sendPart(JSON.stringify(part) ?? '{}'));
        return { payload: '' };
      }
      return { payload: JSON.stringify(result) ?? '{}' };
    } catch (error) {
      return { payload: failure(error), error: messageOf(error) };
    }
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
