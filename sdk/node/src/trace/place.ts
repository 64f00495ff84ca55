import { AsyncLocalStorage } from 'node:async_hooks';
import { messageOf } from '../errors.ts';
import { hexOf, newHalfId, traceOf } from './headers.ts';
import type { RecordedSpan, SpanBuffer } from './span-buffer.ts';

/** The trace of a handler, or of another operation, while it runs. */
export interface HandlerTrace {
  /** Runs the handler, or code that continues its work. */
  run<T>(code: () => T): T;
  /** The handler has ended, with this error if it has failed. */
  end(error: string | undefined): void;
}

/** How far a clock may be set before spans follow it, in milliseconds. */
const CLOCK_TOLERANCE_MS = 50;

/** Created by the first request that belongs to a trace: in some versions of Node it costs time. */
let storage: AsyncLocalStorage<Place> | undefined;

/** The moment of the uptime 0, in milliseconds since 1970. */
let origin = performance.timeOrigin;

/** Where the code that runs is in a trace. */
export class Place implements HandlerTrace {
  /** The header of version 00 that came with the request, or names the span that this one is part of. */
  readonly parent: string;
  readonly tracestate: string;
  readonly baggage: string;

  constructor(parent: string, tracestate: string, baggage: string) {
    this.parent = parent;
    this.tracestate = tracestate;
    this.baggage = baggage;
  }

  /** The header of version 00 that names this place. */
  get traceparent(): string {
    return this.parent;
  }

  run<T>(code: () => T): T {
    return (storage ??= new AsyncLocalStorage()).run(this, code);
  }

  end(_error: string | undefined): void {}

  /** The headers of a message that is sent from here. */
  headers(): Record<string, string> {
    const headers: Record<string, string> = { traceparent: this.traceparent };
    if (this.tracestate !== '') headers.tracestate = this.tracestate;
    if (this.baggage !== '') headers.baggage = this.baggage;
    return headers;
  }
}

/**
 * A span that is recorded, from its creation to its end. It is made for each request, so its id is
 * numbers, which are written as digits only for who needs them.
 */
export class Span extends Place implements RecordedSpan {
  readonly high = newHalfId();
  readonly low = newHalfId();
  readonly start: number;
  duration = 0;
  error: string | undefined = undefined;
  readonly #spans: SpanBuffer;
  readonly #kind: string;
  readonly #began: number;

  constructor(spans: SpanBuffer, kind: string, parent: string, tracestate: string, baggage: string) {
    super(parent, tracestate, baggage);
    this.#spans = spans;
    this.#kind = kind;
    this.#began = performance.now();
    const now = Date.now();
    if (Math.abs(origin + this.#began - now) > CLOCK_TOLERANCE_MS) origin = now - this.#began;
    this.start = origin + this.#began;
  }

  override get traceparent(): string {
    return `00-${traceOf(this.parent)}-${hexOf(this.high)}${hexOf(this.low)}-01`;
  }

  override end(error: string | undefined): void {
    this.duration = performance.now() - this.#began;
    this.error = error;
    this.#spans.add(this.#kind, this);
  }
}

/** Where the code that runs now is. */
export function activePlace(): Place | undefined {
  return storage?.getStore();
}

/** Runs an operation in its span. */
export async function record<T>(span: HandlerTrace, run: () => Promise<T>): Promise<T> {
  let error: string | undefined;
  try {
    return await span.run(run);
  } catch (thrown) {
    error = messageOf(thrown);
    throw thrown;
  } finally {
    span.end(error);
  }
}
