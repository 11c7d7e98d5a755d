// Costs of an image beside those of the model, as ratios within one run (never quote a bare time):
//   BM_ImageReset        back to where boot ended, after a run of one pair
//   BM_ImageMapUnmap     the share of one map and unmap pair in a run of 20 pairs
//   BM_ModelMapUnmap     the same on the reference, without any judge
//   BM_ImageJudged       the same program on the image with the oracle and every comparison
// Build the image with fuzz/linux/build --package=linux-source-6.12 and run from the root.

#include <benchmark/benchmark.h>

#include <string>

#include "model/liveupdate/designs/registry.h"
#include "model/mm/machine.h"
#include "model/program/execute/executor.h"
#include "model/program/linux/image_executor.h"
#include "model/program/text/text_codec.h"
#include "model/sim/check.h"
#include "model/uapi/abi.h"

namespace iommufd_check {
namespace {

namespace abi = uapi::abi;

constexpr int kPairs = 20;
constexpr char kImage[] = "build/linux/linux-6.12/image.so";

std::string PairsText() {
  std::string text =
      "boot memfds=0\n"
      "main:\n"
      "  ioas = ioas_alloc()\n"
      "  dev = device_bind()\n"
      "  hwpt = hwpt_alloc(dev, ioas)\n";
  for (int i = 0; i < kPairs; ++i) {
    text += "  map(ioas, iova=0x1000, length=0x1000)\n  unmap(ioas, iova=0x1000, length=0x1000)\n";
  }
  return text;
}

program::Program Pairs() {
  const auto program = program::ParseProgram(PairsText(), "bench");
  IOMMUFD_CHECK(program.ok(), "the benchmark's own program is valid");
  return *program;
}

// Null, and the benchmark is skipped, without an image.
linux_host::Machine* Image(benchmark::State& state) {
  static const auto machine = linux_host::Machine::Load(kImage);
  if (machine.ok()) return machine->get();
  state.SkipWithError("no image");
  return nullptr;
}

// `pairs` on the machine, straight through its system calls.
void RunPairs(linux_host::Machine& machine, sim::Runtime& runtime, int pairs) {
  runtime.RunSequential([&](sim::Task& t) {
    const int fd = static_cast<int>(machine.OpenIommu(t));
    abi::IoasAlloc ioas;
    unsigned device = 0;
    IOMMUFD_CHECK(machine.Ioctl(t, fd, abi::kIoasAlloc, &ioas) == 0, "an IOAS");
    IOMMUFD_CHECK(machine.DeviceBind(t, fd, 0, &device) == 0, "a device");
    abi::HwptAlloc hwpt{.dev_id = device, .pt_id = ioas.out_ioas_id};
    IOMMUFD_CHECK(machine.Ioctl(t, fd, abi::kHwptAlloc, &hwpt) == 0, "a HWPT");
    for (int i = 0; i < pairs; ++i) {
      abi::IoasMap map{.flags = abi::kFixedIova | abi::kReadable | abi::kWriteable,
                       .ioas_id = ioas.out_ioas_id,
                       .user_va = mm::UserAddressOf(0),
                       .length = 0x1000,
                       .iova = 0x1000};
      IOMMUFD_CHECK(machine.Ioctl(t, fd, abi::kIoasMap, &map) == 0, "a map");
      abi::IoasUnmap unmap{.ioas_id = ioas.out_ioas_id, .iova = 0x1000, .length = 0x1000};
      IOMMUFD_CHECK(machine.Ioctl(t, fd, abi::kIoasUnmap, &unmap) == 0, "an unmap");
    }
  });
}

void BM_ImageReset(benchmark::State& state) {
  linux_host::Machine* machine = Image(state);
  if (machine == nullptr) return;
  sim::LockTable locks;
  sim::Runtime runtime;
  for (auto _ : state) {
    runtime.Reset({.locks = &locks});
    const bool started = machine->Start({}, &runtime).ok();
    IOMMUFD_CHECK(started, "the image boots");
  }
  state.counters["bytes"] = static_cast<double>(machine->bytes_to_reset());
}
BENCHMARK(BM_ImageReset);

void BM_ImageMapUnmap(benchmark::State& state) {
  linux_host::Machine* machine = Image(state);
  if (machine == nullptr) return;
  sim::LockTable locks;
  sim::Runtime runtime;
  for (auto _ : state) {
    runtime.Reset({.locks = &locks});
    const bool started = machine->Start({}, &runtime).ok();
    IOMMUFD_CHECK(started, "the image boots");
    RunPairs(*machine, runtime, kPairs);
  }
  state.counters["pair"] = benchmark::Counter(
      kPairs, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["steps"] = static_cast<double>(runtime.total_steps()) / kPairs;
}
BENCHMARK(BM_ImageMapUnmap);

void BM_ModelMapUnmap(benchmark::State& state) {
  liveupdate::Design& design = *liveupdate::FindDesign("reference");
  const program::Program program = Pairs();
  program::Executor executor;
  for (auto _ : state) executor.Run(design, program, {.judged = false, .digested = false});
  state.counters["pair"] = benchmark::Counter(
      kPairs, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_ModelMapUnmap);

void BM_ImageJudged(benchmark::State& state) {
  linux_host::Machine* machine = Image(state);
  if (machine == nullptr) return;
  const program::Program program = Pairs();
  program::ImageExecutor executor(machine);
  for (auto _ : state) {
    const auto run = executor.Run(program);
    IOMMUFD_CHECK(run.ok() && (*run)->findings.empty(), "the image agrees with the oracle");
  }
  state.counters["pair"] = benchmark::Counter(
      kPairs, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_ImageJudged);

}  // namespace
}  // namespace iommufd_check

BENCHMARK_MAIN();
