/** What spans of the same kind of operation have in common. */
export interface SpanKind {
  name: string;
  kind: 'internal' | 'server' | 'client';
  attributes: Record<string, string | number | boolean>;
}

/** What is recorded of one span. Times are in milliseconds, with fractions. */
export interface RecordedSpan {
  trace: string;
  id: string;
  parent: string;
  start: number;
  duration: number;
  error: string | undefined;
}

/** The JSON of what spans of a kind have in common, which is written once for many of them. */
export function kindText({ name, kind, attributes }: SpanKind): string {
  return `"name":${JSON.stringify(name)},"kind":"${kind}","attributes":${JSON.stringify(attributes)}`;
}

/** The JSON of a span, as it is sent to the runtime. The ids are hexadecimal digits. */
export function spanText(kind: string, { trace, id, parent, start, duration, error }: RecordedSpan): string {
  const failure = error === undefined ? '' : `,"error":${JSON.stringify(error)}`;
  return `{"trace":"${trace}","id":"${id}","parent":"${parent}",${kind},"start":${start},"duration":${duration}${failure}}`;
}

/** How long a span waits for others. */
const DELAY_MS = 100;
/** Spans that are sent together. */
const BATCH = 256;
/** Spans that wait. Beyond it they are dropped and counted. */
const MAX_WAITING = 4_096;

/** Collects spans, and sends them together. */
export class SpanBuffer {
  readonly #send: (payload: string) => void;
  #spans: string[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #open = false;

  constructor(send: (payload: string) => void) {
    this.#send = send;
  }

  /** From now on spans can be sent. */
  open(): void {
    this.#open = true;
    if (this.#spans.length > 0) this.#schedule();
  }

  /** Until the next `open`, spans wait. */
  close(): void {
    this.#open = false;
  }

  /** Adds a span, by its JSON. */
  add(span: string): void {
    if (this.#spans.length >= MAX_WAITING) {
      this.#dropped++;
      return;
    }
    this.#spans.push(span);
    if (this.#open) this.#schedule();
  }

  /** Sends what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#open) return;
    while (this.#spans.length > 0) {
      const spans = this.#spans.splice(0, BATCH);
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.#send(`{"spans":[${spans.join(',')}],"dropped":${dropped}}`);
    }
  }

  /** Drops what waits: nobody takes it. */
  discard(): void {
    this.#spans = [];
  }

  #schedule(): void {
    // It does not keep the process alive: a stop flushes.
    this.#timer ??= setTimeout(() => this.flush(), DELAY_MS).unref();
  }
}
