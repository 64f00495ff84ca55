// Internal modules, which `npm test` bundles before the tests.
import { createRequire } from 'node:module';

export default createRequire(import.meta.url)('../node_modules/.cache/fulcrum/internals.cjs');
