/**
 * ES modules that stand for other kinds of modules. Their frames look like those of Node's own
 * translators, which they replace.
 */
const SOURCE_URL = '\n//# sourceURL=node:internal/modules/esm/translators';

/** A name that can be exported: no lone surrogates. */
const isExportable = (name: string) => name !== 'default' && name !== 'module.exports' && encodable(name);

function encodable(name: string): boolean {
  try {
    encodeURIComponent(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * A module for a CommonJS file: its exports as `default`, and by name. The file is loaded by `require`'s
 * own loader, so it is the same module for both, with all that a CommonJS module can do.
 */
export function commonjsText(path: string, names: readonly string[], isMain = false): string {
  const exported = [...new Set(names)].filter(isExportable);
  const whole = parseInt(process.versions.node, 10) >= 23 ? ',e as"module.exports"' : '';
  return `import m from"node:module";const e=m._load(${JSON.stringify(path)}${isMain ? ',null,true' : ''});const v=(n)=>{try{return Object.prototype.hasOwnProperty.call(e,n)?e[n]:void 0}catch{}};${
    exported.map((name, index) => `const x${index}=v(${JSON.stringify(name)});`).join('')}export{e as default${whole}${
    exported.map((name, index) => `,x${index} as ${JSON.stringify(name)}`).join('')}};${SOURCE_URL}`;
}

/** A module for a JSON file that is imported without an attribute. */
export function jsonText(path: string, json: string): string {
  let names: string[] = [];
  try {
    const value: unknown = JSON.parse(json.replace(/^\uFEFF/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) names = Object.keys(value);
  } catch {
    // Reported when it is evaluated, with the file's name.
  }
  return commonjsText(path, names).replace(',e as"module.exports"', '');
}

/** CommonJS code with its names where Node's lexer finds them. */
export function withNames(code: string, names: readonly string[]): string {
  return `${code}\nif(0){${names.filter(isExportable).map((name) => `exports[${JSON.stringify(name)}]=0;`).join('')}}`;
}
