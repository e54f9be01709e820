# make demo         restyle a photo with a network from checkpoints/
# make test         every test
# make test-lanes   the quick tests on Python 3.6, 3.11, 3.12 and 3.13, where they are installed
# make networks     the networks in checkpoints/ as .onnx, which Python without TensorFlow runs
# make lint         ruff, mypy and hadolint
# Each makes $(VENV) when it is missing. PYTHON=... names the interpreter, else one is looked for:
# see scripts/make_venv.sh.

VENV ?= .venv
TEST_EXTRAS ?= test,server,evaluation,onnx,large,video,cluster
TEST_FLAGS ?=
# Two files of tests at once: TensorFlow starts often and uses one core then. `-n 0` is one by one.
PYTEST = $(VENV)/bin/python -m pytest -n 2 --dist loadfile
# A changed pin or script list installs again; the stamps remember what is there.
INSTALLS = setup.py scripts/make_venv.sh
# A PYTHON that is asked for is compared with the one that $(VENV) holds, every time.
ifneq ($(PYTHON),)
INSTALLS += asked-for
endif

LANES = 3.6 3.11 3.12 3.13

.PHONY: asked-for demo test quick-test test-lanes $(LANES:%=test-%) networks lint clean

demo: $(VENV)/.demo
	@$(VENV)/bin/python scripts/demo.py

test: $(VENV)/.test
	$(PYTEST) --durations=10 --durations-min=5 $(TEST_FLAGS) tests

quick-test: $(VENV)/.test
	$(PYTEST) -m 'not slow' $(TEST_FLAGS) tests

test-lanes: $(LANES:%=test-%)

$(LANES:%=test-%): test-%:
	@if python=$$(scripts/make_venv.sh --find $*); then \
	    $(MAKE) --no-print-directory VENV=.venv-$* PYTHON="$$python" TEST_EXTRAS=test,server,evaluation,video,cluster quick-test; \
	else echo "$@: skipped"; fi

# Their kernels are kept in float16: the pictures differ by less than 0.1 of 255.
networks: $(VENV)/.test
	for model in checkpoints/*.pb; do \
	    $(VENV)/bin/python scripts/freeze_graph.py --model $$model --format onnx --weights float16 \
	        --output $${model%.pb}.onnx || exit 1; \
	done

# ruff, mypy and hadolint have no release for Python 3.6.
lint: $(VENV)/.lint
	@$(VENV)/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 7) and "error: make lint needs Python 3.7 or later")'
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m mypy
	$(VENV)/bin/hadolint Dockerfile docker/server.Dockerfile

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
	rm -rf $(VENV) $(LANES:%=.venv-%) build dist *.egg-info
