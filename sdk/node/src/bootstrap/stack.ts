/** Removes the frames of the bootstrap from an error's stack: they are of no use to the user. */
export function withoutOwnFrames(error: unknown): unknown {
  if (error instanceof Error && typeof error.stack === 'string' && error.stack.includes(`${__dirname}/`)) {
    error.stack = error.stack.split('\n').filter((line) => !isOwn(line)).join('\n');
  }
  return error;
}

/** The package itself has frames of its own, which stay. */
function isOwn(line: string): boolean {
  return line.includes(`${__dirname}/bootstrap.cjs`) || line.includes(`${__dirname}/loader.cjs`);
}
