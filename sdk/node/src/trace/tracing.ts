import { hasForm, isSampled, normalTraceparent } from './headers.ts';
import type { TraceHeaders } from './headers.ts';
import { OpenTelemetry } from './open-telemetry.ts';
import { Place, Span, activePlace, record } from './place.ts';
import type { HandlerTrace } from './place.ts';
import { kindText } from './span-buffer.ts';
import type { SpanBuffer, SpanKind } from './span-buffer.ts';

type Attributes = SpanKind['attributes'];

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

  /** What the runtime has said at the registration: whether it takes spans, and reads tables of them. */
  setRecording(recording: boolean, tables: boolean): void {
    this.#recording = recording;
    if (recording) {
      this.#spans.open(tables);
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

  /**
   * The trace of a request's handler; undefined if it belongs to none. There is no promise in between:
   * each costs a microsecond where Node follows asynchronous code by hooks.
   */
  handle(name: string, headers: TraceHeaders): HandlerTrace | undefined {
    const openTelemetry = OpenTelemetry.find();
    if (openTelemetry) return openTelemetry.handle(name, this.#attributesOf(name), headers);
    const { traceparent, tracestate, baggage } = headers;
    if (traceparent === '') return undefined;
    const parent = this.#recording === true && hasForm(traceparent) ? traceparent : normalTraceparent(traceparent);
    if (parent === undefined) return undefined;
    if (!this.#records(parent)) return new Place(parent, tracestate, baggage);
    let kind = this.#handlers.get(name);
    if (kind === undefined) {
      kind = kindText({ name, kind: 'server', attributes: this.#attributesOf(name) });
      this.#handlers.set(name, kind);
    }
    return new Span(this.#spans, kind, parent, tracestate, baggage);
  }

  /** Runs `onStart`, which belongs to the trace of the start. */
  starting(traceparent: string | undefined, run: () => void | Promise<void>): void | Promise<void> {
    const parent = normalTraceparent(traceparent);
    if (parent === undefined || !isSampled(parent) || OpenTelemetry.find()) return run();
    const kind = kindText({ name: 'onStart', kind: 'internal', attributes: { 'fulcrum.domain': this.#domain } });
    return record(new Span(this.#spans, kind, parent, '', ''), async () => run());
  }

  /** Makes a call; `run` gets the headers to send. */
  call<T>(name: string, attributes: Attributes, run: (headers: Record<string, string>) => Promise<T>): Promise<T> {
    const openTelemetry = OpenTelemetry.find();
    if (openTelemetry) return openTelemetry.call(name, attributes, run);
    const active = activePlace();
    if (!active) return run({});
    const parent = active.traceparent;
    if (!this.#records(parent)) return run(active.headers());
    const own = new Span(this.#spans, kindText({ name, kind: 'client', attributes }), parent, active.tracestate, active.baggage);
    return record(own, () => run(own.headers()));
  }

  /** The headers of a call whose response comes in parts. */
  headers(): Record<string, string> {
    const openTelemetry = OpenTelemetry.find();
    if (openTelemetry) return openTelemetry.headers();
    return activePlace()?.headers() ?? {};
  }

  #records(traceparent: string): boolean {
    return this.#recording === true && isSampled(traceparent);
  }

  #attributesOf(handler: string): Attributes {
    return { 'rpc.system.name': 'fulcrum', 'rpc.method': `${this.#domain}/${handler}` };
  }
}
