// The inner modules, which `npm test` bundles ahead of the tests.
import { createRequire } from 'node:module';

export default createRequire(import.meta.url)('../node_modules/.cache/fulcrum/internals.cjs');
