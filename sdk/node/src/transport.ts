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
/** Flow-control window for what the runtime sends: large enough for a big message in one go. */
const WINDOW_BYTES = 1024 * 1024;

/** How long an answer that nobody needs is waited for. */
const REHEARSAL_MS = 1_000;

/** What a stream tells its owner. `closed` comes once, and last. */
export interface StreamEvents {
  message(message: RuntimeMessage): void;
  closed(status: Status): void;
}

/** One HTTP/2 connection to a runtime, and the two gRPC calls on it. */
export class Transport {
  readonly #session: ClientHttp2Session;
  readonly #headers: Record<string, string>;
  #failure: Error | undefined;

  /** Begins to dial; nothing is awaited, since calls made meanwhile are queued by node:http2. */
  constructor(url: string, token: string | undefined) {
    // By itself node:http2 leaves out the brackets of an IPv6 address, which is no authority.
    const authority = new URL(url).host;
    this.#headers = { ':method': 'POST', ':authority': authority, te: 'trailers', 'content-type': 'application/grpc', 'user-agent': 'fulcrum-domain-node' };
    if (token) this.#headers['x-fulcrum-token'] = token;
    const session = connect(url, { settings: { enablePush: false, initialWindowSize: WINDOW_BYTES } });
    this.#session = session;
    session.on('error', (error) => { this.#failure ??= error; });
    session.once('remoteSettings', () => session.setLocalWindowSize(WINDOW_BYTES));
  }

  /** Why the connection failed, where it did. */
  get failure(): string | undefined {
    return this.#failure && messageOf(this.#failure);
  }

  /** Whether calls can still be made on it. */
  get open(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Whether it keeps the process alive, as it does when nobody says otherwise. */
  hold(alive: boolean): void {
    if (alive) this.#session.ref();
    else this.#session.unref();
  }

  /**
   * Makes a call whose answer nobody needs: Node compiles a function when it is first called, and
   * the first call on a connection takes some milliseconds of that.
   */
  rehearse(): void {
    const stream = this.#session.request({ ...this.#headers, ':path': '/grpc.health.v1.Health/Check' }, { endStream: false });
    this.#read(stream, { message: () => undefined, closed: () => undefined });
    const writer = new StreamWriter(stream);
    // A message without fields asks for the health of the whole.
    writer.write(Buffer.alloc(5));
    void writer.end(REHEARSAL_MS);
  }

  /** Opens the stream of a domain. */
  communicate(events: StreamEvents): StreamWriter {
    const stream = this.#request('DomainCommunication');
    this.#read(stream, events);
    return new StreamWriter(stream);
  }

  /**
   * One message, one answer. It settles when the call does: a deadline is the caller's
   * affair, `abandon` ends the call early.
   */
  unary(frame: Buffer): { answer: Promise<RuntimeMessage>; abandon: () => void } {
    const stream = this.#request('SendMessage');
    const answer = new Promise<RuntimeMessage>((resolve, reject) => {
      let received: RuntimeMessage | undefined;
      this.#read(stream, {
        message: (message) => { received ??= message; },
        closed: (status) => {
          if (received) resolve(received);
          else reject(new Error(status.name === 'OK' ? 'the runtime ended the call without an answer' : describeStatus(status)));
        },
      });
    });
    stream.end(frame);
    return { answer, abandon: () => stream.close(constants.NGHTTP2_CANCEL) };
  }

  /** Ends everything now; every open stream hears `closed`. */
  destroy(): void {
    this.#session.destroy();
  }

  #request(method: string): ClientHttp2Stream {
    return this.#session.request({ ...this.#headers, ':path': SERVICE + method }, { endStream: false });
  }

  /** Every way a stream can end leads to the one `closed`. */
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
    // The server's half is over: so is ours, there is nothing left to answer.
    stream.on('end', () => { stream.end(); });
    stream.on('error', (error: Error) => { failure ??= error; });
    stream.on('close', () => {
      // A stream that was cancelled with its session names the session's reason as its cause.
      const reason = this.#failure ?? failure?.cause ?? failure;
      events.closed(status ?? { name: 'UNAVAILABLE', message: reason ? messageOf(reason) : 'the connection was closed' });
    });
  }
}

/** "NAME: text", or the name alone. */
export function describeStatus(status: Status): string {
  if (status.name === 'OK') return 'the runtime ended the stream';
  return status.message ? `${status.name}: ${status.message}` : status.name;
}
