# Every command is dev.py's; this file only lets you type less. `make` alone lists them.
PYTHON ?= python3
ARGS ?=

COMMANDS = run dev stop test test-long test-resilience coverage browser lint format bench backup restore manage

help:
	@$(PYTHON) dev.py help

$(COMMANDS):
	@$(PYTHON) dev.py $@ $(ARGS)

bench-%:
	@$(PYTHON) dev.py bench $* $(ARGS)

.PHONY: help $(COMMANDS)
