import * as own from './index.ts';

declare const PACKAGE_VERSION: string;

/**
 * `import` and `require` have a bundle each: Node would scan the text of a CommonJS file
 * for export names before an `import` of it, which takes longer than running it. So that
 * both give the same classes, whichever comes first in a process lends its own to the other.
 */
const KEY = Symbol.for(`@fulcrum/domain ${PACKAGE_VERSION}`);

type Holder = { [KEY]?: typeof own };

/** Everything this package exports. */
export const shared: typeof own = ((globalThis as Holder)[KEY] ??= own);
