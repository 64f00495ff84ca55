/** Payload of a `heartbeat` message: the domain as its own main thread sees it. */
export interface Beat {
  seq: number;
  /** Longest time that the event loop was late since the last beat, in milliseconds. */
  event_loop_lag_ms: number;
  rss_bytes: number;
  heap_used_bytes: number;
  status: 'ok' | 'draining';
}

/**
 * The lag is probed this often: a loop that was blocked for longer shows at least
 * its blocked time less this. perf_hooks would know more and cost start-up time.
 */
const PROBE_MS = 100;

/** Sends beats from the main thread, so that a blocked event loop is a missing beat. */
export class Heartbeat {
  #probe: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #seq = 0;

  /** Begins, or begins anew with another interval. The first beat leaves at once. */
  start(intervalMs: number, send: (beat: Beat) => void, status: () => Beat['status']): void {
    this.stop();
    const lag = new LagProbe(PROBE_MS, nowMs());
    const beat = () => {
      const memory = process.memoryUsage();
      send({
        seq: ++this.#seq,
        event_loop_lag_ms: Math.round(lag.take(nowMs()) * 100) / 100,
        rss_bytes: memory.rss,
        heap_used_bytes: memory.heapUsed,
        status: status(),
      });
    };
    // A heartbeat is no reason to stay alive.
    this.#probe = setInterval(() => lag.tick(nowMs()), PROBE_MS).unref();
    this.#beat = setInterval(beat, intervalMs).unref();
    beat();
  }

  stop(): void {
    clearInterval(this.#probe);
    clearInterval(this.#beat);
  }
}

/** How late a timer of `periodMs` fires; time is an argument, in milliseconds. */
export class LagProbe {
  readonly #periodMs: number;
  #expected: number;
  #worst = 0;

  constructor(periodMs: number, now: number) {
    this.#periodMs = periodMs;
    this.#expected = now + periodMs;
  }

  /** The timer has fired. */
  tick(now: number): void {
    this.#worst = Math.max(this.#worst, now - this.#expected);
    this.#expected = now + this.#periodMs;
  }

  /** The worst lag since the last call, that of a probe now overdue included. */
  take(now: number): number {
    const worst = Math.max(this.#worst, now - this.#expected, 0);
    this.#worst = 0;
    return worst;
  }
}

function nowMs(): number {
  return process.uptime() * 1000;
}
