import { nodeModule } from './builtins.ts';
import type { SyncContext } from './builtins.ts';
import { patchCascadedLoader } from './cascaded-loader.ts';
import { noteSpecifier } from './children.ts';
import type { TypeScriptConfig } from './config.ts';
import { helper } from './helper.ts';
import { explainMistakesIn } from './hints.ts';
import { ImportHooks } from './import-hooks.ts';
import { LoweredModules } from './lowered-modules.ts';
import { canRequireModules, hookExtensions, hookRequireResolution } from './require-hook.ts';
import { Resolver } from './resolver.ts';
import { enableSourceMaps, noteSourceMap } from './source-maps.ts';
import { withoutOwnFrames } from './stack.ts';
import { TypeScriptFiles } from './typescript-files.ts';

/** TypeScript in this process. */
export interface TypeScriptSupport {
  files: TypeScriptFiles;
  resolver: Resolver;
  /** A thread is needed for the hooks of `import`. */
  needsThread: boolean;
  /** Must be called before the program runs, and after a change of the configuration. */
  prepare(): void;
}

/** Makes `import` and `require` load TypeScript, in the cheapest way that this Node supports. */
export function hookTypeScript(config: TypeScriptConfig): TypeScriptSupport {
  let update: () => void = () => undefined;
  let needsThread = false;
  const ask = helper(config.helper, () => require('node:child_process') as typeof import('node:child_process'));
  const files = new TypeScriptFiles(config, ask, {
    changed() {
      if (files.table.maps) enableSourceMaps(!needsThread);
      update();
    },
    loaded(path, source) {
      noteSourceMap(path, source.code);
      explainMistakesIn(source);
    },
  });
  const resolver = new Resolver(files);
  const lowered = new LoweredModules(files);
  hookRequireResolution(resolver, canRequireModules() ? undefined : lowered);
  const hooks = new ImportHooks(files, resolver);
  if (nodeModule().registerHooks) registerHooks(hooks);
  else {
    ({ update } = hookExtensions(files, lowered));
    needsThread = !config.commonjs && !patchCascadedLoader(hooks);
  }
  if (config.maps) enableSourceMaps(!needsThread);
  // Which handlers for extensions are needed is in the table.
  const prepare = () => void (nodeModule().registerHooks ?? files.table);
  return { files, resolver, needsThread, prepare };
}

/** Whether a hook is called for `require`. The conditions of the first versions are a set. */
function isRequire({ conditions }: SyncContext): boolean {
  return conditions !== undefined && ('has' in conditions ? conditions.has('require') : conditions.includes('require'));
}

/** The hooks of Node 22.15 and later. They also see what is required. */
function registerHooks(hooks: ImportHooks): void {
  nodeModule().registerHooks?.({
    resolve(specifier, context, next) {
      noteSpecifier(specifier);
      // Handled where Node resolves it for CommonJS, as for every Node.
      if (isRequire(context)) return next(specifier, context);
      const { parentURL, importAttributes } = context;
      const query = hooks.query(specifier, parentURL);
      let url = hooks.before(query);
      let result: { url: string } | undefined;
      if (url === undefined) {
        try {
          result = next(specifier, context) as { url: string };
        } catch (error) {
          url = hooks.afterFailure(query);
          if (url === undefined) throw withoutOwnFrames(error);
        }
      }
      result ??= { url: url ?? '', shortCircuit: true } as { url: string };
      hooks.note(query, parentURL, result.url, importAttributes);
      return result;
    },
    load(url, context, next) {
      try {
        const found = isRequire(context) ? hooks.loadRequired(url, false) : hooks.load(url, context.importAttributes);
        if (found) return { ...found, shortCircuit: true };
      } catch (error) {
        throw withoutOwnFrames(error);
      }
      return next(url, context);
    },
  });
}
