#!/usr/bin/env bash
# Yarn 4.18.1 (@yarnpkg/cli-dist), Node 20.20.2, Linux x64.
#
# A package's command may be a shell script for npm, pnpm and Yarn 1: its first line says who runs it.
# Yarn 4 ignores that line. It gives every file that `bin` names to Node, unless the file begins as a
# native binary does or its name ends with `.exe` or `.bin`. The same script under the name `.bin` runs.
#
# Output seen:
#   plain: SyntaxError
#   plain.sh: SyntaxError
#   plain.bin: hello from sh
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir tool app yarn
(cd yarn && echo '{"private":true}' > package.json && npm install --silent --no-audit --no-fund @yarnpkg/cli-dist@4.18.1)
for name in plain plain.sh plain.bin; do
  printf '#!/bin/sh\nif true; then echo "hello from sh"; fi\n' > "tool/$name"
  chmod +x "tool/$name"
done
echo '{"name":"tool","version":"1.0.0","bin":{"plain":"plain","plain.sh":"plain.sh","plain.bin":"plain.bin"}}' > tool/package.json
cd app
echo '{"name":"app","private":true,"dependencies":{"tool":"file:../tool"}}' > package.json
echo 'nodeLinker: node-modules' > .yarnrc.yml
: > yarn.lock
yarn() { YARN_ENABLE_TELEMETRY=0 node ../yarn/node_modules/@yarnpkg/cli-dist/bin/yarn.js "$@"; }
yarn install --no-immutable > ../install.log
for name in plain plain.sh plain.bin; do
  yarn run "$name" > ../out 2>&1 || true
  echo "$name: $(grep -oE '^(SyntaxError|hello from sh)' ../out | head -n 1)"
done | tee ../seen
diff ../seen - <<'END'
plain: SyntaxError
plain.sh: SyntaxError
plain.bin: hello from sh
END
