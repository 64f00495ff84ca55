import { nodeModule, urlOf } from './builtins.ts';

const NAMES = new Set(['@fulcrum/domain', 'fulcrum']);

/** Whether a specifier is one of the SDK's names. */
export function isSdk(specifier: string): boolean {
  return NAMES.has(specifier);
}

/** Whether a package is missing for Node, or is not in the table of Yarn's Plug'n'Play. */
export function isMissing(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}

/** The file that `require` of the SDK loads. */
export function requiredFile(dir: string): string {
  return `${dir}/dist/index.cjs`;
}

/** The URL that `import` of the SDK loads. */
export function importedUrl(dir: string): string {
  return urlOf(`${dir}/dist/index.mjs`);
}

/**
 * Resolves the SDK from `dir` where the domain has not installed it.
 *
 * @returns whether `import` needs a hooks thread for it
 */
export function provideSdk(dir: string): boolean {
  const open = nodeModule();
  const resolveFilename = open._resolveFilename;
  open._resolveFilename = function (request, ...rest) {
    try {
      return resolveFilename.call(this, request, ...rest);
    } catch (error) {
      if (!isSdk(request) || !isMissing(error)) throw error;
      return requiredFile(dir);
    }
  };
  if (!open.registerHooks) return true;
  open.registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!isSdk(specifier) || !isMissing(error)) throw error;
        return { url: importedUrl(dir), format: 'module', shortCircuit: true };
      }
    },
  });
  return false;
}
