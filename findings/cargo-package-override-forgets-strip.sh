#!/usr/bin/env bash
# Cargo 1.95.0, Linux x64.
#
# A package that has an override in a profile, such as another `opt-level`, is linked with
# `-C strip=debuginfo`, though the profile itself says `strip = "symbols"`: the program keeps its symbol
# table. Without the override it is linked with `-C strip=symbols`. An override cannot set `strip` itself.
#
# Output seen:
#   without an override: strip=symbols
#   with an override of opt-level: strip=debuginfo
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cargo +1.95.0 --version >/dev/null 2>&1 || rustup --quiet toolchain install 1.95.0 --profile minimal --no-self-update
mkdir src
echo 'fn main() {}' > src/main.rs
printf '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2024"\n\n[profile.release]\nstrip = "symbols"\n' > Cargo.toml
linked() { cargo +1.95.0 build --release --verbose 2>&1 | grep --only-matching 'strip=[a-z]*'; }
echo "without an override: $(linked)" | tee out
printf '\n[profile.release.package.small]\nopt-level = "s"\n' >> Cargo.toml
echo "with an override of opt-level: $(linked)" | tee -a out
diff out - <<'END'
without an override: strip=symbols
with an override of opt-level: strip=debuginfo
END
