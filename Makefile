# make demo         restyle a photo with a network from checkpoints/
# make test         every test
# make test-lanes   the quick tests on Python 3.6 and 3.11, where they are installed
# make lint         ruff, mypy and hadolint
# Each makes $(VENV) when it is missing. PYTHON=... names the interpreter, else one is looked for:
# see scripts/make_venv.sh.

VENV ?= .venv
TEST_EXTRAS ?= test,server,evaluation,onnx,large,video
TEST_FLAGS ?=
# Two files of tests at once: TensorFlow starts often and uses one core then. `-n 0` is one by one.
PYTEST = $(VENV)/bin/python -m pytest -n 2 --dist loadfile
# A changed pin or script list installs again; the stamps remember what is there.
INSTALLS = setup.py scripts/make_venv.sh
# A PYTHON that is asked for is compared with the one that $(VENV) holds, every time.
ifneq ($(PYTHON),)
INSTALLS += asked-for
endif

.PHONY: asked-for demo test quick-test test-lanes test-3.6 test-3.11 lint clean

demo: $(VENV)/.demo
	@$(VENV)/bin/python scripts/demo.py

test: $(VENV)/.test
	$(PYTEST) --durations=10 --durations-min=5 $(TEST_FLAGS) tests

quick-test: $(VENV)/.test
	$(PYTEST) -m 'not slow' $(TEST_FLAGS) tests

test-lanes: test-3.6 test-3.11

test-3.6 test-3.11: test-%:
	@if python=$$(scripts/make_venv.sh --find $*); then \
	    $(MAKE) --no-print-directory VENV=.venv-$* PYTHON="$$python" TEST_EXTRAS=test,server,evaluation,video quick-test; \
	else echo "$@: skipped"; fi

# ruff, mypy and hadolint have no release for Python 3.6.
lint: $(VENV)/.lint
	@$(VENV)/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 7) and "error: make lint needs Python 3.7 or later")'
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m mypy
	$(VENV)/bin/hadolint Dockerfile

$(VENV)/.demo: $(INSTALLS)
	@scripts/make_venv.sh $(VENV)
	@touch $@

$(VENV)/.test: $(INSTALLS)
	@scripts/make_venv.sh $(VENV) $(TEST_EXTRAS)
	@touch $@ $(VENV)/.demo

$(VENV)/.lint: $(INSTALLS)
	@scripts/make_venv.sh $(VENV) $(TEST_EXTRAS),lint
	@touch $@ $(VENV)/.demo $(VENV)/.test

clean:
	rm -rf $(VENV) .venv-3.6 .venv-3.11 build dist *.egg-info
