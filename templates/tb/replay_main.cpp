// Clock for the replay bench under Verilator: faster than a clock in Verilog. +wave=FILE writes a waveform (with --trace), or
// how often every signal toggled (with --trace-saif).

#include <memory>
#include <string>

#include "Vreplay.h"
#include "verilated.h"
#if VM_TRACE_SAIF
#include "verilated_saif_c.h"
using Wave = VerilatedSaifC;
#elif VM_TRACE
#include "verilated_vcd_c.h"
using Wave = VerilatedVcdC;
#endif

int main(int argc, char** argv) {
  const auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(argc, argv);
#if VM_TRACE
  context->traceEverOn(true);
#endif
  const auto replay = std::make_unique<Vreplay>(context.get());
#if VM_TRACE
  const auto wave = std::make_unique<Wave>();
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
#if VM_TRACE
  if (wave->isOpen()) wave->close();
#endif
  return 0;
}
