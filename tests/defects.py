"""One defect after the other, planted in a copy of the code, in; whether its test found it, out: make defects.

A check that cannot fail is none. `defects.toml` says what is planted; exit 1 where a test found nothing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("service", "fhir_profiles", "tests", "docs", "operations")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "node_modules")


def listed():
    return tomllib.loads((HERE / "defects.toml").read_text())["defect"]


def planted(defect, root):
    """The file with the defect in it; ValueError where what it changes is not there once."""
    text = (root / defect["file"]).read_text()
    if text.count(defect["was"]) != 1:
        raise ValueError(f"{defect['name']}: {text.count(defect['was'])} times in {defect['file']}: {defect['was']}")
    return text.replace(defect["was"], defect["is"])


def main(names):
    chosen = [each for each in listed() if not names or each["name"] in names]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _copied(root)
        survived = [each["name"] for each in chosen if not _found(each, root)]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} were found")
    sys.exit(bool(survived))


def _copied(root):
    for part in PARTS:
        shutil.copytree(HERE.parent / part, root / part, ignore=NOT_COPIED)
    shutil.copy(HERE.parent / "pyproject.toml", root)


def _found(defect, root):
    file = root / defect["file"]
    was, broken = file.read_text(), planted(defect, root)
    file.write_text(broken)
    try:
        status, last = _run(defect, root)
    finally:
        file.write_text(was)
    found = status == 1 and last.startswith("FAILED")  # not where none was chosen, or none could be run
    print("found   " if found else f"SURVIVED ({status})", defect["name"], "|", last, flush=True)
    return found


def _run(defect, root):
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/{defect['tests']}"]
    words += ["-k", defect["of_them"]] if defect["of_them"] else []
    env = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    told = (
        [line for word in ("FAILED", "ERROR") for line in lines if line.startswith(word)]
        or lines[-1:]
        or [done.stderr[-200:]]
    )
    return done.returncode, told[0][:140]


if __name__ == "__main__":
    main(sys.argv[1:])
