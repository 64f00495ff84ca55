import type { Socket } from 'node:net';

/** A connection without a byte for this long waits for somebody else, such as one of a pool. */
const QUIET_MS = 100;
/** How long the answer to something that was sent during the stop may take, in milliseconds. */
const ANSWER_MS = 1_000;

/** What was seen of a connection during the stop. */
export interface ObservedSocket {
  read: number;
  written: number;
  /** When a byte was last seen, in milliseconds. */
  movedAt: number;
  /** It was one that was sent, so there may be an answer. */
  sent: boolean;
  /** Whether the connection keeps the process alive. */
  counts: boolean;
}

/** A request or response that Node's HTTP module is handling on a connection. */
interface HttpMessage {
  getHeader?(name: string): unknown;
}

/** Begins to observe a connection that keeps the process alive. */
export function observe(socket: Socket, now: number): ObservedSocket {
  return { read: socket.bytesRead, written: socket.bytesWritten, movedAt: now, sent: false, counts: true };
}

/** Whether a connection is used for something that will end. Time is an argument, in milliseconds. */
export function isAtWork(socket: Socket, seen: ObservedSocket, now: number): boolean {
  const { bytesRead: read, bytesWritten: written } = socket;
  if (read !== seen.read || written !== seen.written) {
    seen.sent = read === seen.read;
    Object.assign(seen, { read, written, movedAt: now });
  }
  const quietFor = now - seen.movedAt;
  return socket.connecting || socket.writableLength > 0 || quietFor < QUIET_MS || (seen.sent && quietFor < ANSWER_MS);
}

/** Whether a request on it has no complete response yet, in either direction. */
export function hasOpenRequests(socket: Socket): boolean {
  const { _httpMessage: message } = socket as { _httpMessage?: HttpMessage | null };
  // A stream of events has no end of its own.
  if (message && !String(message.getHeader?.('content-type') ?? '').startsWith('text/event-stream')) return true;
  for (const key of Object.getOwnPropertySymbols(socket)) {
    // `fetch`: its idle connections never keep the process alive, and so are not observed.
    if (key.description === 'client') return true;
    if (key.description === 'session' && openStreams((socket as unknown as Record<symbol, unknown>)[key]) > 0) return true;
  }
  return false;
}

/** The number of open streams of an HTTP/2 session. */
function openStreams(session: unknown): number {
  if (typeof session !== 'object' || session === null) return 0;
  const key = Object.getOwnPropertySymbols(session).find((symbol) => symbol.description === 'state');
  const state = key && (session as Record<symbol, { streams?: Map<unknown, unknown> } | undefined>)[key];
  return (state && state.streams?.size) ?? 0;
}
