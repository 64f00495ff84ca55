// The few types of Node that a new app needs, so that `tsc` has no errors before anything is installed.
// With `npm install --save-dev @types/node`, those are used instead: see `typeRoots` in tsconfig.json.

declare module 'node:test' {
  export interface TestContext {
    readonly name: string;
    readonly signal: AbortSignal;
    after(fn: () => unknown): void;
    before(fn: () => unknown): void;
    afterEach(fn: () => unknown): void;
    beforeEach(fn: () => unknown): void;
    diagnostic(message: string): void;
    skip(message?: string): void;
    todo(message?: string): void;
    test(name: string, fn?: TestFn): Promise<void>;
    test(name: string, options: TestOptions, fn?: TestFn): Promise<void>;
    readonly mock: any;
  }
  export interface TestOptions {
    concurrency?: number | boolean;
    only?: boolean;
    signal?: AbortSignal;
    skip?: boolean | string;
    timeout?: number;
    todo?: boolean | string;
  }
  export type TestFn = (t: TestContext) => unknown;
  interface Test {
    (name: string, fn?: TestFn): Promise<void>;
    (name: string, options: TestOptions, fn?: TestFn): Promise<void>;
    only: Test;
    skip: Test;
    todo: Test;
  }
  export const test: Test;
  export const it: Test;
  export const describe: Test;
  export const suite: Test;
  export function after(fn: () => unknown): void;
  export function afterEach(fn: () => unknown): void;
  export function before(fn: () => unknown): void;
  export function beforeEach(fn: () => unknown): void;
  export const mock: any;
  export default test;
}

declare module 'node:assert/strict' {
  function assert(value: unknown, message?: string | Error): asserts value;
  namespace assert {
    function ok(value: unknown, message?: string | Error): asserts value;
    function equal<T>(actual: unknown, expected: T, message?: string | Error): asserts actual is T;
    function notEqual(actual: unknown, expected: unknown, message?: string | Error): void;
    function deepEqual<T>(actual: unknown, expected: T, message?: string | Error): asserts actual is T;
    function notDeepEqual(actual: unknown, expected: unknown, message?: string | Error): void;
    function match(value: string, pattern: RegExp, message?: string | Error): void;
    function doesNotMatch(value: string, pattern: RegExp, message?: string | Error): void;
    function throws(fn: () => unknown, expected?: any, message?: string | Error): void;
    function doesNotThrow(fn: () => unknown, message?: string | Error): void;
    function rejects(what: Promise<unknown> | (() => Promise<unknown>), expected?: any, message?: string | Error): Promise<void>;
    function doesNotReject(what: Promise<unknown> | (() => Promise<unknown>), message?: string | Error): Promise<void>;
    function fail(message?: string | Error): never;
    function ifError(value: unknown): asserts value is null | undefined;
  }
  export = assert;
}

// Other modules of Node can be imported, without their types.
declare module 'node:*';

declare const console: Record<'debug' | 'dir' | 'error' | 'info' | 'log' | 'table' | 'time' | 'timeEnd' | 'trace' | 'warn', (...data: any[]) => void>;
declare const process: {
  argv: string[];
  cwd(): string;
  env: Record<string, string | undefined>;
  exit(code?: number): never;
  exitCode: number | string | undefined;
  hrtime: any;
  memoryUsage(): Record<string, number>;
  on(event: string, listener: (...args: any[]) => void): void;
  pid: number;
  platform: string;
  uptime(): number;
  version: string;
  versions: Record<string, string>;
};
declare const Buffer: any;
type Buffer = any;
declare const performance: { now(): number };

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: any;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: any): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
declare const AbortSignal: {
  abort(reason?: any): AbortSignal;
  any(signals: Iterable<AbortSignal>): AbortSignal;
  timeout(milliseconds: number): AbortSignal;
};
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: any): void;
}

interface Timer {
  hasRef(): boolean;
  ref(): this;
  refresh(): this;
  unref(): this;
}
declare function setTimeout<Args extends any[]>(callback: (...args: Args) => void, milliseconds?: number, ...args: Args): Timer;
declare function setInterval<Args extends any[]>(callback: (...args: Args) => void, milliseconds?: number, ...args: Args): Timer;
declare function setImmediate<Args extends any[]>(callback: (...args: Args) => void, ...args: Args): any;
declare function clearTimeout(timer: any): void;
declare function clearInterval(timer: any): void;
declare function clearImmediate(timer: any): void;
declare function queueMicrotask(callback: () => void): void;
declare function structuredClone<T>(value: T): T;
declare function fetch(input: any, init?: any): Promise<any>;

declare const URL: any;
type URL = any;
declare const URLSearchParams: any;
declare const TextEncoder: any;
declare const TextDecoder: any;
