import type { Source } from './typescript-files.ts';

/** What Node says of code that is written for the other kind of module, and the cure. */
const MISTAKES: readonly { says: RegExp; cure: string }[] = [
  { says: /^ReferenceError: (__dirname|__filename) is not defined/, cure: 'use import.meta.dirname or import.meta.filename (Node 20.11 and later), or name the file .cts to make it CommonJS' },
  { says: /^ReferenceError: (require|module|exports) is not defined/, cure: 'use import and export, or createRequire(import.meta.url) of node:module, or name the file .cts to make it CommonJS' },
  { says: /^SyntaxError: Cannot use 'import\.meta' outside a module/, cure: 'set "type": "module" in package.json, or name the file .mts to make it an ES module' },
];
const SUSPICIOUS = { module: /\b(?:__dirname|__filename|require|module|exports)\b/, commonjs: /\bimport\.meta\b/ };

let explaining = false;

/** Adds the cure to such errors when they end the process, if code looks as if it could throw one. */
export function explainMistakesIn({ code, format }: Source): void {
  if (explaining || !SUSPICIOUS[format].test(code)) return;
  explaining = true;
  // Called before Node prints the error, and without any effect on what happens then.
  process.on('uncaughtExceptionMonitor', (error: unknown) => {
    if (!(error instanceof Error) || typeof error.stack !== 'string') return;
    const what = `${error.name}: ${error.message}`;
    const mistake = MISTAKES.find(({ says }) => says.test(what));
    const at = error.stack.indexOf(what);
    if (!mistake || at < 0) return;
    const end = at + what.length;
    error.stack = `${error.stack.slice(0, end)}\nhint: ${mistake.cure}${error.stack.slice(end)}`;
  });
}
