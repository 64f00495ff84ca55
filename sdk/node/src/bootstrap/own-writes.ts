import { nodeModule } from './builtins.ts';
import { type Callable, wrap } from './wrap.ts';

/** A file that is written more often is reported once in this time, in milliseconds. */
const PRECISION_MS = 250;
/** After so many reports, a file counts as written all the time. */
const MAX_REPORTS = 200;

/** A larger report is emptied when the domain's own process starts. */
const MAX_BYTES = 64 * 1024;

/** Code, and what is loaded as code: what a change of is a reason to reload. */
const CODE = /\.(?:[cm]?[jt]sx?|json|node)$/;

/** The index of the path among the arguments of a function that replaces or writes a file. */
const WRITERS: Record<string, number> = {
  writeFile: 0, writeFileSync: 0, appendFile: 0, appendFileSync: 0, truncate: 0, truncateSync: 0,
  rename: 1, renameSync: 1, copyFile: 1, copyFileSync: 1,
};
/** Functions whose second argument says whether they write. */
const OPENERS = ['open', 'openSync'];

/**
 * Reports to Fulcrum which files of code this process writes itself: a reload because of such a write
 * would be followed by the next write, and so on. A line is the time and the path.
 */
export function reportOwnWrites(file: string, isFirst: boolean): void {
  const fs = require('node:fs') as typeof import('node:fs');
  const { appendFileSync, statSync, writeFileSync } = fs;
  if (isFirst && (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) writeFileSync(file, '');
  const reports = new Map<string, { last: number; count: number }>();

  const note = (value: unknown) => {
    const path = pathOf(value);
    if (path === undefined || !CODE.test(path) || path.includes('/node_modules/') || path.includes('\n')) return;
    const now = Date.now();
    const report = reports.get(path) ?? { last: 0, count: 0 };
    if (now - report.last < PRECISION_MS || report.count > MAX_REPORTS) return;
    reports.set(path, { last: now, count: report.count + 1 });
    try {
      appendFileSync(file, `${report.count < MAX_REPORTS ? now : '*'} ${path}\n`);
    } catch {
      // Then it looks like a write of somebody else.
    }
  };

  const patch = (functions: Record<string, unknown>) => {
    for (const [name, at] of Object.entries(WRITERS)) replace(functions, name, (args) => note(args[at]));
    for (const name of OPENERS) replace(functions, name, (args) => {
      if (isForWriting(args[1])) note(args[0]);
    });
  };
  patch(fs as unknown as Record<string, unknown>);
  patch(fs.promises as unknown as Record<string, unknown>);
  nodeModule().syncBuiltinESMExports();
}

function replace(functions: Record<string, unknown>, name: string, look: (args: unknown[]) => void): void {
  const native = functions[name];
  if (typeof native !== 'function') return;
  functions[name] = wrap(native as Callable, (args) => {
    look(args);
    return args;
  });
}

function isForWriting(flags: unknown): boolean {
  if (typeof flags === 'string') return /[wa+]/.test(flags);
  // O_WRONLY and O_RDWR.
  return typeof flags === 'number' && (flags & 3) !== 0;
}

/** The absolute path of an argument; none for a descriptor or another kind of URL. */
function pathOf(value: unknown): string | undefined {
  try {
    if (value instanceof URL) return (require('node:url') as typeof import('node:url')).fileURLToPath(value);
    const text = typeof value === 'string' ? value : Buffer.isBuffer(value) ? value.toString() : undefined;
    if (text === undefined || text === '') return undefined;
    return text.startsWith('/') && !text.includes('/.') ? text : (require('node:path') as typeof import('node:path')).resolve(text);
  } catch {
    return undefined;
  }
}
