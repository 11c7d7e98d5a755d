// What preserve and unpreserve of a large IOAS cost in the model, beside mapping what they look at
// (compare the times of one run, never quote a bare one):
//   BM_Map/hwpts             maps 1 GiB of a memfd into the domains of `hwpts` HWPTs of one IOAS
//   BM_Preserve/hwpts        preserves and unpreserves it: pages compared once for the IOAS, in
//   runs BM_PreserveByPage/hwpts  the same with a walk of the table for each page, and twice for
//   each
//                            HWPT, as `reference` did before its gate
// A World has no memory for 1 GiB, so the whole of a memfd of 16 MiB is mapped at 64 places: as
// many leaves, tables and comparisons, fewer frames.

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "model/iommufd/device.h"
#include "model/iommufd/ioctl.h"
#include "model/liveupdate/designs/reference.h"
#include "model/liveupdate/luo.h"
#include "model/liveupdate/memfd_luo.h"
#include "model/program/execute/boot.h"
#include "model/sim/check.h"
#include "model/sim/runtime.h"

namespace iommufd_check::liveupdate {
namespace {

constexpr uint64_t kFileBytes = mm::Machine::kMaxMemfdBytes;
constexpr uint64_t kMappedBytes = uint64_t{1} << 30;
constexpr mm::MemfdHandle kMemfd{0, 0};

int FreezeTwiceForEach(StepKernel& k, const PreserveArguments& arguments, const Gate& gate) {
  for (uint32_t again = 1; again < 2 * gate.domains; ++again) {
    const int error = k.validate(arguments, gate.ioas);
    if (error != 0) return error;
  }
  return Reference().steps().freeze(k, arguments, gate);
}

int CompareByPage(StepKernel& k, iommufd::AreaHandle area, mm::MemfdHandle memfd, PhysAddr data) {
  const iommu::DomainHandle storage = Read(k, area, &iommufd::Area::storage).domain;
  const iommufd::AreaShape shape = Read(k, area, &iommufd::Area::shape);
  std::vector<mm::PfnRun> pages;
  for (mm::Iova iova = shape.first; iova < shape.last; iova += mm::kPageSize) {
    const auto mapped = iommu_iova_to_phys(k.t, k.iommu, k.mm, storage, iova);
    pages.push_back({mm::PfnOf(mapped.value_or(0)), 1});
  }
  return memfd_luo_check_pages(k, memfd, data, 0, pages);
}

// A World and calls on it, one after the other.
class Machine {
 public:
  explicit Machine(Design* design)
      : world(program::BootWorld(
            {.memfds = 1, .memfd_pages = kFileBytes / mm::kPageSize, .devices = 1})),
        design_(*design) {}

  void Call(const std::function<int(Kernel&)>& call) {
    runtime_.Reset({.locks = &world.kernel.locks, .step_limit = UINT32_MAX});
    const bool ended = runtime_.RunSequential([&](sim::Task& t) {
      Kernel k{{t, world.machine, world.iommu, world.kernel.iommufd, design_},
               world.kernel.luo,
               iommufd::IommufdAt(0),
               design_};
      IOMMUFD_CHECK(call(k) == 0, "the benchmark's calls succeed");
    });
    IOMMUFD_CHECK(ended, "no call oopses");
  }

  // One IOAS with HWPTs that are marked, and a session; nothing is mapped.
  void Prepare(uint32_t hwpts) {
    uint32_t device = 0;
    Call([&](Kernel& k) { return device_bind(k, k.ctx, 0, &device); });
    Call([&](Kernel& k) { return ioas_alloc(k, k.ctx, &ioas_); });
    for (uint64_t token = 1; token <= hwpts; ++token) {
      uint32_t hwpt = 0;
      Call([&](Kernel& k) { return hwpt_alloc(k, k.ctx, device, ioas_, &hwpt); });
      Call([&](Kernel& k) { return k.design.Mark(k, hwpt, token); });
    }
    Call([&](Kernel& k) { return luo_create_session(k, "vm", &session_); });
    Call([&](Kernel& k) { return memfd_add_seals(k.t, k.mm, kMemfd, mm::kSealsOfPreserved); });
  }
  void Map() {
    constexpr uint32_t kFlags = iommufd::kFixedIova | iommufd::kReadable | iommufd::kWriteable;
    for (mm::Iova iova = 0; iova < kMappedBytes; iova += kFileBytes) {
      iommufd::MapArguments a{ioas_, kFlags, 0, kFileBytes, iova};
      Call([&](Kernel& k) { return ioas_map_file(k, k.ctx, kMemfd, &a); });
    }
  }
  void PreserveMemfd() {
    Call([&](Kernel& k) {
      return luo_preserve_fd(k, session_, {FileRef::Kind::kMemfd, 0}, 1);
    });
  }
  void PreserveAndUnpreserve() {
    Call([&](Kernel& k) {
      return luo_preserve_fd(k, session_, {FileRef::Kind::kIommufd, 0}, 2);
    });
    // LUO lets go of files with their session only; this leaves the memfd alone.
    Call([&](Kernel& k) {
      const uint64_t data = Get(k, session_).files.Peek().back().data;
      k.design.Unpreserve(k, PreserveArguments{session_, k.ctx, data});
      return 0;
    });
  }

  World world;

 private:
  Design& design_;
  sim::Runtime runtime_;
  uint32_t ioas_ = 0;
  SessionHandle session_;
};

// Times `what` of the machine as it stands, each time anew.
void Repeat(benchmark::State& state, Machine* machine, void (Machine::*what)()) {
  const World before = machine->world;
  for (auto _ : state) {
    state.PauseTiming();
    machine->world = before;
    state.ResumeTiming();
    (machine->*what)();
  }
}

void BM_Map(benchmark::State& state) {
  Revision design = Reference();
  Machine machine(&design);
  machine.Prepare(static_cast<uint32_t>(state.range(0)));
  Repeat(state, &machine, &Machine::Map);
}
BENCHMARK(BM_Map)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);

void RunPreserve(benchmark::State& state, Revision design) {
  Machine machine(&design);
  machine.Prepare(static_cast<uint32_t>(state.range(0)));
  machine.Map();
  machine.PreserveMemfd();
  Repeat(state, &machine, &Machine::PreserveAndUnpreserve);
}
void BM_Preserve(benchmark::State& state) { RunPreserve(state, Reference()); }
BENCHMARK(BM_Preserve)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);
void BM_PreserveByPage(benchmark::State& state) {
  RunPreserve(state, Reference()
                         .With(&Steps::freeze, FreezeTwiceForEach)
                         .With(&Steps::compare_pages, CompareByPage));
}
BENCHMARK(BM_PreserveByPage)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace iommufd_check::liveupdate

BENCHMARK_MAIN();
