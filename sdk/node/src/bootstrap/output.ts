/** The parts of process.stdout that are used here. */
interface OutputStream {
  _type?: string;
  _handle?: { setBlocking?(blocking: boolean): void };
}

/**
 * Makes writes to a pipe blocking, as they are to a file or a terminal. Node's are asynchronous, so an
 * exit or a crash would lose output that is not yet in the pipe.
 *
 * The getters are replaced until their first use, so a program without output has no cost.
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
