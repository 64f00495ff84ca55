/** Removes the frames of the bootstrap from an error's stack: they are of no use to the user. */
export function withoutOwnFrames(error: unknown): unknown {
  if (error instanceof Error && typeof error.stack === 'string' && error.stack.includes(__filename)) {
    error.stack = error.stack.split('\n').filter((line) => !line.includes(__filename)).join('\n');
  }
  return error;
}
