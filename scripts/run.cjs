// The entry of every npm script. It runs before anything is installed and on any Node, so it is plain old JavaScript.
'use strict';
var wanted = [20, 19];
var have = process.versions.node.split('.').map(Number);
if (have[0] < wanted[0] || (have[0] === wanted[0] && have[1] < wanted[1])) {
  console.error(
    'CascadeGuard needs Node ' +
      wanted.join('.') +
      ' or newer; this is Node ' +
      process.versions.node +
      '. Install one from https://nodejs.org and run the command again.',
  );
  process.exit(2);
}
void require('./tasks.cjs').run(process.argv[2], process.argv.slice(3));
