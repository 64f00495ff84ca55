/**
 * The loader hooks of `module.register`, for a Node without a cheaper way. They run in a thread of
 * their own.
 */
import childProcess from 'node:child_process';
import type { TypeScriptConfig } from './config.ts';
import { fileURLToPath } from 'node:url';
import { StrippedFiles } from './stripped-files.ts';
import { typescriptPath } from './urls.ts';

/** The data that the main thread passes. */
export interface HookData {
  ts: TypeScriptConfig | null;
  /** URL of the SDK, where it must be provided. */
  sdk: string | null;
}

type Next<Argument, Result> = (argument: Argument, context: object) => Promise<Result>;

let files: StrippedFiles | undefined;
let sdk: string | null = null;

export function initialize(data: HookData): void {
  if (data.ts) files = new StrippedFiles(data.ts, () => childProcess);
  sdk = data.sdk;
}

export async function resolve(specifier: string, context: object, next: Next<string, object>): Promise<object> {
  try {
    return await next(specifier, context);
  } catch (error) {
    const missing = (error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
    if (!sdk || !missing || (specifier !== '@fulcrum/domain' && specifier !== 'fulcrum')) throw error;
    return { url: sdk, format: 'module', shortCircuit: true };
  }
}

export async function load(url: string, context: object, next: Next<string, object>): Promise<object> {
  const path = files && typescriptPath(url, fileURLToPath);
  if (!files || path === undefined) return next(url, context);
  const { code, format } = files.load(path);
  return { format, source: format === 'module' ? code : null, shortCircuit: true };
}
