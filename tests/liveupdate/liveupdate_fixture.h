// KernelFixture for tests of live update: sessions, preserved files, marks.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "model/iommufd/device.h"
#include "model/iommufd/ioctl.h"
#include "model/liveupdate/designs/registry.h"
#include "model/liveupdate/luo.h"
#include "tests/support/kernel_fixture.h"

namespace iommufd_check::liveupdate {

using test_support::Difference;
using test_support::FaultedRun;
using test_support::KernelFixture;
using test_support::kPage;
using test_support::SystemCall;
using testing::IsEmpty;

class LiveUpdateTest : public testing::Test {
 protected:
  explicit LiveUpdateTest(Design* design = nullptr, uint32_t pages = 4) : m(design, pages) {}

  static FileRef MemfdRef(uint16_t i) { return {FileRef::Kind::kMemfd, i}; }
  static constexpr FileRef kIommufd{FileRef::Kind::kIommufd, 0};

  SystemCall PreserveMemfdCall(SessionHandle session, uint16_t i, uint64_t token) {
    return
        [session, i, token](Kernel& k) { return luo_preserve_fd(k, session, MemfdRef(i), token); };
  }
  SystemCall PreserveIommufdCall(SessionHandle session, uint64_t token) {
    return [session, token](Kernel& k) { return luo_preserve_fd(k, session, kIommufd, token); };
  }
  int PreserveMemfd(SessionHandle session, uint16_t i, uint64_t token) {
    return m.Call(PreserveMemfdCall(session, i, token));
  }
  int PreserveIommufd(SessionHandle session, uint64_t token) {
    return m.Call(PreserveIommufdCall(session, token));
  }
  int Create(const std::string& name, SessionHandle* session) {
    return m.Call([&](Kernel& k) { return luo_create_session(k, name, session); });
  }
  SessionHandle NewSession(const std::string& name) {
    SessionHandle session;
    EXPECT_EQ(Create(name, &session), 0);
    return session;
  }
  int Close(SessionHandle session) {
    return m.Call([&](Kernel& k) { return luo_close_session(k, session); });
  }
  int Mark(uint32_t hwpt, uint64_t token) {
    return m.Call([&](Kernel& k) { return k.design.Mark(k, hwpt, token); });
  }
  int Seal(uint16_t i, uint32_t seals = mm::kSealsOfPreserved) {
    return m.Call([&](Kernel& k) { return memfd_add_seals(k.t, k.mm, m.memfd(i), seals); });
  }
  const State& luo() const { return m.world.kernel.luo; }
  std::vector<Pfn> Registered() const { return luo().kho.PreservedPages(); }
  // Frames of an owner class.
  std::vector<Pfn> FramesOf(mm::FrameOwner owner) const {
    std::vector<Pfn> pfns;
    for (Pfn pfn = mm::kFirstPfn; m.world.machine.phys.Exists(pfn); ++pfn) {
      if (m.world.machine.phys.at(pfn).owner == owner) pfns.push_back(pfn);
    }
    return pfns;
  }
  bool IsRegistered(Pfn pfn) const {
    const std::vector<Pfn> pages = Registered();
    return std::binary_search(pages.begin(), pages.end(), pfn);
  }

  KernelFixture m;
};

}  // namespace iommufd_check::liveupdate
