// Clock for the replay bench under Verilator: faster than a clock in Verilog. +wave=FILE writes a waveform (with --trace).

#include <memory>
#include <string>

#include "Vreplay.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

int main(int argc, char** argv) {
  const auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(argc, argv);
#if VM_TRACE
  context->traceEverOn(true);
#endif
  const auto replay = std::make_unique<Vreplay>(context.get());
#if VM_TRACE
  const auto wave = std::make_unique<VerilatedVcdC>();
  const std::string path = context->commandArgsPlusMatch("wave=");
  replay->trace(wave.get(), 99);
  if (!path.empty()) wave->open(path.substr(6).c_str());
#endif
  replay->clk_i = 0;
  while (!context->gotFinish()) {
    replay->clk_i = !replay->clk_i;
    replay->eval();
    context->timeInc(5);
#if VM_TRACE
    if (wave->isOpen()) wave->dump(context->time());
#endif
  }
  replay->final();
  return 0;
}
