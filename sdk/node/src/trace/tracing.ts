import { AsyncLocalStorage } from 'node:async_hooks';
import { messageOf } from '../errors.ts';
import { formatTraceparent, newSpanId, parseTraceparent } from './headers.ts';
import type { TraceContext, TraceHeaders } from './headers.ts';
import { OpenTelemetry } from './open-telemetry.ts';
import { kindText, spanText } from './span-buffer.ts';
import type { SpanBuffer, SpanKind } from './span-buffer.ts';

type Attributes = SpanKind['attributes'];

/** Where the code that runs is in a trace. */
interface Active extends TraceContext {
  tracestate: string;
  baggage: string;
}

/** How far a clock may be set before spans follow it, in milliseconds. */
const CLOCK_TOLERANCE_MS = 50;

/** Created by the first request that belongs to a trace: in some versions of Node it costs time. */
let storage: AsyncLocalStorage<Active> | undefined;

/** The moment of the uptime 0, in milliseconds since 1970. */
let origin = performance.timeOrigin;

/** Now, in milliseconds since 1970 with fractions. */
function now(): number {
  const time = performance.now();
  if (Math.abs(origin + time - Date.now()) > CLOCK_TOLERANCE_MS) origin = Date.now() - time;
  return origin + time;
}

/**
 * Follows the traces of requests: through handlers to the calls that they make, whether or not anybody
 * records them. Spans are recorded by the app's OpenTelemetry if it has one; otherwise here, for the
 * runtime, if it takes them.
 */
export class Tracing {
  readonly #domain: string;
  readonly #spans: SpanBuffer;
  /** What the spans of each handler have in common. */
  readonly #handlers = new Map<string, string>();
  /** Whether the runtime takes spans; undefined until it says so. */
  #recording: boolean | undefined;

  constructor(domain: string, spans: SpanBuffer) {
    this.#domain = domain;
    this.#spans = spans;
  }

  /** What the runtime has said at the registration. */
  set recording(recording: boolean) {
    this.#recording = recording;
    if (recording) {
      this.#spans.open();
    } else {
      this.#spans.close();
      this.#spans.discard();
    }
  }

  /** The connection is lost: spans wait for the next one. */
  pause(): void {
    this.#spans.close();
  }

  /** Sends what waits. */
  flush(): void {
    this.#spans.flush();
  }

  /** Runs the handler of a request. `errorOf` is the error in its result, if there is one. */
  handle<T>(name: string, headers: TraceHeaders, run: () => Promise<T>, errorOf: (result: T) => string | undefined): Promise<T> {
    const openTelemetry = OpenTelemetry.find();
    if (openTelemetry) return openTelemetry.handle(name, this.#attributesOf(name), headers, run, errorOf);
    const parent = parseTraceparent(headers.traceparent);
    if (!parent) return run();
    const { tracestate, baggage } = headers;
    if (!this.#records(parent)) return enter({ ...parent, tracestate, baggage }, run);
    let kind = this.#handlers.get(name);
    if (kind === undefined) {
      kind = kindText({ name, kind: 'server', attributes: this.#attributesOf(name) });
      this.#handlers.set(name, kind);
    }
    return this.#record(kind, { ...parent, tracestate, baggage }, run, errorOf);
  }

  /** Runs `onStart`, which belongs to the trace of the start. */
  starting(traceparent: string | undefined, run: () => void | Promise<void>): void | Promise<void> {
    const parent = parseTraceparent(traceparent);
    if (!parent?.sampled || OpenTelemetry.find()) return run();
    const kind = kindText({ name: 'onStart', kind: 'internal', attributes: { 'fulcrum.domain': this.#domain } });
    return this.#record(kind, { ...parent, tracestate: '', baggage: '' }, async () => run(), () => undefined);
  }

  /** Makes a call; `run` gets the headers to send. */
  call<T>(name: string, attributes: Attributes, run: (headers: Record<string, string>) => Promise<T>): Promise<T> {
    const openTelemetry = OpenTelemetry.find();
    if (openTelemetry) return openTelemetry.call(name, attributes, run);
    const active = storage?.getStore();
    if (!active) return run({});
    if (!this.#records(active)) return run(headersOf(active));
    return this.#record(kindText({ name, kind: 'client', attributes }), active, (own) => run(headersOf(own)), () => undefined);
  }

  /** The headers of a call whose response comes in parts. */
  headers(): Record<string, string> {
    const openTelemetry = OpenTelemetry.find();
    if (openTelemetry) return openTelemetry.headers();
    const active = storage?.getStore();
    return active ? headersOf(active) : {};
  }

  #records({ sampled }: TraceContext): boolean {
    return sampled && this.#recording === true;
  }

  #attributesOf(handler: string): Attributes {
    return { 'rpc.system.name': 'fulcrum', 'rpc.method': `${this.#domain}/${handler}` };
  }

  /** `kind` is what the span has in common with others. */
  async #record<T>(
    kind: string,
    parent: Active,
    run: (own: Active) => Promise<T>,
    errorOf: (result: T) => string | undefined,
  ): Promise<T> {
    const own: Active = { ...parent, spanId: newSpanId() };
    const start = now();
    let error: string | undefined;
    try {
      const result = await enter(own, () => run(own));
      error = errorOf(result);
      return result;
    } catch (thrown) {
      error = messageOf(thrown);
      throw thrown;
    } finally {
      this.#spans.add(spanText(kind, { trace: own.traceId, id: own.spanId, parent: parent.spanId, start, duration: now() - start, error }));
    }
  }
}

function enter<T>(active: Active, run: () => T): T {
  return (storage ??= new AsyncLocalStorage()).run(active, run);
}

function headersOf(active: Active): Record<string, string> {
  const headers: Record<string, string> = { traceparent: formatTraceparent(active) };
  if (active.tracestate !== '') headers.tracestate = active.tracestate;
  if (active.baggage !== '') headers.baggage = active.baggage;
  return headers;
}
