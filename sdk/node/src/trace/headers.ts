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
const F = 102;
const DASH = 45;

/** The two digits of each byte. */
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * A header of version 00, if it is valid or can be written as one. That of a request nearly always is
 * what it is to be, and nothing is taken apart for it.
 */
export function normalTraceparent(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (isNormal(text)) return text;
  const parsed = parseTraceparent(text);
  return parsed && formatTraceparent(parsed);
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

/** Whether a header is valid, and of version 00. */
function isNormal(text: string): boolean {
  if (text.length !== LENGTH || text.charCodeAt(0) !== ZERO || text.charCodeAt(1) !== ZERO) return false;
  if (text.charCodeAt(2) !== DASH || text.charCodeAt(35) !== DASH || text.charCodeAt(52) !== DASH) return false;
  return hasId(text, 3, 35) && hasId(text, 36, 52) && hexDigits(text, 53, LENGTH) >= 0;
}

/** Whether there is an id: hexadecimal digits that are not all 0. */
function hasId(text: string, from: number, to: number): boolean {
  return hexDigits(text, from, to) > 0;
}

/** How many digits are not 0; negative if one is no hexadecimal digit. */
function hexDigits(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === ZERO) continue;
    if (!((code > ZERO && code <= NINE) || (code >= A && code <= F))) return -1;
    count++;
  }
  return count;
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
