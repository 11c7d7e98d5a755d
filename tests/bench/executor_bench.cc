// Costs of the hot path, as ratios within one run (never quote a bare time):
//   BM_WorldReset        copying a booted World over a used one
//   BM_Program16         reset, 16 operations, exit, all invariants and the oracle
//   BM_Program16Findings the same without a digest, as fuzzers run it
//   BM_Program16Kernel   the same operations without any judge: the kernel model alone
//   BM_MapUnmap          the share of one map and unmap pair in a program of 20 pairs
//   BM_Digest            logging and hashing the events of BM_Program16 once more

#include <benchmark/benchmark.h>

#include <string>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/boot.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"
#include "model/sim/check.h"

namespace iommufd_check {
namespace {

constexpr char kProgram16[] = R"(
boot memfds=1 devices=1
main:
  ioas = ioas_alloc()
  dev = device_bind()
  hwpt = hwpt_alloc(dev, ioas)
  hwpt2 = hwpt_alloc(dev, ioas)
  memfd_seal(0, seals=seal|grow|shrink)
  map_file(ioas, memfd=0, iova=0x1000, length=0x2000)
  map_file(ioas, memfd=0, start=0x2000, iova=0x8000, length=0x1000)
  device_attach(dev, hwpt)
  lu_mark(hwpt, token=7)
  lu_mark(hwpt2, token=8)
  s = luo_create_session(name="vm")
  luo_preserve(s, memfd=0, token=1)
  luo_preserve(s, iommufd, token=2)
  unmap(ioas, iova=0x1000, length=0x2000)
  luo_close_session(s)
  unmap(ioas, iova=0x1000, length=0x2000)
)";

program::Program Parse(const std::string& text) {
  auto program = program::ParseProgram(text, "bench");
  IOMMUFD_CHECK(program.ok(), "the benchmark's own program is valid");
  return *program;
}

void BM_WorldReset(benchmark::State& state) {
  const liveupdate::World booted = program::BootWorld({});
  program::Executor executor;
  executor.Run(*liveupdate::FindDesign("reference"), Parse(kProgram16));
  liveupdate::World world = executor.world();
  for (auto _ : state) {
    world = booted;
    benchmark::DoNotOptimize(world);
  }
}
BENCHMARK(BM_WorldReset);

void RunProgram(benchmark::State& state, const program::RunOptions& options) {
  liveupdate::Design& design = *liveupdate::FindDesign("reference");
  const program::Program program = Parse(kProgram16);
  program::Executor executor;
  uint64_t events = 0;
  for (auto _ : state) {
    const program::Execution& run = executor.Run(design, program, options);
    IOMMUFD_CHECK(run.violations.empty(), "the reference holds");
    events += executor.events().size();
  }
  state.counters["events"] = static_cast<double>(events) / static_cast<double>(state.iterations());
}
void BM_Program16(benchmark::State& state) { RunProgram(state, {}); }
BENCHMARK(BM_Program16);
void BM_Program16Findings(benchmark::State& state) { RunProgram(state, {.digested = false}); }
BENCHMARK(BM_Program16Findings);
void BM_Program16Kernel(benchmark::State& state) {
  RunProgram(state, {.judged = false, .digested = false});
}
BENCHMARK(BM_Program16Kernel);

void BM_MapUnmap(benchmark::State& state) {
  constexpr int kPairs = 20;
  std::string text =
      "boot memfds=1 devices=1\nmain:\n  ioas = ioas_alloc()\n  dev = device_bind()\n"
      "  hwpt_alloc(dev, ioas)\n";
  for (int i = 0; i < kPairs; ++i) {
    text += "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n";
    text += "  unmap(ioas, iova=0x1000, length=0x1000)\n";
  }
  liveupdate::Design& design = *liveupdate::FindDesign("reference");
  const program::Program program = Parse(text);
  program::Executor executor;
  for (auto _ : state) benchmark::DoNotOptimize(executor.Run(design, program).digest);
  state.SetItemsProcessed(state.iterations() * kPairs);
}
BENCHMARK(BM_MapUnmap);

void BM_Digest(benchmark::State& state) {
  program::Executor executor;
  executor.Run(*liveupdate::FindDesign("reference"), Parse(kProgram16));
  sim::EventLog log;
  for (auto _ : state) {
    log.Clear();
    for (const sim::Event& event : executor.events()) log.Append(event);
    benchmark::DoNotOptimize(log.digest());
  }
}
BENCHMARK(BM_Digest);

}  // namespace
}  // namespace iommufd_check

BENCHMARK_MAIN();
