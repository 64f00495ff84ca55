import type { Fragment, Kind } from './table.ts';

/** What the helper is asked. */
export type Question =
  | { load: string }
  | { resolve: string; from: string; kind: Kind }
  | { lower: string };

/** Starts the helper and waits for its answer; `node:child_process` is loaded only for that. */
export type Ask = (question: Question) => Fragment;

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/**
 * The helper: a command of Fulcrum that compiles or resolves what is not in the table, such as names
 * that are computed at run time. Its answer covers the file and all that it imports.
 */
export function helper(command: readonly string[], childProcess: () => typeof import('node:child_process')): Ask {
  const [program = '', ...args] = command;
  return (question) => {
    const request = JSON.stringify({ v: 2, node: process.versions.node, ...question });
    const result = childProcess().spawnSync(program, [...args, request], { encoding: 'utf8', maxBuffer: MAX_ANSWER_BYTES, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    const [what = ''] = Object.values(question) as string[];
    if (result.error) throw new Error(`${what}: cannot run ${program}, which compiles TypeScript: ${result.error.message}`);
    if (result.status !== 0) {
      const reason = result.stderr.trim() || `${program} exited with ${result.signal ?? `code ${result.status}`}`;
      throw new SyntaxError(reason.includes(what) ? reason : `${what}: ${reason}`);
    }
    try {
      const answer = JSON.parse(result.stdout) as Fragment | null;
      if (typeof answer === 'object' && answer !== null) return answer;
    } catch {
      // Reported below.
    }
    throw new Error(`${what}: ${program} printed no JSON object, so the file cannot be loaded: is it the fulcrum that started this process?`);
  };
}
