import { readFileSync, statSync } from 'node:fs';
import type { TypeScriptConfig } from './config.ts';

/** JavaScript with every token at its position in the TypeScript. */
export interface StrippedSource {
  code: string;
  format: 'module' | 'commonjs';
}

interface ManifestEntry {
  size: number;
  mtime_ms: number;
  code: string;
  format: 'module' | 'commonjs';
}

/** TypeScript files with types stripped: from the manifest while it is fresh, else by the strip command. */
export class StrippedFiles {
  readonly #config: TypeScriptConfig;
  readonly #childProcess: () => typeof import('node:child_process');
  #manifest: Record<string, ManifestEntry> | undefined;

  /** @param childProcess loads the module, which is rarely needed and takes time */
  constructor(config: TypeScriptConfig, childProcess: () => typeof import('node:child_process')) {
    this.#config = config;
    this.#childProcess = childProcess;
  }

  /** @throws SyntaxError with the file when it cannot be stripped; the error of fs when it is missing */
  load(path: string): StrippedSource {
    const entry = (this.#manifest ??= readManifest(this.#config.manifest))[path];
    if (entry) {
      const { size, mtimeMs } = statSync(path);
      if (size === entry.size && Math.floor(mtimeMs) === entry.mtime_ms) {
        try {
          return { code: readFileSync(entry.code, 'utf8'), format: entry.format };
        } catch {
          // The cache was cleaned meanwhile: strip again.
        }
      }
    }
    return this.#strip(path);
  }

  #strip(path: string): StrippedSource {
    statSync(path);
    const [program = '', ...args] = this.#config.strip;
    const result = this.#childProcess().spawnSync(program, [...args, path], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    if (result.error) throw new SyntaxError(`${path}: cannot strip its types: ${program}: ${result.error.message}`);
    if (result.status !== 0) {
      const reason = result.stderr.trim() || `${program} exited with ${result.signal ?? `code ${result.status}`}`;
      throw new SyntaxError(reason.includes(path) ? reason : `${path}: ${reason}`);
    }
    try {
      const { code, format } = JSON.parse(result.stdout) as StrippedSource;
      if (typeof code === 'string' && (format === 'module' || format === 'commonjs')) return { code, format };
    } catch {
      // Reported below.
    }
    throw new SyntaxError(`${path}: cannot strip its types: ${program} printed no {"code", "format"}`);
  }
}

/** An unreadable manifest counts as empty: every file is then stripped when it is loaded. */
function readManifest(path: string): Record<string, ManifestEntry> {
  try {
    const { files } = JSON.parse(readFileSync(path, 'utf8')) as { files?: Record<string, ManifestEntry> };
    return { __proto__: null, ...files } as unknown as Record<string, ManifestEntry>;
  } catch {
    return {};
  }
}
