import { PREFIX_BYTES } from './protobuf.ts';

/** Maximum message size from the runtime, in bytes. It bounds memory if the server is no runtime. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Joins the chunks of an HTTP/2 stream and cuts them into gRPC messages. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes needed for the next complete message. */
  #needed = PREFIX_BYTES;

  /**
   * Adds a chunk and returns the messages that it completes, in order.
   *
   * @throws Error for a compressed or oversized message; the stream is unusable afterwards.
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    // A message of many chunks is joined once, when it is complete.
    if (this.#buffered < this.#needed) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#buffered);
    const messages: Buffer[] = [];
    let at = 0;
    this.#needed = PREFIX_BYTES;
    while (bytes.length - at >= PREFIX_BYTES) {
      const length = messageLength(bytes, at);
      if (bytes.length - at - PREFIX_BYTES < length) {
        this.#needed = PREFIX_BYTES + length;
        break;
      }
      messages.push(bytes.subarray(at + PREFIX_BYTES, at + PREFIX_BYTES + length));
      at += PREFIX_BYTES + length;
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#buffered = bytes.length - at;
    return messages;
  }
}

function messageLength(bytes: Buffer, at: number): number {
  if (bytes[at] !== 0) throw new Error('the runtime sent a compressed message, which is not supported');
  const length = bytes.readUInt32BE(at + 1);
  if (length > MAX_MESSAGE_BYTES) {
    throw new Error(`the runtime sent a message of ${length} bytes; the maximum is ${MAX_MESSAGE_BYTES}`);
  }
  return length;
}
