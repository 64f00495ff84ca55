/** A stream of process.stdout's kind, as far as it concerns us. */
interface OutputStream {
  _type?: string;
  _handle?: { setBlocking?(blocking: boolean): void };
}

/**
 * Makes writes to a pipe blocking, as they are to a file or a terminal: Node's are
 * asynchronous, and an exit or a crash loses what the pipe hadn't taken yet.
 *
 * The getters are replaced until their first use; a program that prints nothing pays nothing.
 */
export function blockOnPipes(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const native = Object.getOwnPropertyDescriptor(process, name);
    const get = native?.get;
    if (!native?.configurable || !get) continue;
    Object.defineProperty(process, name, {
      ...native,
      get() {
        Object.defineProperty(process, name, native);
        const stream = get.call(process) as OutputStream;
        if (stream._type === 'pipe') stream._handle?.setBlocking?.(true);
        return stream;
      },
    });
  }
}
