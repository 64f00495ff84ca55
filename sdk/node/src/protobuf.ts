import type { TraceHeaders } from './trace/headers.ts';

/**
 * The two messages of `framework.proto` as protobuf bytes.
 *
 * Both consist of strings, bools and numbers. A protobuf library would cost more start-up time than
 * everything else that a domain does before it registers.
 */

/** Sent by a domain: fields 1 to 5; `payload` is a JSON text. */
export interface DomainMessage {
  domain: string;
  type: string;
  payload: string;
  requestId: string;
  /** A part of a response, which others follow. */
  more?: boolean;
}

/** Sent by the runtime: fields 1 to 10; `payload` is a JSON text. */
export interface RuntimeMessage extends TraceHeaders {
  type: string;
  payload: string;
  requestId: string;
  success: boolean;
  error: string;
  /** The time that is left for a request; 0 where there is no limit. */
  deadlineMs: number;
  /** How many parts the response may have at first; 0 where the caller takes none. */
  streamCredit: number;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** Length of the gRPC prefix: one byte of flags, four of length. */
export const PREFIX_BYTES = 5;

/** The field `more`, where it is true. */
const MORE = [(5 << 3) | VARINT, 1];

/** One gRPC frame (prefix and message) ready to be written to a stream. */
export function encodeDomainFrame(message: DomainMessage): Buffer {
  const fields = [message.domain, message.type, message.payload, message.requestId];
  const lengths = fields.map((text) => Buffer.byteLength(text));
  let size = 0;
  for (const length of lengths) {
    if (length > 0) size += 1 + varintBytes(length) + length;
  }
  if (message.more) size += MORE.length;
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + size);
  frame[0] = 0;
  frame.writeUInt32BE(size, 1);
  let at = PREFIX_BYTES;
  fields.forEach((text, index) => {
    const length = lengths[index] as number;
    if (length === 0) return; // proto3: an absent field is the empty string
    frame[at++] = ((index + 1) << 3) | DELIMITED;
    at = writeVarint(frame, at, length);
    at += frame.write(text, at, length, 'utf8');
  });
  if (message.more) frame.set(MORE, at);
  return frame;
}

/** Reads a frame of `encodeDomainFrame`, for a runtime in this process. */
export function decodeDomainFrame(frame: Buffer): DomainMessage {
  const texts = ['', '', '', ''];
  let more = false;
  const cursor = { at: PREFIX_BYTES };
  while (cursor.at < frame.length) {
    const field = Math.floor(readVarint(frame, cursor) / 8);
    const value = readVarint(frame, cursor);
    if (field === 5) {
      more = value !== 0;
      continue;
    }
    texts[field - 1] = frame.toString('utf8', cursor.at, cursor.at + value);
    cursor.at += value;
  }
  const [domain = '', type = '', payload = '', requestId = ''] = texts;
  return { domain, type, payload, requestId, more };
}

/**
 * Reads a `RuntimeMessage`. Unknown fields are skipped, as protobuf requires; a length beyond the
 * end is an error.
 *
 * @throws Error with field and offset when the bytes are not protobuf.
 */
export function decodeRuntimeMessage(bytes: Buffer): RuntimeMessage {
  const message: RuntimeMessage = { type: '', payload: '', requestId: '', success: false, error: '', deadlineMs: 0, streamCredit: 0, traceparent: '', tracestate: '', baggage: '' };
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const start = cursor.at;
    const tag = readVarint(bytes, cursor);
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (field === 0) throw new Error(`malformed message: field number 0 at byte ${start}`);
    if (wire === VARINT) {
      const value = readVarint(bytes, cursor);
      if (field === 4) message.success = value !== 0;
      else if (field === 6) message.deadlineMs = value;
      else if (field === 7) message.streamCredit = value;
      continue;
    }
    let length: number;
    if (wire === DELIMITED) length = readVarint(bytes, cursor);
    else if (wire === FIXED64) length = 8;
    else if (wire === FIXED32) length = 4;
    else throw new Error(`malformed message: wire type ${wire} of field ${field} at byte ${start}`);
    const end = cursor.at + length;
    if (end > bytes.length) {
      throw new Error(`malformed message: field ${field} at byte ${start} needs ${length} bytes, ${bytes.length - cursor.at} are left`);
    }
    if (wire === DELIMITED) assign(message, field, bytes, cursor.at, end);
    cursor.at = end;
  }
  return message;
}

function assign(message: RuntimeMessage, field: number, bytes: Buffer, from: number, to: number): void {
  if (field === 1) message.type = bytes.toString('utf8', from, to);
  else if (field === 2) message.payload = bytes.toString('utf8', from, to);
  else if (field === 3) message.requestId = bytes.toString('utf8', from, to);
  else if (field === 5) message.error = bytes.toString('utf8', from, to);
  else if (field === 8) message.traceparent = bytes.toString('utf8', from, to);
  else if (field === 9) message.tracestate = bytes.toString('utf8', from, to);
  else if (field === 10) message.baggage = bytes.toString('utf8', from, to);
}

function varintBytes(value: number): number {
  let bytes = 1;
  while (value >= 0x80) {
    value = Math.floor(value / 0x80);
    bytes++;
  }
  return bytes;
}

function writeVarint(target: Buffer, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value % 0x80) | 0x80;
    value = Math.floor(value / 0x80);
  }
  target[at++] = value;
  return at;
}

/** Arithmetic instead of shifts: a 64-bit varint must not wrap into a small, valid number. */
function readVarint(bytes: Buffer, cursor: { at: number }): number {
  let value = 0;
  let factor = 1;
  for (let count = 0; count < 10; count++) {
    const byte = bytes[cursor.at];
    if (byte === undefined) throw new Error(`malformed message: it ends inside a number at byte ${cursor.at}`);
    cursor.at++;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 0x80;
  }
  throw new Error(`malformed message: a number of more than ten bytes at byte ${cursor.at}`);
}
