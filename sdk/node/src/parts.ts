/** How many parts a caller has room for. */
export class Credit {
  #parts: number;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(parts: number) {
    this.#parts = parts;
  }

  /** The caller has room for more. */
  grant(parts: number): void {
    this.#parts += parts;
    this.#wake?.();
  }

  /** The caller takes no more parts. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Takes the room for one part, once there is some; false if the caller takes no more. */
  async take(): Promise<boolean> {
    while (this.#parts === 0 && !this.#closed) {
      await new Promise<void>((resolve) => { this.#wake = resolve; });
      this.#wake = undefined;
    }
    if (this.#closed) return false;
    this.#parts--;
    return true;
  }
}

/** Whether the result of a handler is a response in parts: an async generator, or a readable stream. */
export function isParts(result: unknown): result is AsyncIterable<unknown> {
  return typeof result === 'object' && result !== null && typeof (result as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

/**
 * Sends each part as soon as the caller has room for it. The next part is not produced before that; and
 * when the caller has given up, the generator is ended where it is (`finally` blocks run).
 */
export async function sendParts(parts: AsyncIterable<unknown>, credit: Credit, send: (part: unknown) => void): Promise<void> {
  const iterator = parts[Symbol.asyncIterator]();
  while (await credit.take()) {
    const next = await iterator.next();
    if (next.done) {
      if (next.value !== undefined) send(next.value);
      return;
    }
    send(next.value);
  }
  await iterator.return?.();
}

/** All parts, for a caller that takes the response as a whole. */
export async function collectParts(parts: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const part of parts) all.push(part);
  return all;
}
