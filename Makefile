# The thin door to meson and to the scripts in tools/; `make help` lists what it opens.

PREFIX ?= /usr/local
BUILD  ?= build

export ONESHOT

.DEFAULT_GOAL := all
.PHONY: all help setup engine demo test install bench fuzz format tidy clean

all: $(BUILD)/build.ninja ## build the programs into build/ (release, asserts on)
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: run 'make setup' first" >&2; exit 1; }
	meson setup $(BUILD) --buildtype=release -Db_lto=true --prefix=$(abspath $(PREFIX))

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## install what a build needs, if it is missing
	@tools/setup.sh build

engine: ## fetch the llama.cpp libraries and headers into vendor/llama
	@tools/setup.sh engine

demo: ## from nothing to a streamed answer; stays up until Ctrl-C (ONESHOT=1: stops by itself)
	@tools/demo.sh

test: ## all tests, installing what they need; ends with "N passed, N failed"
	@tools/test.sh

install: all ## install under PREFIX (/usr/local); DESTDIR is honoured
	@meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX))
	@meson install -C $(BUILD) --quiet

bench: ## rbee beside HAProxy and nginx, and its policies (BENCH='--runs 1 --scale 0.2')
	@tools/setup.sh build bench
	@$(MAKE) --no-print-directory all
	@[ -f build-bench/build.ninja ] || meson setup build-bench --buildtype=release -Dbench=true
	@ninja -C build-bench rbee-policy-host $(addprefix bench/,sseload tokserv queue_bench core_bench policy_bench sandbox_bench)
	@bench/run.py $(BENCH)

fuzz: ## run each fuzz target for FUZZ_SECONDS (60)
	@tools/fuzz.sh

format: ## format the C sources in place
	@tools/setup.sh format
	@git ls-files '*.c' '*.h' | grep -v '^bench/' | xargs clang-format -i

tidy: ## clang-tidy over the C sources
	@tools/setup.sh build tests tidy
	@tools/tidy.sh

clean: ## remove every build directory (not vendor/ and not node_modules/)
	rm -rf build build-*
