#!/usr/bin/env bash
# npm 11.19.1, Node 20.20.2, Linux x64.
#
# A registry that refuses connections: npm tries again after 10 and 60 seconds, and says nothing meanwhile,
# neither on standard output nor on standard error. The failed attempt is in
# its debug log only, at the level `http`, which is written at once.
#
# Output seen:
#   after 8 s: still running, 0 bytes printed
#   in the debug log: attempt 1 failed with ECONNREFUSED
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --no-save npm@11.19.1
mkdir app
echo '{"private":true,"dependencies":{"left-pad":"1.3.0"}}' > app/package.json
# The port of the service `discard`, where nobody listens.
(cd app && exec ../node_modules/.bin/npm install --userconfig ../none --cache ../cache --registry http://127.0.0.1:9/) > out 2>&1 &
npm=$!
sleep 8
{
  kill -0 $npm && echo "after 8 s: still running, $(wc -c < out) bytes printed"
  echo "in the debug log: $(grep -rhoE 'attempt 1 failed with [A-Z]+' cache/_logs | sort -u)"
} | tee seen
kill $npm
wait $npm || true
diff seen - <<'END'
after 8 s: still running, 0 bytes printed
in the debug log: attempt 1 failed with ECONNREFUSED
END
