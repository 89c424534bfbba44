// What ./cg runs: the built program, or one line that says how to build it.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const program = path.join(path.dirname(__dirname), 'dist', 'cg.js');
if (!fs.existsSync(program)) {
  console.error('cg is not built yet; run: npm run build');
  process.exit(2);
}
process.argv[1] = program;
void import(pathToFileURL(program).href);
