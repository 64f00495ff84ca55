import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { FrameReader } from './frames.ts';
import { decodeRuntimeMessage } from './protobuf.ts';
import type { RuntimeMessage } from './protobuf.ts';
import { StreamWriter } from './writer.ts';
import { statusOf } from './status.ts';
import type { Status } from './status.ts';
import { messageOf } from './errors.ts';

const SERVICE = '/framework.FrameworkService/';
/** Flow-control window for the runtime: large enough for a big message at once. */
const WINDOW_BYTES = 1024 * 1024;

/** How long to wait for the response to the warm-up call. */
const WARM_UP_TIMEOUT_MS = 1_000;

/** The largest number in `grpc-timeout`, which has eight digits at most. */
const MAX_TIMEOUT = 99_999_999;

/** Events of a stream. `closed` is called once, and last. */
export interface StreamEvents {
  message(message: RuntimeMessage): void;
  closed(status: Status): void;
}

/** Writes frames to the stream of a domain. */
export interface MessageWriter {
  /** Queues a frame. It is dropped if the stream has closed. */
  write(frame: Buffer): void;
  /** Sends what is queued and ends this half; resolves when the stream has closed, or after `limitMs`. */
  end(limitMs: number): Promise<void>;
}

/** What a connection needs of a runtime: over HTTP/2, or in the same process for tests. */
export interface RuntimeTransport {
  /** Why it failed, if it did. */
  readonly failure: string | undefined;
  /** Opens the stream of a domain. */
  openStream(events: StreamEvents): MessageWriter;
  /** One message, one response; `abandon` cancels it. */
  unary(frame: Buffer, timeoutMs: number, headers?: Record<string, string>): { response: Promise<RuntimeMessage>; abandon: () => void };
  /** One message, a response in parts. */
  stream(frame: Buffer, timeoutMs: number | undefined, signal: AbortSignal | undefined, headers?: Record<string, string>): AsyncGenerator<RuntimeMessage, void>;
  /** Closes it at once; `closed` is called for every open stream. */
  destroy(): void;
}

/** One HTTP/2 connection to a runtime, and the two gRPC calls on it. */
export class Transport implements RuntimeTransport {
  readonly #session: ClientHttp2Session;
  readonly #headers: Record<string, string>;
  #failure: Error | undefined;

  /** Starts to connect without waiting, because node:http2 queues calls made meanwhile. */
  constructor(url: string, token: string | undefined) {
    // The default of node:http2 lacks the brackets of an IPv6 address, and so is invalid.
    const authority = new URL(url).host;
    this.#headers = { ':method': 'POST', ':authority': authority, te: 'trailers', 'content-type': 'application/grpc', 'user-agent': 'fulcrum-domain-node' };
    if (token) this.#headers['x-fulcrum-token'] = token;
    const session = connect(url, { settings: { enablePush: false, initialWindowSize: WINDOW_BYTES } });
    this.#session = session;
    session.on('error', (error) => { this.#failure ??= error; });
    session.once('remoteSettings', () => session.setLocalWindowSize(WINDOW_BYTES));
  }

  /** Why the connection failed, if it did. */
  get failure(): string | undefined {
    return this.#failure && messageOf(this.#failure);
  }

  /** Whether calls are still possible. */
  get open(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Sets whether it keeps the process alive. By default it does. */
  setReferenced(alive: boolean): void {
    if (alive) this.#session.ref();
    else this.#session.unref();
  }

  /**
   * Makes a call whose response is ignored. Node compiles functions when they are first called, which
   * takes some milliseconds of the first call on a connection.
   */
  warmUp(): void {
    const stream = this.#session.request({ ...this.#headers, ':path': '/grpc.health.v1.Health/Check' }, { endStream: false });
    this.#read(stream, { message: () => undefined, closed: () => undefined });
    const writer = new StreamWriter(stream);
    // A message without fields asks for the health of the whole server.
    writer.write(Buffer.alloc(5));
    void writer.end(WARM_UP_TIMEOUT_MS);
  }

  /** Opens the stream of a domain. */
  openStream(events: StreamEvents): StreamWriter {
    const stream = this.#request('DomainCommunication');
    this.#read(stream, events);
    return new StreamWriter(stream);
  }

  /**
   * One message, one response. The runtime is told of the timeout, and ends the call with
   * DEADLINE_EXCEEDED; `abandon` cancels it.
   */
  unary(frame: Buffer, timeoutMs: number, headers: Record<string, string> = {}): { response: Promise<RuntimeMessage>; abandon: () => void } {
    const stream = this.#request('SendMessage', { ...headers, ...timeoutHeader(timeoutMs) });
    const response = new Promise<RuntimeMessage>((resolve, reject) => {
      let received: RuntimeMessage | undefined;
      this.#read(stream, {
        message: (message) => { received ??= message; },
        closed: (status) => {
          if (received) resolve(received);
          else reject(new Error(status.name === 'OK' ? 'the runtime ended the call without a response' : describeStatus(status)));
        },
      });
    });
    stream.end(frame);
    return { response, abandon: () => stream.close(constants.NGHTTP2_CANCEL) };
  }

  /**
   * One message, a response in parts. No more of them is received than is taken. Leaving the loop, and
   * the signal, cancel the call.
   *
   * @throws Error with the status, for a call that does not end with OK
   */
  async *stream(frame: Buffer, timeoutMs: number | undefined, signal: AbortSignal | undefined, headers: Record<string, string> = {}): AsyncGenerator<RuntimeMessage, void> {
    const stream = this.#request('SendMessageStream', { ...headers, ...(timeoutMs === undefined ? {} : timeoutHeader(timeoutMs)) });
    const received: RuntimeMessage[] = [];
    let status: Status | undefined;
    let wake: (() => void) | undefined;
    const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
    this.#read(stream, {
      message: (message) => {
        received.push(message);
        stream.pause();
        wake?.();
      },
      closed: (ended) => {
        status = ended;
        wake?.();
      },
    });
    signal?.addEventListener('abort', cancel);
    stream.end(frame);
    try {
      for (;;) {
        for (let message = received.shift(); message; message = received.shift()) yield message;
        signal?.throwIfAborted();
        if (status) break;
        stream.resume();
        await new Promise<void>((resolve) => { wake = resolve; });
      }
      const { name } = status;
      if (name !== 'OK') throw new Error(describeStatus(status));
    } finally {
      signal?.removeEventListener('abort', cancel);
      if (!status) cancel();
    }
  }

  /** Closes the connection at once; `closed` is called for every open stream. */
  destroy(): void {
    this.#session.destroy();
  }

  #request(method: string, headers?: Record<string, string>): ClientHttp2Stream {
    return this.#session.request({ ...this.#headers, ...headers, ':path': SERVICE + method }, { endStream: false });
  }

  /** Calls `closed` once, however the stream ends. */
  #read(stream: ClientHttp2Stream, events: StreamEvents): void {
    const reader = new FrameReader();
    let status: Status | undefined;
    let failure: Error | undefined;
    stream.on('response', (headers) => { status ??= statusOf(headers); });
    stream.on('trailers', (trailers) => { status ??= statusOf(trailers); });
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const bytes of reader.push(chunk)) events.message(decodeRuntimeMessage(bytes));
      } catch (error) {
        stream.destroy(error as Error);
      }
    });
    // The server has ended its half, so this half has nothing left to send.
    stream.on('end', () => { stream.end(); });
    stream.on('error', (error: Error) => { failure ??= error; });
    stream.on('close', () => {
      // A stream that was canceled with its session has the session's error as its cause.
      const reason = this.#failure ?? failure?.cause ?? failure;
      events.closed(status ?? { name: 'UNAVAILABLE', message: reason ? messageOf(reason) : 'the connection was closed' });
    });
  }
}

function timeoutHeader(ms: number): Record<string, string> {
  return { 'grpc-timeout': `${Math.min(Math.max(1, Math.ceil(ms)), MAX_TIMEOUT)}m` };
}

/** "NAME: text", or the name alone. */
export function describeStatus(status: Status): string {
  if (status.name === 'OK') return 'the runtime ended the stream';
  return status.message ? `${status.name}: ${status.message}` : status.name;
}
