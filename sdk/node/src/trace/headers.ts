/** The trace that a message belongs to: W3C Trace Context and Baggage. Empty where there is none. */
export interface TraceHeaders {
  traceparent: string;
  tracestate: string;
  baggage: string;
}

/** A place in a trace: what `traceparent` says. */
export interface TraceContext {
  traceId: string;
  spanId: string;
  sampled: boolean;
}

const PATTERN = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The place that a header names; undefined if it is malformed. */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const match = text === undefined || text === '' ? null : PATTERN.exec(text.trim());
  if (!match) return undefined;
  const [, version, traceId, spanId, flags, more] = match as unknown as [string, string, string, string, string, string | undefined];
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes the header. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** A random id of a span. */
export function newSpanId(): string {
  let id = '';
  // 32 bits each, since a random number has 53.
  for (let part = 0; part < 2; part++) id += Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, '0');
  return id === '0000000000000000' ? newSpanId() : id;
}
