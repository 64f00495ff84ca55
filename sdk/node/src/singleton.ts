import * as local from './index.ts';

declare const PACKAGE_VERSION: string;

/**
 * `import` and `require` have a bundle each: Node would scan the text of a CommonJS file for export
 * names before an `import` of it, which takes longer than running it. So that both give the same
 * classes, the first bundle that is loaded in a process stores its classes for the other one.
 */
const KEY = Symbol.for(`@fulcrum/domain ${PACKAGE_VERSION}`);

type GlobalSlot = { [KEY]?: typeof local };

/** Everything this package exports. */
export const shared: typeof local = ((globalThis as GlobalSlot)[KEY] ??= local);
