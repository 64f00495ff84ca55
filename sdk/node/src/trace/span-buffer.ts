import { hexOf, spanOf, traceOf } from './headers.ts';

/** What spans of the same kind of operation have in common. */
export interface SpanKind {
  name: string;
  kind: 'internal' | 'server' | 'client';
  attributes: Record<string, string | number | boolean>;
}

/** What is recorded of one span. Times are in milliseconds, with fractions. */
export interface RecordedSpan {
  /** The header of version 00 that names the trace and the span's parent. */
  parent: string;
  /** The halves of its own id. */
  high: number;
  low: number;
  start: number;
  duration: number;
  error: string | undefined;
}

/** The JSON of what spans of a kind have in common, which is written once for many of them. */
export function kindText({ name, kind, attributes }: SpanKind): string {
  return `"name":${JSON.stringify(name)},"kind":"${kind}","attributes":${JSON.stringify(attributes)}`;
}

/** How long a span waits for others. */
const DELAY_MS = 100;
/** Spans that are sent together. */
const BATCH = 256;
/** Batches that wait. What does not fit is dropped and counted. */
const MAX_BATCHES = 16;

/** A row is the number of its kind in 2 bytes, the id, and begin and duration as doubles. */
const ROW_BYTES = 26;
const ID = 2;
const START = 10;
const DURATION = 18;

/** Spans that are sent together. What waits takes few objects, since each would be moved by the garbage collector. */
class Batch {
  readonly #bytes = Buffer.allocUnsafeSlow(BATCH * ROW_BYTES);
  readonly #rows = new DataView(this.#bytes.buffer);
  readonly #parents: string[] = [];
  readonly #kinds = new Map<string, number>();
  readonly #errors: [number, string][] = [];

  get length(): number {
    return this.#parents.length;
  }

  add(kind: string, { parent, high, low, start, duration, error }: RecordedSpan): void {
    let index = this.#kinds.get(kind);
    if (index === undefined) this.#kinds.set(kind, (index = this.#kinds.size));
    const at = this.length * ROW_BYTES;
    const rows = this.#rows;
    rows.setUint16(at, index);
    rows.setInt32(at + ID, high);
    rows.setInt32(at + ID + 4, low);
    rows.setFloat64(at + START, start);
    rows.setFloat64(at + DURATION, duration);
    if (error !== undefined) this.#errors.push([this.length, error]);
    this.#parents.push(parent);
  }

  /** All of them as a table. */
  table(dropped: number): string {
    const kinds = [...this.#kinds.keys()].map((kind) => `{${kind}}`);
    const rows = this.#bytes.toString('hex', 0, this.length * ROW_BYTES);
    return `{"kinds":[${kinds.join(',')}],"parents":"${this.#parents.join('')}","rows":"${rows}","errors":${JSON.stringify(this.#errors)},"dropped":${dropped}}`;
  }

  /** An object for each, for a runtime that does not know the table. */
  objects(dropped: number): string {
    const kinds = [...this.#kinds.keys()];
    const errors = new Map(this.#errors);
    const spans = this.#parents.map((parent, index) => {
      const at = index * ROW_BYTES;
      const rows = this.#rows;
      const id = hexOf(rows.getInt32(at + ID)) + hexOf(rows.getInt32(at + ID + 4));
      const times = `"start":${rows.getFloat64(at + START)},"duration":${rows.getFloat64(at + DURATION)}`;
      const error = errors.get(index);
      const failure = error === undefined ? '' : `,"error":${JSON.stringify(error)}`;
      return `{"trace":"${traceOf(parent)}","id":"${id}","parent":"${spanOf(parent)}",${kinds[rows.getUint16(at)]},${times}${failure}}`;
    });
    return `{"spans":[${spans.join(',')}],"dropped":${dropped}}`;
  }
}

/** Collects spans, and sends them together. */
export class SpanBuffer {
  readonly #send: (payload: string) => void;
  #batches: Batch[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #open = false;
  #tables = false;

  constructor(send: (payload: string) => void) {
    this.#send = send;
  }

  /** From now on spans can be sent, as tables if the runtime reads them. */
  open(tables: boolean): void {
    this.#open = true;
    this.#tables = tables;
    if (this.#batches.length > 0) this.#schedule();
  }

  /** Until the next `open`, spans wait. */
  close(): void {
    this.#open = false;
  }

  /** Adds a span. `kind` is the JSON of what it has in common with others. */
  add(kind: string, span: RecordedSpan): void {
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.length === BATCH) {
      if (this.#batches.length === MAX_BATCHES) {
        this.#dropped++;
        return;
      }
      batch = new Batch();
      this.#batches.push(batch);
    }
    batch.add(kind, span);
    if (!this.#open) return;
    if (batch.length === BATCH) this.flush();
    else if (this.#timer === undefined) this.#schedule();
  }

  /** Sends what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#open) return;
    const batches = this.#batches;
    this.#batches = [];
    for (const batch of batches) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.#send(this.#tables ? batch.table(dropped) : batch.objects(dropped));
    }
  }

  /** Drops what waits: nobody takes it. */
  discard(): void {
    this.#batches = [];
  }

  #schedule(): void {
    // It does not keep the process alive: a stop flushes.
    this.#timer ??= setTimeout(() => this.flush(), DELAY_MS).unref();
  }
}
