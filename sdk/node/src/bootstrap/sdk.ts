import { nodeModule, urlOf } from './builtins.ts';

const NAMES = new Set(['@fulcrum/domain', 'fulcrum']);

/** Whether a specifier is the SDK's, under either of its names. */
export function isSdk(specifier: string): boolean {
  return NAMES.has(specifier);
}

/** What `require` of the SDK gives, in its folder. */
export function requiredFile(folder: string): string {
  return `${folder}/dist/index.cjs`;
}

/** The URL of what `import` of the SDK gives. */
export function importedUrl(folder: string): string {
  return urlOf(`${folder}/dist/index.mjs`);
}

/**
 * Resolves the SDK from `folder` where the domain has none of its own.
 *
 * @returns whether `import` needs a hooks thread for it
 */
export function provideSdk(folder: string): boolean {
  const open = nodeModule();
  const resolveFilename = open._resolveFilename;
  open._resolveFilename = function (request, ...rest) {
    try {
      return resolveFilename.call(this, request, ...rest);
    } catch (error) {
      if (!isSdk(request) || (error as { code?: string }).code !== 'MODULE_NOT_FOUND') throw error;
      return requiredFile(folder);
    }
  };
  if (!open.registerHooks) return true;
  open.registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!isSdk(specifier) || (error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
        return { url: importedUrl(folder), format: 'module', shortCircuit: true };
      }
    },
  });
  return false;
}
