var __defProp = Object.defineProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });

// src/bootstrap/hooks.ts
import childProcess from "node:child_process";
import { fileURLToPath } from "node:url";

// src/bootstrap/stripped.ts
import { readFileSync, statSync } from "node:fs";
var StrippedFiles = class {
  static {
    __name(this, "StrippedFiles");
  }
  #plan;
  #childProcess;
  #manifest;
  /** @param childProcess gives the module when it is needed, which is seldom: it takes time to load */
  constructor(plan, childProcess2) {
    this.#plan = plan;
    this.#childProcess = childProcess2;
  }
  /** @throws SyntaxError naming the file when it can't be stripped; what fs throws when it isn't there */
  load(path) {
    const entry = (this.#manifest ??= readManifest(this.#plan.manifest))[path];
    if (entry) {
      const { size, mtimeMs } = statSync(path);
      if (size === entry.size && Math.floor(mtimeMs) === entry.mtime_ms) {
        try {
          return { code: readFileSync(entry.code, "utf8"), format: entry.format };
        } catch {
        }
      }
    }
    return this.#strip(path);
  }
  #strip(path) {
    statSync(path);
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
    const { files: files2 } = JSON.parse(readFileSync(path, "utf8"));
    return { __proto__: null, ...files2 };
  } catch {
    return {};
  }
}
__name(readManifest, "readManifest");

// src/bootstrap/urls.ts
var TYPESCRIPT = /\.[mc]?ts$/;
function typescriptPath(url, pathOf) {
  if (!url.startsWith("file:")) return void 0;
  const end = url.search(/[?#]/);
  const bare = end < 0 ? url : url.slice(0, end);
  return TYPESCRIPT.test(bare) ? pathOf(bare) : void 0;
}
__name(typescriptPath, "typescriptPath");

// src/bootstrap/hooks.ts
var files;
var sdk = null;
function initialize(data) {
  if (data.ts) files = new StrippedFiles(data.ts, () => childProcess);
  sdk = data.sdk;
}
__name(initialize, "initialize");
async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    const missing = error.code === "ERR_MODULE_NOT_FOUND";
    if (!sdk || !missing || specifier !== "@fulcrum/domain" && specifier !== "fulcrum") throw error;
    return { url: sdk, format: "module", shortCircuit: true };
  }
}
__name(resolve, "resolve");
async function load(url, context, next) {
  const path = files && typescriptPath(url, fileURLToPath);
  if (!files || path === void 0) return next(url, context);
  const { code, format } = files.load(path);
  return { format, source: format === "module" ? code : null, shortCircuit: true };
}
__name(load, "load");
export {
  initialize,
  load,
  resolve
};
