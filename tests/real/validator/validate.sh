#!/bin/sh
# In: validate.sh STU3|R4|R5 PACKAGE.tgz FOLDER ANSWERS. Out: an OperationOutcome for each resource, by HL7's validator.
# The jars (175 MB), what is compiled and the FHIR core packages live in a cache outside the repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
caches="${XDG_CACHE_HOME:-$HOME/.cache}/fhir-personalization"
cache="$caches/validator"
packages="$cache/home/.fhir/packages" # the validator looks for them under the home directory it is given
mkdir -p "$packages"

fetch_jars() {
    cmp -s "$here/pom.xml" "$cache/lib/.pom.xml" && return
    echo "fetching the validator's jars into $cache/lib" >&2
    rm -rf "$cache/lib.part"
    mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/lib.part" -DincludeScope=runtime >&2
    cp "$here/pom.xml" "$cache/lib.part/.pom.xml"
    rm -rf "$cache/lib" "$cache/classes" "$packages/hl7.fhir.r5.core#5.0.0"
    mv "$cache/lib.part" "$cache/lib"
}

# To judge a definition the validator wants the core package as well: R4's is the compiler's, R5's is inside a jar.
fetch_packages() {
    if [ ! -d "$packages/hl7.fhir.r4.core#4.0.1" ]; then
        "$here/../../../fhir_profiles/build.sh" --tools
        ln -s "$caches/fhir-home/.fhir/packages/hl7.fhir.r4.core#4.0.1" "$packages/"
    fi
    if [ ! -d "$packages/hl7.fhir.r5.core#5.0.0" ]; then
        rm -rf "$cache/r5.part"
        python3 -m zipfile --extract "$cache"/lib/hapi-fhir-validation-resources-r5-*.jar "$cache/r5.part"
        mkdir "$cache/r5.part/core"
        tar -xzf "$cache"/r5.part/org/hl7/fhir/r5/packages/hl7.fhir.r5.core-5.0.0.tgz -C "$cache/r5.part/core"
        mv "$cache/r5.part/core" "$packages/hl7.fhir.r5.core#5.0.0"
        rm -rf "$cache/r5.part"
    fi
}

compile() {
    cmp -s "$here/Validate.java" "$cache/classes/Validate.java" && return
    rm -rf "$cache/classes"
    mkdir "$cache/classes"
    javac -proc:none -nowarn --release 17 -cp "$cache/lib/*" -d "$cache/classes" "$here/Validate.java" >&2
    cp "$here/Validate.java" "$cache/classes/Validate.java"
}

exec 9>"$cache/lock" # two test sessions may start at once
flock 9
fetch_jars
fetch_packages
compile
exec 9>&-

exec java -Xmx2g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.home="$cache/home" \
    -cp "$cache/classes:$cache/lib/*" Validate "$@"
