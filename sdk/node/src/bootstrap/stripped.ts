import { readFileSync, statSync } from 'node:fs';
import type { TypeScriptPlan } from './plan.ts';

/** JavaScript with every token where it was in the TypeScript. */
export interface Stripped {
  code: string;
  format: 'module' | 'commonjs';
}

interface ManifestEntry {
  size: number;
  mtime_ms: number;
  code: string;
  format: 'module' | 'commonjs';
}

/** TypeScript files without their types: from the manifest while that is fresh, else by the strip command. */
export class StrippedFiles {
  readonly #plan: TypeScriptPlan;
  readonly #childProcess: () => typeof import('node:child_process');
  #manifest: Record<string, ManifestEntry> | undefined;

  /** @param childProcess gives the module when it is needed, which is seldom: it takes time to load */
  constructor(plan: TypeScriptPlan, childProcess: () => typeof import('node:child_process')) {
    this.#plan = plan;
    this.#childProcess = childProcess;
  }

  /** @throws SyntaxError naming the file when it can't be stripped; what fs throws when it isn't there */
  load(path: string): Stripped {
    const entry = (this.#manifest ??= readManifest(this.#plan.manifest))[path];
    if (entry) {
      const { size, mtimeMs } = statSync(path);
      if (size === entry.size && Math.floor(mtimeMs) === entry.mtime_ms) {
        try {
          return { code: readFileSync(entry.code, 'utf8'), format: entry.format };
        } catch {
          // The cache was cleaned since: strip again.
        }
      }
    }
    return this.#strip(path);
  }

  #strip(path: string): Stripped {
    statSync(path);
    const [program = '', ...args] = this.#plan.strip;
    const result = this.#childProcess().spawnSync(program, [...args, path], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    if (result.error) throw new SyntaxError(`${path}: its types can't be stripped: ${program}: ${result.error.message}`);
    if (result.status !== 0) {
      const reason = result.stderr.trim() || `${program} ended with ${result.signal ?? `code ${result.status}`}`;
      throw new SyntaxError(reason.includes(path) ? reason : `${path}: ${reason}`);
    }
    try {
      const { code, format } = JSON.parse(result.stdout) as Stripped;
      if (typeof code === 'string' && (format === 'module' || format === 'commonjs')) return { code, format };
    } catch {
      // Told below.
    }
    throw new SyntaxError(`${path}: its types can't be stripped: ${program} printed no {"code", "format"}`);
  }
}

/** An unreadable manifest is an empty one: every file is then stripped when it is loaded. */
function readManifest(path: string): Record<string, ManifestEntry> {
  try {
    const { files } = JSON.parse(readFileSync(path, 'utf8')) as { files?: Record<string, ManifestEntry> };
    return { __proto__: null, ...files } as unknown as Record<string, ManifestEntry>;
  } catch {
    return {};
  }
}
