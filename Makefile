# make demo    sets up, then compiles the example network, verifies it on real images, synthesises it for ECP5
# make test    sets up, then runs all tests on both simulators
# make lint    ruff and mypy
# make help    this text, and the long runs

VENV ?= .venv
BIN := $(VENV)/bin
DATA ?=
DATA_OPTION := $(if $(DATA),--data $(DATA))

.PHONY: help setup demo test lint docs bench models snntorch bench-shd results results-mnist results-hardware results-shd scale spiker clean

help:
	@grep -E '^# make' Makefile

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt .ci/setup
	.ci/setup $(VENV)
	touch $@

demo: setup
	$(BIN)/python examples/demo.py

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto tests rtl_tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# make docs    the parts of docs/cli.md that the program says itself: options of training, help texts
docs: setup
	$(BIN)/python .ci/docs.py

# make bench   golden model and training against SpikingJelly, compile time and memory; writes docs/results/
bench: setup
	$(BIN)/python benchmarks/golden_model.py
	$(BIN)/python benchmarks/compile_scaling.py
	$(BIN)/python benchmarks/training_speed.py

# make models  networks that others wrote through the whole chain: exact, the same in Verilog, or refused how (half an hour)
models: setup
	$(BIN)/python benchmarks/models.py

# make snntorch DATA=<folder of MNIST> EVENTS=<folder of N-MNIST>   snnTorch's tutorials, trained, beside integers and Verilog (an hour)
snntorch: setup
	$(BIN)/python benchmarks/snntorch_tutorials.py $(DATA_OPTION) $(if $(EVENTS),--events $(EVENTS))

# make bench-shd DATA=<folder of SHD>   binning of all training recordings beside plain loops
bench-shd: setup
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/shd_binning.py $(DATA_OPTION)

# make results DATA=<folder of MNIST>   accuracy of the integer network on all 10,000 test images; 1,000 images in Verilator
results: setup
	$(BIN)/python benchmarks/mnist_accuracy.py $(DATA_OPTION)
	$(BIN)/python benchmarks/verify_mnist.py

# make scale DATA=<folder of MNIST>   all 10,000 test images through Verilator, 20 through the ECP5 netlist
scale: setup
	$(BIN)/python benchmarks/verify_scale.py $(DATA_OPTION)

# make results-hardware DATA=<folder of MNIST>   networks of falling weights in hardware, the fastest, the smallest (hours)
results-hardware: setup
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/hardware.py $(DATA_OPTION)

# make spiker DATA=<folder of MNIST>   Spiker+'s network in our hardware, synthesised, beside Spiker+ (hours)
spiker: setup
	$(BIN)/python benchmarks/spiker.py $(DATA_OPTION)

# make results-mnist DATA=<folder of MNIST>   trains the recipes (hours), goes on where it stopped; writes docs/results/
results-mnist: setup
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/mnist_table.py $(DATA_OPTION)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/mnist_frontier.py $(DATA_OPTION)

# make results-shd DATA=<folder of SHD>   trains the four systems of the reference report on spoken digits; STDP; hardware; needs norse
results-shd: setup
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/shd_report.py $(DATA_OPTION)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/shd_stdp.py $(DATA_OPTION)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/shd_hardware.py $(DATA_OPTION)

clean:
	rm -rf $(VENV) runs build sim/build
