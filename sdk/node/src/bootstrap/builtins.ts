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
  _extensions: Record<string, ExtensionHandler>;
  _load(this: unknown, request: string, parent: unknown, isMain: boolean, ...rest: unknown[]): unknown;
  _resolveFilename(request: string, ...rest: unknown[]): string;
  _findPath(request: string, paths: string[], isMain?: boolean): string | false;
  /** Runs the program; called by Node when all preloads are done. It is designed to be replaced. */
  runMain(this: unknown, ...args: unknown[]): void;
  /** Writes the compile cache to disk: Node 22.10 and later. */
  flushCompileCache?(): void;
  /** Makes imports of Node's modules see replaced members. */
  syncBuiltinESMExports(): void;
  /** Source maps without those of packages: Node 22.14 and later. */
  setSourceMapsSupport?(enabled: boolean, options: { nodeModules: boolean; generatedCode: boolean }): void;
}

export type ExtensionHandler = (module: CommonJsModule, filename: string) => void;

/** The parts of a CommonJS module that can be extended. */
export interface CommonJsModule {
  _compile(code: string, filename: string, format?: string): unknown;
  filename?: string | null;
  parent?: CommonJsModule | null;
}

/** The context of a synchronous hook. */
export interface SyncContext {
  parentURL?: string | undefined;
  conditions?: readonly string[] | ReadonlySet<string>;
  importAttributes?: Record<string, string>;
  format?: string | undefined;
}

/** The hooks of `registerHooks`. */
export interface SyncHooks {
  load?(url: string, context: SyncContext, next: (url: string, context: SyncContext) => unknown): unknown;
  resolve?(specifier: string, context: SyncContext, next: (specifier: string, context: SyncContext) => unknown): unknown;
}

let opened: InternalModuleApi | undefined;

/** Kept, as a `require` goes through all hooks. */
export function nodeModule(): InternalModuleApi {
  return (opened ??= require('node:module') as unknown as InternalModuleApi);
}

/** Whether a specifier is one of Node's own modules. */
export function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || nodeModule().isBuiltin(specifier);
}

/** Characters that are the same in a path and its URL. */
const PLAIN = /^\/[\w/.@-]*$/;

/** The `file:` URL of a path. */
export function urlOf(path: string): string {
  return PLAIN.test(path) ? `file://${path}` : (require('node:url') as typeof import('node:url')).pathToFileURL(path).href;
}

/** The path behind a `file:` URL. */
export function pathOf(url: string): string {
  const path = url.slice('file://'.length);
  return PLAIN.test(path) ? path : (require('node:url') as typeof import('node:url')).fileURLToPath(url);
}
