/**
 * Node's own modules, loaded on demand: a domain in JavaScript needs none of them, and each costs up
 * to a millisecond of its start.
 */

/** `node:module`, with the parts that are missing from its types. */
export interface InternalModuleApi {
  register(specifier: string, options: { data: unknown }): void;
  /** Hooks in this thread: Node 22.15 and later. */
  registerHooks?(hooks: SyncHooks): void;
  createRequire(from: string): NodeJS.Require;
  isBuiltin(id: string): boolean;
  builtinModules: readonly string[];
  _extensions: Record<string, (module: CommonJsModule, filename: string) => void>;
  _resolveFilename(request: string, ...rest: unknown[]): string;
  _findPath(request: string, paths: string[]): string | false;
  /** Runs the program; called by Node when all preloads are done. It is designed to be replaced. */
  runMain(this: unknown, ...args: unknown[]): void;
  /** Writes the compile cache to disk: Node 22.10 and later. */
  flushCompileCache?(): void;
}

/** The parts of a CommonJS module that can be extended. */
export interface CommonJsModule {
  _compile(code: string, filename: string, format?: string): unknown;
}

/** The hooks of `registerHooks`. */
export interface SyncHooks {
  load?(url: string, context: object, next: (url: string, context: object) => unknown): unknown;
  resolve?(specifier: string, context: object, next: (specifier: string, context: object) => unknown): unknown;
}

export function nodeModule(): InternalModuleApi {
  return require('node:module') as unknown as InternalModuleApi;
}

/** The `file:` URL of a path. */
export function urlOf(path: string): string {
  return (require('node:url') as typeof import('node:url')).pathToFileURL(path).href;
}

/** The path behind a `file:` URL. */
export function pathOf(url: string): string {
  return (require('node:url') as typeof import('node:url')).fileURLToPath(url);
}
