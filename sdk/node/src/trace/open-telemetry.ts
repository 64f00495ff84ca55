import type { TraceHeaders } from './headers.ts';
import { record } from './place.ts';
import type { HandlerTrace } from './place.ts';

/*
 * The parts of `@opentelemetry/api` that are used here. The package puts what the app registers on
 * `globalThis` under a symbol that is the same for all its versions, so nothing needs to be imported.
 */

interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
}

interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

interface Span {
  spanContext(): SpanContext;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

interface Tracer {
  startSpan(name: string, options: { kind: number; attributes: Record<string, unknown> }, context: Context): Span;
}

interface Api {
  trace?: { getTracer(name: string, version?: string): Tracer };
  context?: { active(): Context; with<T>(context: Context, run: () => T): T };
  propagation?: {
    extract(context: Context, carrier: unknown, getter: { get(carrier: any, key: string): string | undefined; keys(carrier: any): string[] }): Context;
    inject(context: Context, carrier: unknown, setter: { set(carrier: any, key: string, value: string): void }): void;
  };
}

const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');

const SERVER = 1;
const CLIENT = 2;
const ERROR = 2;

const getter = {
  get: (carrier: Record<string, string>, key: string) => carrier[key] || undefined,
  keys: (carrier: Record<string, string>) => Object.keys(carrier),
};
const setter = { set: (carrier: Record<string, string>, key: string, value: string) => { carrier[key] = value; } };

/** The app's OpenTelemetry, if it has registered one that records spans. */
export class OpenTelemetry {
  readonly #context: NonNullable<Api['context']>;
  readonly #propagation: Api['propagation'];
  readonly #tracer: Tracer;

  private constructor(context: NonNullable<Api['context']>, propagation: Api['propagation'], tracer: Tracer) {
    this.#context = context;
    this.#propagation = propagation;
    this.#tracer = tracer;
  }

  /** What the app has registered until now. */
  static find(): OpenTelemetry | undefined {
    const api = (globalThis as Record<symbol, unknown>)[API] as Api | undefined;
    const { trace, context, propagation } = api ?? {};
    if (!trace || !context) return undefined;
    return (found ??= new OpenTelemetry(context, propagation, trace.getTracer('@fulcrum/domain')));
  }

  /** The span of a request's handler, below the caller's. */
  handle(name: string, attributes: Record<string, unknown>, headers: TraceHeaders): HandlerTrace {
    const active = this.#context.active();
    const parent = this.#propagation?.extract(active, headers, getter) ?? active;
    return this.#start(name, { kind: SERVER, attributes }, parent).trace;
  }

  /** Makes a call in a span; `run` gets the headers to send. */
  async call<T>(name: string, attributes: Record<string, unknown>, run: (headers: Record<string, string>) => Promise<T>): Promise<T> {
    const { trace, context } = this.#start(name, { kind: CLIENT, attributes }, this.#context.active());
    return record(trace, () => run(this.#headers(context)));
  }

  /** The headers of a call that has no span of its own. */
  headers(): Record<string, string> {
    return this.#headers(this.#context.active());
  }

  #start(name: string, options: { kind: number; attributes: Record<string, unknown> }, parent: Context): { trace: HandlerTrace; context: Context } {
    const span = this.#tracer.startSpan(name, options, parent);
    const context = parent.setValue(SPAN, span);
    const trace: HandlerTrace = {
      run: (code) => this.#context.with(context, code),
      end: (error) => {
        if (error !== undefined) span.setStatus({ code: ERROR, message: error });
        span.end();
      },
    };
    return { trace, context };
  }

  #headers(context: Context): Record<string, string> {
    const headers: Record<string, string> = {};
    this.#propagation?.inject(context, headers, setter);
    const span = context.getValue(SPAN) as Span | undefined;
    if (headers.traceparent === undefined && span) {
      const { traceId, spanId, traceFlags } = span.spanContext();
      headers.traceparent = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
    }
    return headers;
  }
}

let found: OpenTelemetry | undefined;
