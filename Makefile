# Each target sets up what it needs. Needed beforehand: make, Python >= 3.11, and a package index that pip can reach.
PYTHON ?= python3
VENV := .venv
SHIPPED := build/shipped
BIN := $(VENV)/bin
LOCK_FLAGS := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command 'make lock'

.PHONY: demo test install lock lint profiles defects sbom clean

demo: $(VENV)/.runtime ## the whole pipeline on an embedded server; ARGS=--no-serve ends it after the report
	$(BIN)/personalize demo $(ARGS)

test: install ## lint, types, imports, and every test; under CI=true a missing real part is a failure
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest --numprocesses auto --dist loadscope $(ARGS)

install: $(VENV)/.development ## .venv with everything for development

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: install ## both lock files anew, with hashes and without addresses
	$(BIN)/uv pip compile $(LOCK_FLAGS) --extra postgres pyproject.toml requirements-build.in -o requirements.lock
	$(BIN)/uv pip compile $(LOCK_FLAGS) --extra dev pyproject.toml requirements-build.in -o requirements-dev.lock

profiles: install ## fhir_profiles/{stu3,r4,r5} from the FSH sources, and docs/profile/; needs npm, a JDK and Maven
	$(BIN)/python -m service.derive.catalogue_fsh
	fhir_profiles/build.sh
	$(BIN)/python -m fhir_profiles.guide docs/profile

defects: install ## plants one defect after the other and runs the test that has to find it; NAMES="..." chooses
	$(BIN)/python tests/defects.py $(NAMES)

sbom: install ## dist/sbom.json (CycloneDX) and dist/licences.md: of what the image installs, nothing of development
	$(PYTHON) -m venv --clear $(SHIPPED)
	$(SHIPPED)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	mkdir -p dist
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file dist/sbom.json $(SHIPPED)/bin/python
	$(BIN)/pip-licenses --python $(SHIPPED)/bin/python --from mixed --with-urls --format markdown --output-file dist/licences.md

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.development: $(VENV)/bin/python requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime
