#include "tests/support/kernel_fixture.h"

#include <algorithm>

#include "model/iommu/walker.h"
#include "model/iommufd/device.h"
#include "model/iommufd/ioctl.h"
#include "model/liveupdate/revision.h"
#include "model/sim/reflect.h"

namespace iommufd_check::test_support {
namespace {

constexpr uint32_t kFixedReadWrite = iommufd::kFixedIova | iommufd::kReadable | iommufd::kWriteable;

Kernel KernelOn(sim::Task& t, liveupdate::World& world, liveupdate::Design& design) {
  return Kernel{{t, world.machine, world.iommu, world.kernel.iommufd, design},
                world.kernel.luo,
                iommufd::IommufdAt(0),
                design};
}

}  // namespace

liveupdate::Design& NoLiveUpdate() {
  using liveupdate::PreserveArguments;
  using liveupdate::StepKernel;
  static liveupdate::Revision design(
      {.name = "none", .summary = "no live update"},
      {.mark = [](StepKernel&, uint32_t, uint64_t) { return -int{sim::kENOTTY}; },
       .preserve = [](StepKernel&, PreserveArguments*) { return -int{sim::kEOPNOTSUPP}; },
       .unpreserve = [](StepKernel&, const PreserveArguments&) {}});
  return design;
}

KernelFixture::KernelFixture(liveupdate::Design* design, uint32_t pages)
    : world(program::BootWorld(
          {.memfds = 2, .memfd_pages = pages, .buffers = 2, .buffer_pages = pages, .devices = 2})),
      design_(design != nullptr ? design : &NoLiveUpdate()) {
  Call([&](Kernel& k) {
    std::vector<mm::Pfn> pfns;
    for (uint16_t i = 0; i < 2 && pages > 0; ++i) {
      memfd_pin_folios(k.t, k.mm, memfd(i), 0, pages, &pfns);
      pin_user_pages(k.t, k.mm, mm::UserAddressOf(i), pages, &pfns);
    }
    unpin_pages(k.t, k.mm, pfns);
    return 0;
  });
}

KernelFixture::KernelFixture(const KernelFixture& other)
    : world(other.world), design_(other.design_), order_(other.order_) {}

void KernelFixture::Reset(std::span<const sim::PlannedFault> faults) {
  runtime_.Reset({.locks = &world.kernel.locks, .faults = faults, .lock_order = &order_});
}

void KernelFixture::CollectSplats() {
  for (const sim::Event& event : events()) {
    if (event.primitive != sim::Primitive::kSplat) continue;
    splats_.push_back(static_cast<sim::Splat>(event.detail));
  }
}

int KernelFixture::Call(const SystemCall& call, std::span<const sim::PlannedFault> faults) {
  Reset(faults);
  int result = kRunEnded;
  runtime_.RunSequential([&](sim::Task& t) {
    Kernel k = KernelOn(t, world, *design_);
    runtime_.BeginOperation(t, 0, 0);
    const int value = call(k);
    runtime_.EndOperation(t, value);
    result = value;
  });
  CollectSplats();
  return result;
}

std::vector<int> KernelFixture::Together(const std::vector<SystemCall>& calls,
                                         std::span<const sim::StepSwitch> switches) {
  Reset({});
  std::vector<int> results(calls.size(), kRunEnded);
  std::vector<std::function<void(sim::Task&)>> bodies;
  for (size_t i = 0; i < calls.size(); ++i) {
    bodies.emplace_back([&, i](sim::Task& t) {
      Kernel k = KernelOn(t, world, *design_);
      runtime_.BeginOperation(t, static_cast<uint16_t>(i), 0);
      const int value = calls[i](k);
      runtime_.EndOperation(t, value);
      results[i] = value;
      steps_[t.id()] = t.steps();
    });
  }
  sim::StepSchedule schedule(switches);
  runtime_.RunConcurrent(bodies, schedule);
  CollectSplats();
  return results;
}

std::vector<FaultedRun> KernelFixture::Sweep(
    const SystemCall& call, const std::function<void(const FaultedRun&)>& check) const {
  std::vector<FaultedRun> runs;
  for (int i = 0; i < sim::Count<sim::FaultSite>(); ++i) {
    const auto site = static_cast<sim::FaultSite>(i);
    for (uint16_t nth = 1;; ++nth) {
      KernelFixture copy(*this);
      const sim::PlannedFault fault{0, site, nth};
      FaultedRun run{.site = site, .nth = nth, .world = &copy.world};
      run.result = copy.Call(call, {&fault, 1});
      const bool reached = std::any_of(
          copy.events().begin(), copy.events().end(),
          [](const sim::Event& event) { return event.primitive == sim::Primitive::kFail; });
      if (!reached) break;
      run.splats = copy.splats();
      check(run);
      run.world = nullptr;
      runs.push_back(run);
    }
  }
  return runs;
}

uint32_t KernelFixture::IoasAlloc() {
  uint32_t id = 0;
  Call([&](Kernel& k) { return iommufd::ioas_alloc(k, k.ctx, &id); });
  return id;
}

uint32_t KernelFixture::Bind(uint16_t endpoint) {
  uint32_t id = 0;
  Call([&](Kernel& k) { return iommufd::device_bind(k, k.ctx, endpoint, &id); });
  return id;
}

uint32_t KernelFixture::HwptAlloc(uint32_t device, uint32_t ioas) {
  uint32_t id = 0;
  Call([&](Kernel& k) { return iommufd::hwpt_alloc(k, k.ctx, device, ioas, &id); });
  return id;
}

int KernelFixture::MapUser(uint32_t ioas, mm::Iova iova, uint64_t length, uint64_t source) {
  iommufd::MapArguments a{ioas, kFixedReadWrite, source, length, iova};
  return Call([&](Kernel& k) { return iommufd::ioas_map(k, k.ctx, &a); });
}

int KernelFixture::MapFile(uint32_t ioas, mm::Iova iova, uint64_t length, uint16_t file,
                           uint64_t start) {
  iommufd::MapArguments a{ioas, kFixedReadWrite, start, length, iova};
  return Call([&](Kernel& k) { return iommufd::ioas_map_file(k, k.ctx, memfd(file), &a); });
}

int KernelFixture::Unmap(uint32_t ioas, mm::Iova iova, uint64_t length) {
  return Call([&](Kernel& k) { return iommufd::ioas_unmap(k, k.ctx, ioas, iova, &length); });
}

int KernelFixture::Destroy(uint32_t id) {
  return Call([&](Kernel& k) { return iommufd::iommufd_destroy(k, k.ctx, id); });
}

void KernelFixture::TearDownProcess() {
  std::vector<uint32_t> ids;
  world.kernel.iommufd.devices.ForEach(
      [&](iommufd::DeviceHandle, const iommufd::Device& d) { ids.push_back(d.object.id); });
  for (uint32_t id : ids) {
    Call([&](Kernel& k) { return iommufd::device_unbind(k, k.ctx, id); });
  }
  Call([&](Kernel& k) { return iommufd::close_iommufd(k, k.ctx); });
}

bool KernelFixture::Saw(sim::Splat splat) const {
  return std::find(splats_.begin(), splats_.end(), splat) != splats_.end();
}

std::vector<mm::Iova> KernelFixture::MappedIovas(uint16_t domain) const {
  std::vector<mm::Iova> iovas;
  world.iommu.domains.ForEach([&](iommu::DomainHandle h, const iommu::Domain& d) {
    if (h.index != domain) return;
    std::vector<iommu::Leaf> leaves;
    iommu::CollectLeaves(world.machine.phys, d.top.Peek(), &leaves);
    for (const iommu::Leaf& leaf : leaves) iovas.push_back(leaf.iova);
  });
  return iovas;
}

std::string Difference(const liveupdate::World& before, const liveupdate::World& after) {
  std::string text;
  for (const std::string& line : sim::DiffOf(before, after)) text += line + "\n";
  return text;
}

}  // namespace iommufd_check::test_support
