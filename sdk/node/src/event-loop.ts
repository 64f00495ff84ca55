import type { Server, Socket } from 'node:net';
import { hasOpenRequests, isAtWork, observe } from './connections.ts';
import type { ObservedSocket } from './connections.ts';
import { timerFinder } from './timers.ts';
import type { FoundTimer } from './timers.ts';

/** How often is looked at what keeps the process alive, in milliseconds. */
const LOOK_MS = 25;
/** The first interval at which timers are looked for, which doubles: it takes a garbage collection. */
const TIMERS_MS = 1_000;
/** A timer that is set during the stop, and is longer than this, belongs to a loop that never ends. */
const LOOP_DELAY_MS = 1_000;

/** What is used here of the handles that keep a process alive. */
interface Handle {
  fd?: number;
  /** The pipes of a child process. */
  stdio?: (Handle | null)[];
  unref?(): void;
}

/** Node's own list of handles; other runtimes have none. */
type WithHandles = { _getActiveHandles?(): Handle[] };

/** Whether this runtime shows what keeps its event loop alive. */
export function canReleaseEventLoop(): boolean {
  return typeof (process as WithHandles)._getActiveHandles === 'function' && typeof process.getActiveResourcesInfo === 'function';
}

/**
 * Releases what would keep the event loop alive for ever without being at work: listening servers are
 * closed, so that connections in use finish; intervals, watchers, standard input, child processes and
 * connections on which nothing moves no longer count. Node then ends the process by itself, once
 * nothing is left: requests that are being answered, pending writes, timers, threads and `beforeExit`.
 *
 * @param remaining the time until the deadline, in milliseconds; a later timer does not count
 */
export async function releaseEventLoop(remaining: () => number): Promise<void> {
  const [net, findTimers] = await Promise.all([import('node:net'), timerFinder()]);
  const release = new EventLoopRelease(net, findTimers, remaining);
  setInterval(() => release.look(), LOOK_MS).unref();
  // What `beforeExit` has sent on a connection that did not count is awaited.
  process.on('beforeExit', () => release.look());
  release.look();
}

/** Describes what keeps the process alive, such as `2 TCPSocketWrap, 1 Timeout`. */
export function describeEventLoop(): string {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo?.() ?? []) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'a worker thread';
}

class EventLoopRelease {
  readonly #startedAt = uptimeMs();
  readonly #servers = new Set<Server>();
  readonly #sockets = new Map<Socket, ObservedSocket>();
  /** The pipes of child processes. */
  readonly #pipes = new WeakSet<object>();
  #nextTimersAt = 0;
  #timersIntervalMs = TIMERS_MS;

  readonly #Server: typeof Server;
  readonly #Socket: typeof Socket;
  readonly #findTimers: (() => FoundTimer[]) | undefined;
  readonly #remaining: () => number;

  constructor(net: { Server: typeof Server; Socket: typeof Socket }, findTimers: (() => FoundTimer[]) | undefined, remaining: () => number) {
    this.#Server = net.Server;
    this.#Socket = net.Socket;
    this.#findTimers = findTimers;
    this.#remaining = remaining;
  }

  /** To be called repeatedly: a connection can become idle, and another one busy. */
  look(): void {
    const now = uptimeMs();
    const handles = (process as unknown as Required<WithHandles>)._getActiveHandles();
    for (const { stdio } of handles) for (const pipe of stdio ?? []) if (pipe) this.#pipes.add(pipe);
    for (const handle of handles) this.#release(handle, now);
    for (const server of this.#servers) (server as { closeIdleConnections?(): void }).closeIdleConnections?.();
    for (const [socket, seen] of this.#sockets) this.#refer(socket, seen, now);
    if (now < this.#nextTimersAt || !onlyTimersLeft()) return;
    this.#nextTimersAt = now + this.#timersIntervalMs;
    this.#timersIntervalMs *= 2;
    for (const timer of this.#findTimers?.() ?? []) if (this.#isEndless(timer, now)) timer.unref();
  }

  #release(handle: Handle, now: number): void {
    if (handle instanceof this.#Server) {
      if (!this.#servers.has(handle)) handle.close();
      this.#servers.add(handle);
    } else if (handle instanceof this.#Socket && (handle as Handle).fd !== 0 && !this.#pipes.has(handle)) {
      if (!this.#sockets.has(handle)) this.#sockets.set(handle, observe(handle, now));
    } else if (!isThread(handle)) {
      handle.unref?.();
    }
  }

  #refer(socket: Socket, seen: ObservedSocket, now: number): void {
    if (socket.destroyed) {
      this.#sockets.delete(socket);
      return;
    }
    const counts = isAtWork(socket, seen, now) || hasOpenRequests(socket);
    if (counts === seen.counts) return;
    seen.counts = counts;
    if (counts) socket.ref();
    else socket.unref();
  }

  #isEndless({ interval, age, delay, dueIn }: FoundTimer, now: number): boolean {
    if (interval) return true;
    // A short pause of work that reaches the deadline is cut off there, and not before in silence.
    const isSetDuringStop = age < now - this.#startedAt;
    return isSetDuringStop ? delay >= LOOP_DELAY_MS : dueIn > this.#remaining();
  }
}

/** A worker thread ends by itself, or is told to by the program. */
function isThread(handle: Handle): boolean {
  return /^(MessagePort|Worker)$/.test(handle.constructor.name);
}

function onlyTimersLeft(): boolean {
  const left = process.getActiveResourcesInfo();
  return left.length > 0 && left.every((kind) => kind === 'Timeout');
}

function uptimeMs(): number {
  return process.uptime() * 1000;
}
