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

/** The length of a header of version 00: `00-TRACE-SPAN-FLAGS`. */
const LENGTH = 55;
const ZERO = 48;
const NINE = 57;
const A = 97;
const DASH = 45;

/** The two digits of each byte. */
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The header of version 00 that says the same; undefined if it is malformed. */
export function normalTraceparent(text: string | undefined): string | undefined {
  const parsed = parseTraceparent(text);
  return parsed && formatTraceparent(parsed);
}

/**
 * Whether a header has the form of version 00. To look at each digit costs more than all else that is
 * done for a span, and a runtime that takes spans has done so.
 */
export function hasForm(text: string): boolean {
  return text.length === LENGTH && text.charCodeAt(2) === DASH && text.charCodeAt(35) === DASH && text.charCodeAt(52) === DASH && text.startsWith('00');
}

/** The trace's id in a header of version 00. */
export function traceOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** The span's id in a header of version 00. */
export function spanOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** Whether the sender of a header of version 00 records. */
export function isSampled(traceparent: string): boolean {
  const digit = traceparent.charCodeAt(LENGTH - 1);
  return ((digit <= NINE ? digit - ZERO : digit - A + 10) & 1) === 1;
}

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

/** Half of a random id of a span: 32 bits, since a random number has 53. It is never 0. */
export function newHalfId(): number {
  return (Math.random() * 2 ** 32) | 0 || 1;
}

/** The digits of a number of 32 bits. */
export function hexOf(number: number): string {
  return (DIGITS[number >>> 24] as string) + DIGITS[(number >>> 16) & 255] + DIGITS[(number >>> 8) & 255] + DIGITS[number & 255];
}
