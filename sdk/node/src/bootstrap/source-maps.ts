import { nodeModule, urlOf } from './builtins.ts';

let enabled = false;
/** Maps are added by this module. */
let late = false;
/** The maps of loaded files, by URL, until a stack needs them. */
const waiting = new Map<string, string>();
const MAP_COMMENT = 'sourceMappingURL=';

/**
 * Makes Node map the positions in stacks; not for packages, where this Node can leave them out.
 *
 * Most versions of Node read the map of a file as soon as they compile it, which takes half as long as
 * all the rest of the start. There a map is added when the file is in a stack that is formatted.
 *
 * @param isTold all files are loaded in this thread, so {@link noteSourceMap} is told of them
 */
export function enableSourceMaps(isTold: boolean): void {
  if (enabled) return;
  enabled = true;
  // The domain has enabled them itself, perhaps for packages too.
  if ((process as { sourceMapsEnabled?: boolean }).sourceMapsEnabled) return;
  const format = Error.prepareStackTrace as Format | undefined;
  late = isTold && !readsMapsLate() && typeof format === 'function';
  if (late && format) onStacks(format);
  else switchOn();
}

/** Must be told of every file that is compiled. */
export function noteSourceMap(path: string, code: string): void {
  if (!late) return;
  const at = code.lastIndexOf(MAP_COMMENT);
  if (at >= 0) waiting.set(urlOf(path), code.slice(at + MAP_COMMENT.length).trim());
}

function switchOn(): void {
  const { setSourceMapsSupport } = nodeModule();
  if (setSourceMapsSupport) setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  else process.setSourceMapsEnabled(true);
}

/** Whether this Node reads a map when a stack needs it. */
function readsMapsLate(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 26 || (major === 26 && minor >= 12) || (major === 24 && minor >= 22);
}

/** Adds a map to those of Node. It looks for these comments in code that is evaluated. */
function register(url: string, map: string): void {
  try {
    (0, eval)(`//# sourceURL=${url}\n//# sourceMappingURL=${map}`);
  } catch {
    // Code generation is forbidden: then columns are those of the transformed code; the lines are right.
  }
}

type Format = (error: Error, trace: NodeJS.CallSite[]) => unknown;

/** Adds the maps of files that are in a stack, just before Node formats it. */
function onStacks(format: Format): void {
  let on = false;
  // Named like Node's own, which a program may look at or restore.
  const named = {
    ErrorPrepareStackTrace(error: Error, trace: NodeJS.CallSite[]) {
      for (const site of trace) {
        const file = site.getFileName();
        const url = file?.startsWith('/') ? urlOf(file) : file;
        const map = url ? waiting.get(url) : undefined;
        if (!url || map === undefined) continue;
        if (!on) switchOn();
        on = true;
        waiting.delete(url);
        register(url, map);
      }
      return format(error, trace);
    },
  };
  Error.prepareStackTrace = named.ErrorPrepareStackTrace;
  // Node shows the line of the source above the stack, if it has the map by then.
  process.on('uncaughtExceptionMonitor', (error: unknown) => {
    if (error instanceof Error) void error.stack;
  });
}
