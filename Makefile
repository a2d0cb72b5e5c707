# Everything is in ./run, for machines without make. `make run EXPORTS="slack.zip reddit.zst" PORT=8600`

.PHONY: run strong test bench sentiment lint format lock clean
PORT ?= 8501
export PORT

run:
	@./run serve $(EXPORTS)

strong test bench sentiment lint format lock clean:
	@./run $@
