import { readFileSync } from 'node:fs';
import { nodeModule } from './builtins.ts';
import { internalModule } from './host.ts';
import { isInPackage } from './table.ts';
import type { TypeScriptFiles } from './typescript-files.ts';

interface Found {
  exports: Iterable<string>;
  /** Specifiers whose names are exported again. */
  reexports: Iterable<string>;
}

/**
 * The names that CommonJS code exports, and what it exports again. Node itself would search the file on
 * disk, whose types confuse its lexer.
 */
export function namesIn(path: string, code: string, files: TypeScriptFiles): readonly string[] {
  const parse = internalModule<{ parse?(code: string): Found }>('internal/deps/cjs-module-lexer/lexer')?.parse ?? findNames;
  const names = new Set<string>();
  const visited = new Set<string>();
  const collect = (file: string, text: string) => {
    if (visited.has(file)) return;
    visited.add(file);
    try {
      const found = parse(text);
      for (const name of found.exports) names.add(name);
      for (const specifier of found.reexports) collectFile(nodeModule().createRequire(file).resolve(specifier));
    } catch {
      // What does not parse, or is missing, is reported when it is loaded.
    }
  };
  const collectFile = (file: string) => {
    if (!file.startsWith('/')) return;
    const source = !isInPackage(file) && files.covers(file) ? files.load(file) : undefined;
    if (source?.exports) for (const name of source.exports) names.add(name);
    else collect(file, source?.code ?? readFileSync(file, 'utf8'));
  };
  collect(path, code);
  return [...names];
}

/** Comments and other text that is skipped, or the start of an export. */
const TOKEN = new RegExp([
  String.raw`//.*|/\*[\s\S]*?\*/`,
  String.raw`(?:\bmodule\.|(?<![\w$.]))exports\s*(?:\.\s*(?<dotted>[\w$]+)|\[\s*(?<quote>['"])(?<keyed>.*?)\k<quote>\s*\])\s*=(?!=)`,
  String.raw`\bdefineProperty\s*\(\s*(?:module\.)?exports\s*,\s*(?<q2>['"])(?<defined>.*?)\k<q2>`,
  String.raw`\bmodule\.exports\s*=\s*(?:require\s*\(\s*(?<q3>['"])(?<whole>.*?)\k<q3>|(?<literal>\{))`,
  String.raw`\b\w*export_?star\s*\(\s*require\s*\(\s*(?<q4>['"])(?<star>.*?)\k<q4>`,
  String.raw`'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|` + '`(?:[^`\\\\]|\\\\[\\s\\S])*`',
].join('|'), 'gi');

/** Finds the usual forms without Node's lexer, which is not accessible then. */
export function findNames(code: string): Found {
  const exports = new Set<string>();
  let reexports = new Set<string>();
  for (const { index, 0: text, groups = {} } of code.matchAll(TOKEN)) {
    const name = groups.dotted ?? groups.keyed ?? groups.defined;
    if (name !== undefined) exports.add(name);
    if (groups.star !== undefined) reexports.add(groups.star);
    if (groups.whole !== undefined) reexports = new Set([groups.whole]);
    if (groups.literal !== undefined) addKeys(code, index + text.length, exports, reexports);
  }
  return { exports, reexports };
}

/** Text in an object literal: what nests, what separates, a key at its place, or what is skipped. */
const MEMBER = /\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|\.\.\.\s*require\s*\(\s*(['"])(?<spread>.*?)\1\s*\)|[\w$]+|[([{]|[)\]}]|,|\S/g;

/** The keys of an object literal. */
function addKeys(code: string, start: number, exports: Set<string>, reexports: Set<string>): void {
  const pattern = new RegExp(MEMBER);
  pattern.lastIndex = start;
  let depth = 0;
  let atKey = true;
  for (let match = pattern.exec(code); match; match = pattern.exec(code)) {
    const [text] = match;
    if (text.startsWith('//') || text.startsWith('/*')) continue;
    if (/^[)\]}]$/.test(text) && --depth < 0) return;
    if (atKey && match.groups?.spread !== undefined) reexports.add(match.groups.spread);
    else if (atKey && /^(?:get|set|async)$/.test(text) && /^\s+[\w$]/.test(code.slice(pattern.lastIndex))) continue;
    else if (atKey && /^[\w$]/.test(text)) exports.add(text);
    else if (atKey && /^['"]/.test(text)) exports.add(text.slice(1, -1));
    if (/^[([{]$/.test(text)) depth++;
    atKey = depth === 0 && text === ',';
  }
}
