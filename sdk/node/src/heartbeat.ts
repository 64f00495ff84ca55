/** Payload of a `heartbeat` message, measured on the main thread. */
export interface HeartbeatPayload {
  seq: number;
  /** Maximum event loop lag since the last heartbeat, in milliseconds. */
  event_loop_lag_ms: number;
  rss_bytes: number;
  heap_used_bytes: number;
  heap_total_bytes: number;
  status: 'ok' | 'draining';
}

/**
 * The interval of lag measurements: a longer block is measured as at least its duration less this.
 * perf_hooks would be more exact, and costs start-up time.
 */
const PROBE_MS = 100;

/** Sends heartbeats from the main thread, so that a blocked event loop misses them. */
export class Heartbeat {
  #lagTimer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #seq = 0;

  /** Starts, or restarts with another interval. The first heartbeat is sent at once. */
  start(intervalMs: number, send: (payload: HeartbeatPayload) => void, status: () => HeartbeatPayload['status']): void {
    this.stop();
    const lag = new LagProbe(PROBE_MS, nowMs());
    const sendHeartbeat = () => {
      const memory = process.memoryUsage();
      send({
        seq: ++this.#seq,
        event_loop_lag_ms: Math.round(lag.take(nowMs()) * 100) / 100,
        rss_bytes: memory.rss,
        heap_used_bytes: memory.heapUsed,
        heap_total_bytes: memory.heapTotal,
        status: status(),
      });
    };
    // Heartbeats do not keep the process alive.
    this.#lagTimer = setInterval(() => lag.tick(nowMs()), PROBE_MS).unref();
    this.#heartbeat = setInterval(sendHeartbeat, intervalMs).unref();
    sendHeartbeat();
  }

  stop(): void {
    clearInterval(this.#lagTimer);
    clearInterval(this.#heartbeat);
  }
}

/** How late a timer of `periodMs` fires; time is an argument, in milliseconds. */
export class LagProbe {
  readonly #periodMs: number;
  #expected: number;
  #max = 0;

  constructor(periodMs: number, now: number) {
    this.#periodMs = periodMs;
    this.#expected = now + periodMs;
  }

  /** To be called when the timer fires. */
  tick(now: number): void {
    this.#max = Math.max(this.#max, now - this.#expected);
    this.#expected = now + this.#periodMs;
  }

  /** The maximum lag since the last call, including a measurement that is overdue now. */
  take(now: number): number {
    const max = Math.max(this.#max, now - this.#expected, 0);
    this.#max = 0;
    return max;
  }
}

function nowMs(): number {
  return process.uptime() * 1000;
}
