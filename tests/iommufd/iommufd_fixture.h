// KernelFixture for tests of iommufd, with the checks that hold whenever nobody is inside.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "model/iommu/walker.h"
#include "model/iommufd/device.h"
#include "model/iommufd/ioctl.h"
#include "tests/support/kernel_fixture.h"

namespace iommufd_check::iommufd::tests {

using test_support::Kernel;  // hides the narrower one of iommufd
using test_support::KernelFixture;
using test_support::kPage;
using test_support::SystemCall;

inline constexpr uint32_t kFixed = kFixedIova | kReadable | kWriteable;
inline constexpr uint32_t kReadWrite = kReadable | kWriteable;

// Counters of every object against who refers to it (objects.md section 4), pins and accounting
// against the areas that are filled (io_pagetable.md section 11).
inline void ExpectBalanced(const liveupdate::World& world) {
  const State& s = world.kernel.iommufd;
  std::map<uint16_t, uint32_t> ioas_users, hwpt_users;
  s.hwpts.ForEach([&](HwptHandle, const Hwpt& h) { ++ioas_users[h.ioas.Peek().index]; });
  s.devices.ForEach([&](DeviceHandle, const Device& d) {
    const bool attached = !d.attached.Peek().null();
    if (attached) ++hwpt_users[d.attached.Peek().index];
    EXPECT_EQ(d.object.users.value, 2u + (attached ? 1 : 0)) << "device " << d.object.id;
    EXPECT_EQ(d.object.wait_cnt.value, 1u);
  });
  s.ioas.ForEach([&](IoasHandle h, const Ioas& ioas) {
    EXPECT_EQ(ioas.object.users.value, 1 + ioas_users[h.index]) << "ioas " << ioas.object.id;
    EXPECT_EQ(ioas.object.wait_cnt.value, 1u);
    EXPECT_EQ(ioas.iopt.domains.Peek().size(), ioas_users[h.index]);
    EXPECT_EQ(ioas.hwpt_list.Peek().size(), ioas_users[h.index]);
  });
  s.hwpts.ForEach([&](HwptHandle h, const Hwpt& hwpt) {
    EXPECT_EQ(hwpt.object.users.value, 1 + hwpt_users[h.index]) << "hwpt " << hwpt.object.id;
    EXPECT_EQ(hwpt.object.wait_cnt.value, 1u);
  });
  std::map<uint16_t, uint32_t> slices;            // by pages object
  std::map<uint16_t, std::set<uint64_t>> filled;  // indexes, likewise
  s.areas.ForEach([&](AreaHandle, const Area& area) {
    EXPECT_FALSE(area.pages.Peek().null()) << "an area is half-built";
    const bool stored = !area.storage.Peek().domain.null();
    EXPECT_EQ(area.storage.Peek().pages, stored ? area.pages.Peek() : PagesHandle{});
    const AreaShape& shape = area.shape.Peek();
    ++slices[area.pages.Peek().index];
    for (uint64_t i = shape.first_index; stored && i <= shape.last_index(); ++i) {
      filled[area.pages.Peek().index].insert(i);
    }
  });
  uint64_t pinned = 0;
  s.pages.ForEach([&](PagesHandle h, const Pages& p) {
    EXPECT_EQ(p.npinned.Peek(), filled[h.index].size()) << "a page counts once";
    EXPECT_EQ(p.kref.value, slices[h.index]);
    pinned += p.npinned.Peek();
  });
  EXPECT_EQ(world.machine.locked_pages.Peek(), pinned);
  uint64_t pins = 0;
  for (mm::Pfn pfn = mm::kFirstPfn; world.machine.phys.Exists(pfn); ++pfn) {
    pins += world.machine.phys.at(pfn).pins;
  }
  EXPECT_EQ(pins, pinned) << "each accounted page is pinned once";
  for (const sim::LockState& lock : world.kernel.locks.slots()) {
    EXPECT_FALSE(lock.held() || lock.waited_for());
  }
}

class IommufdTest : public testing::Test {
 protected:
  ~IommufdTest() override {
    EXPECT_TRUE(m.splats().empty()) << Name(m.splats().front());
    if (m.world.kernel.iommufd.contexts.live() > 0) ExpectBalanced(m.world);
  }
  // Any map; the IOVA is out for automatic ones.
  int Map(MapArguments* a) {
    return m.Call([&](Kernel& k) { return ioas_map(k, k.ctx, a); });
  }
  int Map(MapArguments a) { return Map(&a); }
  int Copy(CopyArguments* a) {
    return m.Call([&](Kernel& k) { return ioas_copy(k, k.ctx, a); });
  }
  int Copy(CopyArguments a) { return Copy(&a); }
  // `length` is in and out.
  int Unmap(uint32_t ioas, mm::Iova iova, uint64_t* length) {
    return m.Call([&](Kernel& k) { return ioas_unmap(k, k.ctx, ioas, iova, length); });
  }
  // [first, last] of each area, ascending.
  std::vector<std::pair<mm::Iova, mm::Iova>> Areas() const {
    std::vector<std::pair<mm::Iova, mm::Iova>> areas;
    m.world.kernel.iommufd.ioas.ForEach([&](IoasHandle, const Ioas& ioas) {
      for (AreaHandle h : ioas.iopt.areas.Peek()) {
        const Area* area = m.world.kernel.iommufd.areas.Find(h);
        areas.emplace_back(area->shape.Peek().first, area->shape.Peek().last);
      }
    });
    return areas;
  }
  // Pages [first, end) of the file, as its page cache has them now.
  std::vector<mm::Pfn> FilePages(uint16_t file, uint32_t first = 0,
                                 uint32_t end = UINT32_MAX) const {
    std::vector<mm::Pfn> pfns;
    for (const auto& [index, pfn] :
         m.world.machine.memfds.Find(m.memfd(file))->state.Peek().pages) {
      if (index >= first && index < end) pfns.push_back(pfn);
    }
    return pfns;
  }
  // What the domain in this slot maps, by IOVA.
  std::vector<mm::Pfn> Mapped(uint16_t domain) const {
    std::vector<mm::Pfn> pfns;
    m.world.iommu.domains.ForEach([&](iommu::DomainHandle h, const iommu::Domain& d) {
      if (h.index != domain) return;
      std::vector<iommu::Leaf> leaves;
      iommu::CollectLeaves(m.world.machine.phys, d.top.Peek(), &leaves);
      for (const iommu::Leaf& leaf : leaves) pfns.push_back(leaf.pfn);
    });
    return pfns;
  }

  KernelFixture m;
};

using AreaList = std::vector<std::pair<mm::Iova, mm::Iova>>;

}  // namespace iommufd_check::iommufd::tests
