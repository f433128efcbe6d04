#!/bin/sh
# In: start.sh [PORT [R4|STU3|R5 [JDBC-URL [create|none]]]]. Out: a HAPI FHIR server in the foreground; it prints "READY <base>" when it listens.
# The 255 jars (294 MB) and what is compiled live in a cache outside the repository; PORT 0 takes any free port.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/fhir-personalization/hapi/target"
mkdir -p "$cache"

# A jar directory belongs to one pom.xml and is renamed into place when complete, so a killed download is never taken for a whole one.
fetch_jars() {
    cmp -s "$here/pom.xml" "$cache/lib/.pom.xml" && return
    echo "fetching HAPI's jars into $cache/lib" >&2
    rm -rf "$cache/lib.part"
    mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/lib.part" -DincludeScope=runtime >&2
    cp "$here/pom.xml" "$cache/lib.part/.pom.xml"
    rm -rf "$cache/lib" "$cache/classes" "$cache/app.jar"
    mv "$cache/lib.part" "$cache/lib"
}

compile() {
    cmp -s "$here/Main.java" "$cache/classes/Main.java" && return
    rm -rf "$cache/classes" "$cache/app.jar"
    mkdir "$cache/classes"
    javac -proc:none -nowarn --release 17 -cp "$cache/lib/*" -d "$cache/classes" "$here/Main.java" >&2
    jar cf "$cache/app.jar" -C "$cache/classes" .
    cp "$here/Main.java" "$cache/classes/Main.java"
}

exec 9>"$cache/lock" # two test sessions may start at once
flock 9
fetch_jars
compile
exec 9>&-

exec java -Xmx2g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dport="${1:-0}" -Dversion="${2:-R4}" -Ddb="${3:-jdbc:h2:mem:hapi}" -Dddl="${4:-create}" \
    -cp "$cache/app.jar:$cache/lib/*" Main
