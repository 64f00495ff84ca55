// Prints the path of the binary: node resolve.cjs linux-x64-gnu
'use strict';
const { createRequire } = require('node:module');
const { dirname, join } = require('node:path');

const [, , platform] = process.argv;
const from = createRequire(__filename);
process.stdout.write(join(dirname(from.resolve(`@fulcrum/${platform}/package.json`)), 'bin/fulcrum'));
