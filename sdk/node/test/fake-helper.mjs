// What Fulcrum does before a start, for the few annotations and specifiers that these tests use: makes
// the table, and answers like the helper command when it is run.
import { appendFileSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const HELPER = fileURLToPath(import.meta.url);
const ORDER = { '.js': ['.ts', '.tsx', '.js'], '.mjs': ['.mts', '.mjs'], '.cjs': ['.cts', '.cjs'] };
const TYPESCRIPT = /\.(?:[mc]?ts|tsx)$/;

/** Other processes may read the file meanwhile. */
function write(file, text) {
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}

/** Strips types, keeping every position. An `enum` becomes code that is longer than its source. */
function compile(path, source, cache) {
  const at = source.indexOf('broken');
  if (at >= 0) return { code: null, error: `${path}:1:${at + 1}: this is broken` };
  let code = source.replace(/: (?:string|number|any)\b|^type .*;$|\bprivate (?=\w)/gm, (text) => ' '.repeat(text.length));
  if (source.startsWith('/* lowered */')) code = code.replace(/^import \{ (\w+) \} from ('[^']+');/gm, 'const { $1 } = require($2);').replace(/^export const (\w+)/gm, 'const $1 = exports.$1');
  const format = /\.mts$/.test(path) || (!/\.cts$/.test(path) && /^(?:import|export) |\bawait /m.test(code)) ? 'module' : 'commonjs';
  const exports = format === 'commonjs' && !/= require\(|\.\.\.require/.test(source) ? [...code.matchAll(/^(?:const \w+ = )?exports\.(\w+)/gm)].map((match) => match[1]) : null;
  const file = join(cache, path.replaceAll('/', '-'));
  mkdirSync(cache, { recursive: true });
  if (source.includes('enum ')) {
    // Each word of the enum stands for a position that moves: `enum E { A }` on one line.
    const moved = '/* moved */ ';
    code = code.replace(/\benum (\w+) \{ (\w+) \}/, (_, name, member) => `var ${name} = { ${member}: 0 };`).replace(/throw/, `${moved}throw`);
    const line = code.split('\n').findIndex((text) => text.includes(moved));
    if (line >= 0) {
      const column = code.split('\n')[line].indexOf(moved);
      write(`${file}.map`, JSON.stringify({ version: 3, sources: [pathToFileURL(path).href], names: [], mappings: mappings(code.split('\n').length, line, column, moved.length) }));
      code += `\n//# sourceMappingURL=${pathToFileURL(`${file}.map`).href}`;
    }
  }
  write(file, code);
  return { code: file, format, exports };
}

const VLQ = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
function vlq(value) {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = '';
  do {
    const digit = rest & 31;
    rest >>= 5;
    text += VLQ[digit | (rest > 0 ? 32 : 0)];
  } while (rest > 0);
  return text;
}

/** A map of equal positions, but for one line in which all after `column` is moved by `moved`. */
function mappings(lines, line, column, moved) {
  let [previousLine, previousColumn] = [0, 0];
  const segment = (generated, originalLine, originalColumn) => {
    const text = vlq(generated) + vlq(0) + vlq(originalLine - previousLine) + vlq(originalColumn - previousColumn);
    [previousLine, previousColumn] = [originalLine, originalColumn];
    return text;
  };
  return Array.from({ length: lines }, (_, at) => (at === line ? [segment(0, at, 0), segment(column, at, column), segment(moved, at, column)].join(',') : segment(0, at, 0))).join(';');
}

/** The file that a specifier means; undefined for packages, and for what does not exist. */
export function resolveLike(specifier, from, root) {
  const bare = specifier.replace(/[?#].*$/, '');
  const base = bare.startsWith('@/') ? join(root, bare.slice(2)) : bare.startsWith('file:') ? fileURLToPath(bare) : /^\.?\.?\//.test(bare) ? resolve(dirname(from), bare) : undefined;
  if (base === undefined) return undefined;
  const extension = /\.[mc]?js$/.exec(base)?.[0];
  const stem = extension ? base.slice(0, -extension.length) : base;
  const candidates = [...(ORDER[extension] ?? []).map((other) => stem + other), base, ...['.ts', '.tsx', '.js', '/index.ts'].map((other) => base + other)];
  const found = candidates.find((path) => existsSync(path) && statSync(path).isFile());
  return found && realpathSync(found);
}

/** The fragment for a file and all that it imports. */
export function fragmentOf(paths, { root, cache, aliases = false, skipped = () => false }) {
  const fragment = { v: 2, inputs: aliases ? [join(root, 'tsconfig.json')] : [], aliases, maps: false, files: {}, imports: {}, requires: {} };
  const visit = (path) => {
    if (fragment.files[path] || fragment.imports[path] || skipped(path)) return;
    const source = readFileSync(path, 'utf8');
    // JavaScript with imports where its package says CommonJS.
    const isLowered = /\.js$/.test(path) && source.startsWith('/* lowered */');
    if (TYPESCRIPT.test(path) || isLowered) {
      const { size, mtimeMs } = statSync(path);
      fragment.files[path] = { size, mtime_ms: Math.floor(mtimeMs), format: 'commonjs', exports: null, ...compile(path, source, cache) };
      if (source.includes('enum ')) fragment.maps = true;
    }
    const imports = (fragment.imports[path] ??= {});
    for (const [pattern, targets] of [[/(?:from|import|import\()\s*'([^']+)'/g, imports], [/require\('([^']+)'\)/g, (fragment.requires[path] ??= {})]]) {
      for (const [, specifier] of source.matchAll(pattern)) {
        const target = resolveLike(specifier, path, root);
        if (target === undefined) continue;
        (isLowered && pattern.source.startsWith('(?:from') ? (fragment.requires[path] ??= {}) : targets)[specifier] = target;
        if (!target.endsWith('.json')) visit(target);
      }
    }
  };
  paths.forEach(visit);
  return fragment;
}

function answer() {
  const { root, cache, aliases } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  const request = JSON.parse(process.argv.at(-1));
  appendFileSync(join(root, 'asked'), `${JSON.stringify(request)}\n`);
  if (request.v !== 2 || !/^\d+\.\d+\.\d+/.test(request.node)) throw new Error('a bad request');
  if (request.lower) {
    const source = readFileSync(request.lower, 'utf8');
    const { size, mtimeMs } = statSync(request.lower);
    const code = source.replace(/^export const (\w+)/gm, 'const $1 = exports.$1').replace(/^import \{ (\w+) \} from ('[^']+')/gm, 'const { $1 } = require($2)');
    const file = join(cache, `lowered${request.lower.replaceAll('/', '-')}`);
    write(file, code);
    const entry = source.includes('await ') ? { code: null, error: 'top-level await' } : { code: file, format: 'commonjs', exports: null };
    process.stdout.write(JSON.stringify({ files: { [request.lower]: { size, mtime_ms: Math.floor(mtimeMs), ...entry } } }));
    return;
  }
  const resolved = request.resolve === undefined ? request.load : (resolveLike(request.resolve, request.from, root) ?? null);
  const fragment = resolved === null ? {} : fragmentOf([resolved], { root, cache, aliases });
  process.stdout.write(JSON.stringify({ ...fragment, ...(request.resolve === undefined ? {} : { resolved }) }));
}

if (process.argv[1] === HELPER) answer();
