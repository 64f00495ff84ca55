import { PREFIX_BYTES } from './protobuf.ts';

/** Longest message taken from the runtime, in bytes. It guards memory against a foreign server. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Joins the chunks of an HTTP/2 stream and cuts them into gRPC messages. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes needed before the next cut is worth trying. */
  #wanted = PREFIX_BYTES;

  /**
   * Takes the next chunk and returns the messages it completes, in order.
   *
   * @throws Error for a compressed or oversized message; the stream is of no use after that.
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    // A message of many chunks is joined once, when it is whole.
    if (this.#held < this.#wanted) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held);
    const messages: Buffer[] = [];
    let at = 0;
    this.#wanted = PREFIX_BYTES;
    while (bytes.length - at >= PREFIX_BYTES) {
      const length = messageLength(bytes, at);
      if (bytes.length - at - PREFIX_BYTES < length) {
        this.#wanted = PREFIX_BYTES + length;
        break;
      }
      messages.push(bytes.subarray(at + PREFIX_BYTES, at + PREFIX_BYTES + length));
      at += PREFIX_BYTES + length;
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#held = bytes.length - at;
    return messages;
  }
}

function messageLength(bytes: Buffer, at: number): number {
  if (bytes[at] !== 0) throw new Error('the runtime sent a compressed message, which was not asked for');
  const length = bytes.readUInt32BE(at + 1);
  if (length > MAX_MESSAGE_BYTES) {
    throw new Error(`the runtime sent a message of ${length} bytes; at most ${MAX_MESSAGE_BYTES} are taken`);
  }
  return length;
}
