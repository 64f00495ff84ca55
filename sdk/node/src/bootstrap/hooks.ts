/**
 * The loader hooks of `module.register`, for a Node without a cheaper way. They run in a thread of
 * their own.
 */
import childProcess from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { TypeScriptConfig } from './config.ts';
import { helper } from './helper.ts';
import { ImportHooks } from './import-hooks.ts';
import { Resolver } from './resolver.ts';
import { isMissing, isSdk } from './sdk.ts';
import { TypeScriptFiles } from './typescript-files.ts';

/** The data that the main thread passes. */
export interface HookData {
  ts: TypeScriptConfig | null;
  /** URL of the SDK, where it must be provided. */
  sdk: string | null;
  /** File for the paths of loaded files. */
  modules: string | null;
}

interface Context {
  parentURL?: string;
  importAttributes?: Record<string, string>;
}
type Next<Result> = (argument: string, context: object) => Promise<Result>;

let hooks: ImportHooks | undefined;
let sdk: string | null = null;

export function initialize(data: HookData): void {
  sdk = data.sdk;
  if (!data.ts) return;
  const files = new TypeScriptFiles(data.ts, helper(data.ts.helper, () => childProcess), { changed: () => reportInputs(files, data.modules) });
  hooks = new ImportHooks(files, new Resolver(files));
}

/** The main thread reports all files but those of this thread's table. */
const reported = new Set<string>();

function reportInputs(files: TypeScriptFiles, modules: string | null): void {
  const fresh = [...files.table.inputs()].filter((path) => !reported.has(path));
  for (const path of fresh) reported.add(path);
  if (modules === null || fresh.length === 0) return;
  try {
    appendFileSync(modules, `${fresh.join('\n')}\n`);
  } catch {
    // Then a change of these files does not restart the domain.
  }
}

export async function resolve(specifier: string, context: Context, next: Next<{ url: string }>): Promise<object> {
  const query = hooks?.query(specifier, context.parentURL);
  const done = (result: { url: string }) => {
    if (query) hooks?.note(query, context.parentURL, result.url, context.importAttributes);
    return result;
  };
  const url = query && hooks?.before(query);
  if (url !== undefined) return done({ url, shortCircuit: true } as { url: string });
  try {
    return done(await next(specifier, context));
  } catch (error) {
    const late = query && hooks?.afterFailure(query);
    if (late !== undefined) return done({ url: late, shortCircuit: true } as { url: string });
    if (!sdk || !isMissing(error) || !isSdk(specifier)) throw error;
    return { url: sdk, format: 'module', shortCircuit: true };
  }
}

export async function load(url: string, context: Context, next: Next<object>): Promise<object> {
  const found = hooks?.load(url, context.importAttributes);
  return found ? { ...found, shortCircuit: true } : next(url, context);
}
