import { nodeModule, pathOf } from './builtins.ts';
import { patchCascadedLoader } from './cascaded-loader.ts';
import type { TypeScriptPlan } from './plan.ts';
import { hookRequire } from './require-hook.ts';
import { StrippedFiles } from './stripped.ts';
import { typescriptPath } from './urls.ts';

/**
 * Lets `import` and `require` take TypeScript, by the cheapest means that this Node has.
 *
 * @returns whether a hooks thread is still needed
 */
export function hookTypeScript(plan: TypeScriptPlan): boolean {
  const files = new StrippedFiles(plan, () => require('node:child_process'));
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
  return !plan.commonjs && !patchCascadedLoader(files);
}
