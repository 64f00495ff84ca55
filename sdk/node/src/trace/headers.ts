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

const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/** The two digits of each byte. */
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The place that a header names; undefined if it is malformed. */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const match = text === undefined || text === '' ? null : PATTERN.exec(text.trim());
  if (!match) return undefined;
  const [, version, traceId, spanId, flags, more] = match as unknown as [string, string, string, string, string, string | undefined];
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes the header. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** A random id of a span. */
export function newSpanId(): string {
  // 32 bits each, since a random number has 53.
  const id = digits(Math.random() * 2 ** 32) + digits(Math.random() * 2 ** 32);
  return id === NO_SPAN ? newSpanId() : id;
}

/** The digits of a number of 32 bits. */
function digits(number: number): string {
  return (DIGITS[number >>> 24] as string) + DIGITS[(number >>> 16) & 255] + DIGITS[(number >>> 8) & 255] + DIGITS[number & 255];
}
