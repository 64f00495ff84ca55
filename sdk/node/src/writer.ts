import type { ClientHttp2Stream } from 'node:http2';

/** Unsent bytes at which reading of further requests is paused until some are sent. */
const PAUSE_BYTES = 8 * 1024 * 1024;

/**
 * Writes frames in order. Those of one turn of the event loop are sent together; they are queued
 * while the runtime reads nothing.
 */
export class StreamWriter {
  readonly #stream: ClientHttp2Stream;
  #queue: Buffer[] = [];
  #bytes = 0;
  #blocked = false;
  #scheduled = false;

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
    stream.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
  }

  /** Queues a frame. It is dropped if the stream has closed. */
  write(frame: Buffer): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#queue.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes > PAUSE_BYTES) this.#stream.pause();
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the promises that are ready, so that their responses share this write.
    process.nextTick(() => queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    }));
  }

  /** Sends queued frames and ends this half; resolves when the stream has closed, or after `limitMs`. */
  async end(limitMs: number): Promise<void> {
    if (this.#stream.destroyed) return;
    if (this.#queue.length > 0) this.#stream.write(Buffer.concat(this.#queue));
    this.#queue = [];
    this.#bytes = 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#stream.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#stream.end();
    });
  }

  #flush(): void {
    if (this.#blocked || this.#queue.length === 0) return;
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    const chunk = this.#queue.length === 1 ? (this.#queue[0] as Buffer) : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#bytes = 0;
    this.#blocked = !this.#stream.write(chunk);
    if (this.#stream.isPaused()) this.#stream.resume();
  }
}
