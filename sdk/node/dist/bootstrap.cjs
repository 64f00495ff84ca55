"use strict";
var __defProp = Object.defineProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });

// src/bootstrap/auto-start.ts
var import_node_fs = require("node:fs");

// src/bootstrap/builtins.ts
function nodeModule() {
  return require("node:module");
}
__name(nodeModule, "nodeModule");
function urlOf(path) {
  return require("node:url").pathToFileURL(path).href;
}
__name(urlOf, "urlOf");
function pathOf(url) {
  return require("node:url").fileURLToPath(url);
}
__name(pathOf, "pathOf");

// src/bootstrap/auto-start.ts
var BRAND = /* @__PURE__ */ Symbol.for("fulcrum.domain");
var INSTANCES = /* @__PURE__ */ Symbol.for("fulcrum.domain.instances");
var PATIENCE_MS = 2e3;
var LOOK_EVERY_MS = 100;
function autoStart(entry) {
  setImmediate(() => {
    const main = process.mainModule;
    if (main?.loaded) void start(main.exports, entry);
    else if (main === void 0 || preloadsModules()) importMain(entry);
  });
}
__name(autoStart, "autoStart");
function importMain(entry) {
  let url;
  try {
    url = urlOf((0, import_node_fs.realpathSync)(entry));
  } catch {
    return;
  }
  import(url).then((exports2) => start(exports2, entry), () => void 0);
}
__name(importMain, "importMain");
function preloadsModules() {
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  return /(^|\s)--(import|(experimental-)?loader)\b/.test(flags);
}
__name(preloadsModules, "preloadsModules");
async function start(exports2, entry) {
  const exported = defaultOf(exports2);
  try {
    if (isStoppedSdkInstance(exported)) await exported.start();
    else if (isDomainClass(exported) && !await startsItself(exported, entry)) await new exported().start();
  } catch (error) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    process.stderr.write(`fulcrum: the domain failed to start: ${text}
`);
    process.exit(1);
  }
}
__name(start, "start");
function defaultOf(exports2) {
  let value = exports2;
  for (let depth = 0; depth < 2; depth++) {
    if (typeof value !== "object" || value === null || !("default" in value)) break;
    value = value.default;
  }
  return value;
}
__name(defaultOf, "defaultOf");
function isDomainClass(value) {
  return typeof value === "function" && typeof value.prototype?.start === "function";
}
__name(isDomainClass, "isDomainClass");
function isStoppedSdkInstance(value) {
  return typeof value === "object" && value !== null && BRAND in value;
}
__name(isStoppedSdkInstance, "isStoppedSdkInstance");
async function startsItself(exported, entry) {
  if (isConstructed(exported)) return true;
  if (!mentionsNew(entry, exported.name)) return false;
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_EVERY_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (isConstructed(exported)) return true;
  }
  return false;
}
__name(startsItself, "startsItself");
function isConstructed(exported) {
  if (BRAND in exported.prototype) {
    const instances = globalThis[INSTANCES];
    return [...instances ?? []].some((instance) => instance instanceof exported);
  }
  return hasInstances(exported);
}
__name(isConstructed, "isConstructed");
function hasInstances(exported) {
  const { queryObjects } = require("node:v8");
  if (!queryObjects) return false;
  const { emitWarning } = process;
  process.emitWarning = () => void 0;
  try {
    return queryObjects(exported, { format: "count" }) > 0;
  } finally {
    process.emitWarning = emitWarning;
  }
}
__name(hasInstances, "hasInstances");
function mentionsNew(entry, name) {
  if (!/^[\w$]+$/.test(name)) return false;
  try {
    const text = (0, import_node_fs.readFileSync)(entry, "utf8");
    if (!/\bnew\s/.test(text)) return false;
    const code = text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*/gm, "$1");
    return new RegExp(`\\bnew\\s+${name.replaceAll("$", "\\$")}(?![\\w$])`).test(code);
  } catch {
    return false;
  }
}
__name(mentionsNew, "mentionsNew");

// src/bootstrap/compile-cache.ts
var AFTER_MS = 2e3;
function keepCompileCache() {
  if (!process.env.NODE_COMPILE_CACHE) return;
  setTimeout(() => nodeModule().flushCompileCache?.(), AFTER_MS).unref();
}
__name(keepCompileCache, "keepCompileCache");

// src/bootstrap/output.ts
function blockOnPipes() {
  for (const name of ["stdout", "stderr"]) {
    const native = Object.getOwnPropertyDescriptor(process, name);
    const get = native?.get;
    if (!native?.configurable || !get) continue;
    Object.defineProperty(process, name, {
      ...native,
      get() {
        Object.defineProperty(process, name, native);
        const stream = get.call(process);
        if (stream._type === "pipe") stream._handle?.setBlocking?.(true);
        return stream;
      }
    });
  }
}
__name(blockOnPipes, "blockOnPipes");

// src/bootstrap/plan.ts
var VERSION = 1;
function readPlan(text) {
  if (!text) return void 0;
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return void 0;
  }
  if (typeof value !== "object" || value === null || value.v !== VERSION) return void 0;
  const { parent, entry, ts, sdk } = value;
  if (typeof parent !== "number" || typeof entry !== "string") return void 0;
  return { parent, entry, ts: readTypeScript(ts), sdk: typeof sdk === "string" ? sdk : null };
}
__name(readPlan, "readPlan");
function readTypeScript(value) {
  if (typeof value !== "object" || value === null) return null;
  const { manifest, strip, commonjs } = value;
  if (typeof manifest !== "string" || !Array.isArray(strip) || !strip.every((part) => typeof part === "string")) return null;
  return { manifest, strip, commonjs: commonjs === true };
}
__name(readTypeScript, "readTypeScript");
function isDomainProcess(plan2) {
  if (process.ppid !== plan2.parent || process.argv[1] !== plan2.entry) return false;
  return !("disabled" in process.abort);
}
__name(isDomainProcess, "isDomainProcess");

// src/bootstrap/sdk.ts
var NAMES = /* @__PURE__ */ new Set(["@fulcrum/domain", "fulcrum"]);
function isSdk(specifier) {
  return NAMES.has(specifier);
}
__name(isSdk, "isSdk");
function requiredFile(folder) {
  return `${folder}/dist/index.cjs`;
}
__name(requiredFile, "requiredFile");
function importedUrl(folder) {
  return urlOf(`${folder}/dist/index.mjs`);
}
__name(importedUrl, "importedUrl");
function provideSdk(folder) {
  const open = nodeModule();
  const resolveFilename = open._resolveFilename;
  open._resolveFilename = function(request, ...rest) {
    try {
      return resolveFilename.call(this, request, ...rest);
    } catch (error) {
      if (!isSdk(request) || error.code !== "MODULE_NOT_FOUND") throw error;
      return requiredFile(folder);
    }
  };
  if (!open.registerHooks) return true;
  open.registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!isSdk(specifier) || error.code !== "ERR_MODULE_NOT_FOUND") throw error;
        return { url: importedUrl(folder), format: "module", shortCircuit: true };
      }
    }
  });
  return false;
}
__name(provideSdk, "provideSdk");

// src/bootstrap/urls.ts
var TYPESCRIPT = /\.[mc]?ts$/;
function typescriptPath(url, pathOf2) {
  if (!url.startsWith("file:")) return void 0;
  const end = url.search(/[?#]/);
  const bare = end < 0 ? url : url.slice(0, end);
  return TYPESCRIPT.test(bare) ? pathOf2(bare) : void 0;
}
__name(typescriptPath, "typescriptPath");

// src/bootstrap/cascaded-loader.ts
var FLAG = "--expose-internals";
function patchCascadedLoader(files) {
  if (!process.execArgv.includes(FLAG)) return false;
  let loader;
  let loads;
  try {
    loader = require("internal/modules/esm/loader").getOrInitializeCascadedLoader();
    require("internal/modules/esm/resolve");
    loads = require("internal/modules/esm/load");
    if (typeof loader.load !== "function" || typeof loader.resolve !== "function") return false;
  } catch {
    return false;
  } finally {
    hideFlag();
  }
  const load = loader.load;
  loader.load = async function(url, context) {
    const path = typescriptPath(url, pathOf);
    if (path === void 0) return load.call(this, url, context);
    const { code, format } = files.load(path);
    return { format, responseURL: url, source: format === "module" ? code : null };
  };
  const { defaultLoadSync } = loads;
  if (typeof defaultLoadSync === "function") {
    loads.defaultLoadSync = (url, context) => {
      const path = typescriptPath(url, pathOf);
      if (path === void 0) return defaultLoadSync(url, context);
      const { code, format } = files.load(path);
      return { format, responseURL: url, source: code };
    };
  }
  shadowInternals(loader);
  return true;
}
__name(patchCascadedLoader, "patchCascadedLoader");
function hideFlag() {
  const at = process.execArgv.indexOf(FLAG);
  if (at >= 0) process.execArgv.splice(at, 1);
}
__name(hideFlag, "hideFlag");
function shadowInternals(loader) {
  const open = nodeModule();
  const internal = /* @__PURE__ */ __name((id) => id.startsWith("internal/"), "internal");
  open.builtinModules = Object.freeze(open.builtinModules.filter((id) => !internal(id)));
  const { isBuiltin, _resolveFilename: resolveFilename } = open;
  open.isBuiltin = (id) => !internal(id) && isBuiltin(id);
  open._resolveFilename = function(request, ...rest) {
    if (typeof request !== "string" || !internal(request)) return resolveFilename.call(this, request, ...rest);
    const found = open._findPath(request, rest[0]?.paths ?? []);
    if (found) return found;
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: "MODULE_NOT_FOUND" });
  };
  const resolve = loader.resolve;
  loader.resolve = function(specifier, parentURL, attributes) {
    if (!internal(String(specifier)) || parentURL === void 0 || !parentURL.startsWith("file:")) return resolve.call(this, specifier, parentURL, attributes);
    const path = open.createRequire(parentURL).resolve(specifier);
    return resolve.call(this, urlOf(path), parentURL, attributes);
  };
}
__name(shadowInternals, "shadowInternals");

// src/bootstrap/require-hook.ts
function hookRequire(files) {
  const extensions = nodeModule()._extensions;
  const value = /* @__PURE__ */ __name((module2, filename) => {
    const { code, format } = files.load(filename);
    if (canCompileModules()) module2._compile(code, filename, format);
    else if (format === "commonjs") module2._compile(code, filename);
    else importInstead(module2, filename);
  }, "value");
  for (const extension of [".ts", ".cts", ".mts"]) {
    Object.defineProperty(extensions, extension, { value, configurable: true, writable: true, enumerable: false });
  }
}
__name(hookRequire, "hookRequire");
function canCompileModules() {
  return process.features.require_module === true;
}
__name(canCompileModules, "canCompileModules");
function importInstead(module2, filename) {
  if (process.mainModule !== module2) {
    throw Object.assign(new Error(`require() of ES Module ${filename} is not supported by Node ${process.version}: use import()`), { code: "ERR_REQUIRE_ESM" });
  }
  process.mainModule = void 0;
  void import(urlOf(filename));
}
__name(importInstead, "importInstead");

// src/bootstrap/stripped.ts
var import_node_fs2 = require("node:fs");
var StrippedFiles = class {
  static {
    __name(this, "StrippedFiles");
  }
  #plan;
  #childProcess;
  #manifest;
  /** @param childProcess gives the module when it is needed, which is seldom: it takes time to load */
  constructor(plan2, childProcess) {
    this.#plan = plan2;
    this.#childProcess = childProcess;
  }
  /** @throws SyntaxError naming the file when it can't be stripped; what fs throws when it isn't there */
  load(path) {
    const entry = (this.#manifest ??= readManifest(this.#plan.manifest))[path];
    if (entry) {
      const { size, mtimeMs } = (0, import_node_fs2.statSync)(path);
      if (size === entry.size && Math.floor(mtimeMs) === entry.mtime_ms) {
        try {
          return { code: (0, import_node_fs2.readFileSync)(entry.code, "utf8"), format: entry.format };
        } catch {
        }
      }
    }
    return this.#strip(path);
  }
  #strip(path) {
    (0, import_node_fs2.statSync)(path);
    const [program = "", ...args] = this.#plan.strip;
    const result = this.#childProcess().spawnSync(program, [...args, path], { encoding: "utf8", maxBuffer: 256 * 1024 * 1024, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    if (result.error) throw new SyntaxError(`${path}: its types can't be stripped: ${program}: ${result.error.message}`);
    if (result.status !== 0) {
      const reason = result.stderr.trim() || `${program} ended with ${result.signal ?? `code ${result.status}`}`;
      throw new SyntaxError(reason.includes(path) ? reason : `${path}: ${reason}`);
    }
    try {
      const { code, format } = JSON.parse(result.stdout);
      if (typeof code === "string" && (format === "module" || format === "commonjs")) return { code, format };
    } catch {
    }
    throw new SyntaxError(`${path}: its types can't be stripped: ${program} printed no {"code", "format"}`);
  }
};
function readManifest(path) {
  try {
    const { files } = JSON.parse((0, import_node_fs2.readFileSync)(path, "utf8"));
    return { __proto__: null, ...files };
  } catch {
    return {};
  }
}
__name(readManifest, "readManifest");

// src/bootstrap/typescript.ts
function hookTypeScript(plan2) {
  const files = new StrippedFiles(plan2, () => require("node:child_process"));
  hookRequire(files);
  const open = nodeModule();
  if (open.registerHooks) {
    open.registerHooks({
      load(url, context, next) {
        const path = typescriptPath(url, pathOf);
        if (path === void 0) return next(url, context);
        const { code, format } = files.load(path);
        return { format, source: code, shortCircuit: true };
      }
    });
    return false;
  }
  return !plan2.commonjs && !patchCascadedLoader(files);
}
__name(hookTypeScript, "hookTypeScript");

// src/bootstrap/main.ts
var plan = readPlan(process.env.FULCRUM_BOOTSTRAP);
if (plan) follow(plan);
function follow({ ts, sdk, entry, ...rest }) {
  const typesNeedThread = ts !== null && hookTypeScript(ts);
  const sdkNeedsThread = sdk !== null && provideSdk(sdk);
  if (typesNeedThread || sdkNeedsThread) {
    const data = { ts: typesNeedThread ? ts : null, sdk: sdk && sdkNeedsThread ? importedUrl(sdk) : null };
    nodeModule().register(urlOf(`${__dirname}/hooks.mjs`), { data });
  }
  if (isDomainProcess({ ts, sdk, entry, ...rest })) {
    blockOnPipes();
    autoStart(entry);
    keepCompileCache();
  }
}
__name(follow, "follow");
