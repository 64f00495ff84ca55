import { messageOf } from './errors.ts';
import { responseTypeOf } from './handlers.ts';
import type { Handler } from './handlers.ts';
import type { RuntimeMessage } from './protobuf.ts';

/** Sends an answer: type, payload as JSON, request id. */
export type Reply = (type: string, payload: string, requestId: string) => void;

/** Brings requests to their handlers, and knows which are still at work. */
export class Dispatcher {
  readonly #target: object;
  readonly #domain: string;
  readonly #handlers: ReadonlyMap<string, string>;
  readonly #running = new Set<() => void>();
  #draining = false;
  #idle: (() => void) | undefined;

  constructor(target: object, domain: string, handlers: ReadonlyMap<string, string>) {
    this.#target = target;
    this.#domain = domain;
    this.#handlers = handlers;
  }

  /** Answers a request, exactly once; never throws. */
  dispatch(request: RuntimeMessage, reply: Reply): void {
    const { type, requestId } = request;
    let answered = false;
    const answer = (payload: string) => {
      if (answered) return;
      answered = true;
      reply(responseTypeOf(type), payload, requestId);
    };
    if (this.#draining) {
      answer(failure(new Error(`${this.#domain} is draining: it stops and takes no new requests`)));
      return;
    }
    const method = this.#handlers.get(type);
    if (method === undefined) {
      answer(failure(new Error(this.#unknown(type))));
      return;
    }
    const expire = () => answer(failure(new Error(`${this.#domain} was stopped before ${type} was done`)));
    this.#running.add(expire);
    void this.#run(method, request)
      .then(answer)
      .finally(() => {
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
  async drain(deadlineMs: number): Promise<number> {
    this.#draining = true;
    if (this.#running.size === 0) return 0;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      timer = setTimeout(resolve, deadlineMs);
    });
    clearTimeout(timer);
    const left = [...this.#running];
    for (const expire of left) expire();
    return left.length;
  }

  get draining(): boolean {
    return this.#draining;
  }

  async #run(method: string, { type, payload, requestId }: RuntimeMessage): Promise<string> {
    try {
      const handler = (this.#target as Record<string, Handler>)[method] as Handler;
      const result: unknown = await handler.call(this.#target, parsePayload(payload), { type, requestId, domain: this.#domain });
      return JSON.stringify(result) ?? '{}';
    } catch (error) {
      return failure(error);
    }
  }

  #unknown(type: string): string {
    const known = [...this.#handlers.keys()].sort();
    const names = known.length > 0 ? `it answers ${known.join(', ')}` : 'it has no handlers';
    return `Unknown message type: ${type} (domain ${this.#domain}: ${names})`;
  }
}

function parsePayload(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the payload isn't JSON: ${messageOf(error)}`);
  }
}

/** The payload of a failed answer. A string or number `code` on the error goes with it. */
function failure(error: unknown): string {
  const code: unknown = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  const known = typeof code === 'string' || typeof code === 'number' ? { code } : {};
  return JSON.stringify({ success: false, error: messageOf(error), ...known });
}
