// Builds dist/: type check, the bundles, one declaration file.
//   node build.mjs            writes dist/
//   node build.mjs --check    builds to memory and compares with dist/
//   node build.mjs --internals FILE   bundles internal modules, for the tests
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const at = (...parts) => join(here, ...parts);

const shared = {
  absWorkingDir: here,
  bundle: true,
  platform: 'node',
  target: 'node20',
  write: false,
  external: ['internal/*', './loader.cjs'],
  define: { PACKAGE_VERSION: JSON.stringify(JSON.parse(readFileSync(at('package.json'), 'utf8')).version) },
  charset: 'utf8',
  legalComments: 'none',
  // Node reads the bundles at every start of a domain.
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160,
  logLevel: 'warning',
};

/** For modules that `require` what they rarely need. */
const REQUIRE = `import { createRequire as r } from 'node:module';const require = r(import.meta.url), __dirname = import.meta.dirname;`;

/** Names are kept only where they are in stacks. */
async function bundle(entry, format, { minifyIdentifiers = false, banner = '' } = {}) {
  const result = await build({ ...shared, entryPoints: [entry], format, outfile: 'out', minifyIdentifiers, banner: { js: banner } });
  return result.outputFiles[0].text;
}

function typescript(...args) {
  const { status } = spawnSync(process.execPath, [at('node_modules/typescript/bin/tsc'), ...args], { cwd: here, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(1);
}

/** The modules with public declarations, dependencies first. */
const PUBLIC_MODULES = ['errors', 'options', 'handlers', 'database', 'email', 'domain'];

/**
 * One declaration file for each entry out of the compiler's one per module: what it exports, without the
 * imports between the modules. The results are type-checked by themselves, so nothing can be missing.
 */
function declarations() {
  const dir = mkdtempSync(join(tmpdir(), 'fulcrum-sdk-types-'));
  try {
    typescript('-p', 'tsconfig.json', '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--stripInternal', '--outDir', dir);
    const index = readFileSync(join(dir, 'index.d.ts'), 'utf8');
    const names = new Set([...index.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap((match) => match[1].split(',').map((name) => name.trim())));
    const selected = PUBLIC_MODULES.flatMap((module) => {
      const text = readFileSync(join(dir, `${module}.d.ts`), 'utf8');
      return statements(text).filter(({ name }) => names.has(name)).map((statement) => statement.text);
    });
    const testing = readFileSync(join(dir, 'testing.d.ts'), 'utf8');
    const ofTests = [readFileSync(join(dir, 'local-runtime.d.ts'), 'utf8'), testing].flatMap((text) => statements(text))
      .filter(({ name }) => name !== 'LocalRuntime').map((statement) => statement.text);
    const files = {
      'index.d.ts': `${front(index)}\n\n${selected.join('\n\n')}\n`,
      'testing.d.ts': `${front(testing)}\nimport type { DomainBase } from './index.js';\n\n${ofTests.join('\n\n')}\n`,
    };
    const checked = join(dir, 'checked');
    mkdirSync(checked);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(checked, name), text);
    typescript('--noEmit', '--strict', '--target', 'es2022', '--types', '', '--ignoreConfig', ...Object.keys(files).map((name) => join(checked, name)));
    return files;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The comment at the beginning of a file. */
function front(text) {
  return /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? '';
}

/** Top-level exported declarations with their doc comments. */
function statements(text) {
  const found = [];
  const pattern = /(?:^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export (?:declare )?(?:class|interface|type|function|const) (\w+)[\s\S]*?(?=^\/\*\*|^export |^import |(?![\s\S]))/gm;
  for (const match of text.matchAll(pattern)) found.push({ name: match[1], text: match[0].trimEnd() });
  return found;
}

async function everything() {
  const [required, imported, bootstrap, loader, hooks, preload, requiredTesting, importedTesting] = await Promise.all([
    bundle('src/entry-cjs.ts', 'cjs'),
    bundle('src/entry-esm.ts', 'esm'),
    bundle('src/bootstrap/main.ts', 'cjs'),
    bundle('src/bootstrap/loader.ts', 'cjs', { minifyIdentifiers: true }),
    bundle('src/bootstrap/hooks.ts', 'esm', { minifyIdentifiers: true, banner: REQUIRE }),
    bundle('src/bootstrap/preload.ts', 'esm', { minifyIdentifiers: true, banner: REQUIRE }),
    bundle('src/testing.ts', 'cjs'),
    bundle('src/testing.ts', 'esm'),
  ]);
  return { 'index.cjs': required, 'index.mjs': imported, 'bootstrap.cjs': bootstrap, 'loader.cjs': loader, 'hooks.mjs': hooks, 'preload.mjs': preload, 'testing.cjs': requiredTesting, 'testing.mjs': importedTesting, ...declarations() };
}

const [mode, target] = process.argv.slice(2);
if (mode === '--internals') {
  const text = await bundle('src/internals.ts', 'cjs');
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
} else {
  typescript('-p', 'tsconfig.json');
  const files = await everything();
  const stale = [];
  for (const [name, text] of Object.entries(files)) {
    const path = at('dist', name);
    if (mode === '--check') {
      let present = '';
      try { present = readFileSync(path, 'utf8'); } catch { /* a missing file differs */ }
      if (present !== text) stale.push(name);
    } else {
      mkdirSync(at('dist'), { recursive: true });
      writeFileSync(path, text);
    }
  }
  if (stale.length > 0) {
    console.error(`dist/ differs from the build of src/: ${stale.join(', ')}. Run \`npm run build\` in sdk/node and commit the result.`);
    process.exit(1);
  }
}
