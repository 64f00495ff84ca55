import { FulcrumError } from './errors.ts';
import type { RequestContext } from './handlers.ts';
import { Credit } from './parts.ts';
import type { RuntimeMessage } from './protobuf.ts';
import { parseTraceparent } from './trace/headers.ts';

/** The longest time of a timer, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * A request while its handler runs. What most handlers do not use, the signal and its timer, is
 * created on first use.
 */
export class RunningRequest implements RequestContext {
  readonly type: string;
  readonly requestId: string;
  readonly domain: string;
  readonly #traceparent: string;
  readonly #deadlineMs: number;
  /** In milliseconds of this process's uptime, and since 1970. */
  readonly #receivedAt: number;
  readonly #receivedDate: number;
  /** The room for parts of the response; undefined where the caller takes none. */
  readonly #credit: Credit | undefined;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reason: FulcrumError | undefined;
  #finished = false;

  constructor(request: RuntimeMessage, domain: string) {
    this.type = request.type;
    this.requestId = request.requestId;
    this.domain = domain;
    this.#traceparent = request.traceparent;
    this.#deadlineMs = request.deadlineMs;
    this.#credit = request.streamCredit > 0 ? new Credit(request.streamCredit) : undefined;
    this.#receivedAt = request.deadlineMs > 0 ? process.uptime() * 1000 : 0;
    this.#receivedDate = request.deadlineMs > 0 ? Date.now() : 0;
  }

  get traceId(): string | undefined {
    return parseTraceparent(this.#traceparent)?.traceId;
  }

  get deadline(): Date | undefined {
    return this.#deadlineMs > 0 ? new Date(this.#receivedDate + this.#deadlineMs) : undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
      else if (this.#deadlineMs > 0 && !this.#finished) this.#startTimer();
    }
    return this.#controller.signal;
  }

  /** The caller has given up. */
  cancel(reason: FulcrumError): void {
    if (this.#reason || this.#finished) return;
    this.#reason = reason;
    clearTimeout(this.#timer);
    this.#controller?.abort(reason);
    this.#credit?.close();
  }

  /** The room for parts of the response. Not a property that a handler sees. */
  static creditOf(request: RunningRequest): Credit | undefined {
    return request.#credit;
  }

  /** The handler has finished. */
  finish(): void {
    this.#finished = true;
    clearTimeout(this.#timer);
  }

  #startTimer(): void {
    const left = this.#receivedAt + this.#deadlineMs - process.uptime() * 1000;
    const expire = () => this.cancel(new FulcrumError('TIMEOUT', `the caller of ${this.type} waited ${this.#deadlineMs} ms and has given up`));
    if (left <= 0) expire();
    // It does not keep the process alive: nobody waits for the handler any more.
    else if (left <= MAX_TIMER_MS) this.#timer = setTimeout(expire, left).unref();
  }
}
