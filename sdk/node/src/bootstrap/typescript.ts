import { nodeModule, pathOf } from './builtins.ts';
import { patchCascadedLoader } from './cascaded-loader.ts';
import type { TypeScriptConfig } from './config.ts';
import { hookRequire } from './require-hook.ts';
import { StrippedFiles } from './stripped-files.ts';
import { typescriptPath } from './urls.ts';

/**
 * Makes `import` and `require` load TypeScript, in the cheapest way that this Node supports.
 *
 * @returns whether a hooks thread is still needed
 */
export function hookTypeScript(config: TypeScriptConfig): boolean {
  const files = new StrippedFiles(config, () => require('node:child_process'));
  hookRequire(files);
  const open = nodeModule();
  if (open.registerHooks) {
    open.registerHooks({
      load(url, context, next) {
        const path = typescriptPath(url, pathOf);
        if (path === undefined) return next(url, context);
        const { code, format } = files.load(path);
        return { format, source: code, shortCircuit: true };
      },
    });
    return false;
  }
  return !config.commonjs && !patchCascadedLoader(files);
}
