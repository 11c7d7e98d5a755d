// Design `reference`, one call after the other: what it refuses, what it hands over, and that
// closing the session leaves the World as it was.

#include "model/liveupdate/designs/reference.h"

#include <map>

#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

using mm::FrameOwner;

class ReferenceTest : public LiveUpdateTest {
 protected:
  ReferenceTest() : LiveUpdateTest(FindDesign("reference")) {
    device_ = m.Bind();
    ioas_ = m.IoasAlloc();
    hwpt_ = m.HwptAlloc(device_, ioas_);
    EXPECT_EQ(Seal(0), 0);
    EXPECT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  }
  ~ReferenceTest() override { EXPECT_THAT(m.splats(), IsEmpty()); }

  SessionHandle SessionWithMemfd(uint16_t i = 0) {
    const SessionHandle s = NewSession("vm");
    EXPECT_EQ(PreserveMemfd(s, i, 100 + i), 0);
    return s;
  }
  uint32_t Immutable(uint16_t slot = 0) const {
    return m.world.kernel.iommufd.ioas.Find({slot, 0})->iopt.immutable.Peek();
  }
  uint64_t Read(PhysAddr base, const FieldLayout& field) const {
    return m.world.machine.phys.ReadField(base + field.offset, field.bytes);
  }

  uint32_t device_ = 0, ioas_ = 0, hwpt_ = 0;
};

TEST_F(ReferenceTest, Mark) {
  const uint32_t other = m.HwptAlloc(device_, ioas_);
  EXPECT_EQ(Mark(99, 7), -sim::kENOENT);
  EXPECT_EQ(Mark(ioas_, 7), -sim::kENOENT) << "not a HWPT";
  EXPECT_EQ(Mark(hwpt_, 7), 0);
  EXPECT_EQ(Mark(other, 7), -sim::kEADDRINUSE);
  EXPECT_EQ(Mark(hwpt_, 7), 0) << "again";
  EXPECT_EQ(Mark(hwpt_, UINT64_MAX), 0) << "another token";
  EXPECT_EQ(Mark(other, 7), 0);
  EXPECT_EQ(m.Destroy(other), 0) << "a mark does not keep the HWPT";
  EXPECT_EQ(Mark(m.HwptAlloc(device_, ioas_), 7), 0) << "and dies with it";
}

TEST_F(ReferenceTest, PreserveAndCloseRestoreTheWorld) {
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const SessionHandle s = SessionWithMemfd();
  const World before = m.world;
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_FALSE(m.world == before);
  EXPECT_EQ(Immutable(), 1u);
  ASSERT_EQ(Close(s), 0);

  KernelFixture twin(m);  // the same session without the iommufd
  twin.world = before;
  twin.Call([&](Kernel& k) { return luo_close_session(k, s); });
  EXPECT_TRUE(m.world == twin.world) << Difference(twin.world, m.world);
  EXPECT_THAT(Registered(), IsEmpty());
}

TEST_F(ReferenceTest, HandsOverOneRecordForEachMarkedHwpt) {
  const uint32_t unmarked = m.HwptAlloc(device_, ioas_);
  const uint32_t second = m.HwptAlloc(device_, ioas_);
  ASSERT_NE(unmarked, 0u);
  ASSERT_EQ(Mark(second, 0xffffffff00000001), 0);
  ASSERT_EQ(Mark(hwpt_, 0), 0) << "token 0 is a token";
  const SessionHandle s = SessionWithMemfd();
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_EQ(Immutable(), 2u) << "counted for each domain";

  const PhysAddr data = luo().sessions.Find(s)->files.Peek()[1].data;
  EXPECT_EQ(FramesOf(FrameOwner::kIommufdSer), std::vector<Pfn>{mm::PfnOf(data)});
  EXPECT_EQ(Read(data, kIommufdR6.nr_hwpts), 2u);
  const uint64_t tokens[] = {0, 0xffffffff00000001};
  const uint16_t domains[] = {0, 2};
  for (uint64_t i = 0; i < 2; ++i) {
    const PhysAddr record = data + kIommufdR6.array + i * kIommufdR6.stride;
    EXPECT_EQ(Read(record, kIommufdR6.token), tokens[i]);
    EXPECT_EQ(Read(record, kIommufdR6.reclaimed), 0u);
    const iommu::Domain* domain = m.world.iommu.domains.Find({domains[i], 0});
    EXPECT_EQ(Read(record, kIommufdR6.domain_data), domain->preserved_state.Peek());
    EXPECT_EQ(Read(domain->preserved_state.Peek(), kDomainR7.top_table),
              mm::AddressOf(domain->top.Peek()));
  }
  EXPECT_EQ(m.world.iommu.domains.Find({1, 0})->preserved_state.Peek(), 0u);
  // Registered: the memory of memfd 0 and what describes it, FLB, records, tables of two domains.
  EXPECT_EQ(Registered().size(), 4u + 2 + 4 + 1 + 2 * 3);
}

TEST_F(ReferenceTest, WhatIsPreservedDoesNotChange) {
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const SessionHandle s = SessionWithMemfd();
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  const World preserved = m.world;
  EXPECT_EQ(m.MapFile(ioas_, 0x20000, 0x1000), -sim::kEBUSY);
  EXPECT_EQ(m.MapUser(ioas_, 0x20000, 0x1000), -sim::kEBUSY);
  EXPECT_EQ(m.Unmap(ioas_, 0x10000, 0x2000), -sim::kEBUSY);
  EXPECT_EQ(m.Unmap(ioas_, 0, mm::kMax), -sim::kEBUSY);
  EXPECT_EQ(Mark(hwpt_, 7), -sim::kEBUSY);
  EXPECT_EQ(m.Destroy(hwpt_), -sim::kEBUSY);
  EXPECT_EQ(m.Destroy(ioas_), -sim::kEBUSY);
  const SessionHandle second = NewSession("second");
  EXPECT_EQ(PreserveIommufd(second, 2), -sim::kEBUSY);
  EXPECT_EQ(Close(second), 0);
  EXPECT_TRUE(m.world == preserved) << Difference(preserved, m.world);

  const uint32_t elsewhere = m.IoasAlloc();
  EXPECT_EQ(m.MapUser(elsewhere, 0x20000, 0x1000), 0) << "another IOAS is free";
  ASSERT_EQ(Close(s), 0);
  EXPECT_EQ(Immutable(), 0u);
  EXPECT_EQ(m.MapFile(ioas_, 0x20000, 0x1000), 0);
  EXPECT_EQ(m.Unmap(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(m.Destroy(hwpt_), 0);
}

TEST_F(ReferenceTest, Refusals) {
  const SessionHandle s = NewSession("vm");
  const auto refused = [&](int error) {
    const World before = m.world;
    EXPECT_EQ(PreserveIommufd(s, 2), error);
    EXPECT_TRUE(m.world == before) << Difference(before, m.world);
  };
  refused(-sim::kEINVAL);  // nothing is marked
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  refused(-sim::kENOENT);  // the memfd is in no session
  const SessionHandle other = NewSession("other");
  ASSERT_EQ(PreserveMemfd(other, 0, 1), 0);
  refused(-sim::kENOENT);  // in another session
  ASSERT_EQ(Close(other), 0);
  ASSERT_EQ(PreserveMemfd(s, 0, 1), 0);

  ASSERT_EQ(m.MapUser(ioas_, 0x20000, 0x1000), 0);
  refused(-sim::kEINVAL);  // anonymous memory
  ASSERT_EQ(m.Unmap(ioas_, 0x20000, 0x1000), 0);

  ASSERT_EQ(m.MapFile(ioas_, 0x20000, 0x1000, 1), 0);
  refused(-sim::kENOENT);  // the second memfd
  ASSERT_EQ(PreserveMemfd(s, 1, 3), 0);
  refused(-sim::kEINVAL);  // it is not sealed
  ASSERT_EQ(Seal(1), 0);
  refused(-sim::kEINVAL);  // and was not when it was serialized
  ASSERT_EQ(m.Unmap(ioas_, 0x20000, 0x1000), 0);
  EXPECT_EQ(PreserveIommufd(s, 2), 0);
}

TEST_F(ReferenceTest, AHolePunchedAfterTheMapIsNoticed) {
  ASSERT_EQ(
      m.Call([&](Kernel& k) { return memfd_punch_hole(k.t, k.mm, m.memfd(0), kPage, kPage); }), 0);
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const SessionHandle s = SessionWithMemfd();
  const World before = m.world;
  EXPECT_EQ(PreserveIommufd(s, 2), -sim::kEINVAL) << "devices reach another frame than the file";
  EXPECT_TRUE(m.world == before);
}

// The functions that ran, and the locks that were held while pages were compared.
TEST_F(ReferenceTest, PagesAreComparedOnceForEachIoasAndUnderNoWriteLock) {
  ASSERT_EQ(m.MapFile(ioas_, 0x20000, 0x1000, 0, 0x3000), 0);
  const uint32_t elsewhere = m.IoasAlloc();
  ASSERT_EQ(m.MapFile(elsewhere, 0x10000, 0x1000), 0);
  const uint32_t hwpts[] = {hwpt_, m.HwptAlloc(device_, elsewhere), m.HwptAlloc(device_, ioas_)};
  for (const uint32_t hwpt : hwpts) ASSERT_EQ(Mark(hwpt, hwpt), 0);
  const SessionHandle s = SessionWithMemfd();
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_EQ(Immutable(0), 2u) << "counted for each domain";
  EXPECT_EQ(Immutable(1), 1u);
  std::map<sim::Fn, int> entered;
  int writers = 0;
  for (const sim::Event& event : m.events()) {
    const bool rwsem = event.detail == static_cast<int>(sim::LockClass::kDomainsRwsem) ||
                       event.detail == static_cast<int>(sim::LockClass::kIovaRwsem);
    const bool exclusive = event.mode == static_cast<int>(sim::LockMode::kExclusive);
    if (event.primitive == sim::Primitive::kLock && rwsem && exclusive) ++writers;
    if (event.primitive == sim::Primitive::kUnlock && rwsem && exclusive) --writers;
    if (event.primitive != sim::Primitive::kEnter) continue;
    const auto function = static_cast<sim::Fn>(event.detail);
    ++entered[function];
    if (function == sim::Fn::kBatchFromDomain || function == sim::Fn::kMemfdLuoCheckPages) {
      EXPECT_EQ(writers, 0);
    }
  }
  EXPECT_EQ(entered[sim::Fn::kIommufdLuFreezeIoas], 2);
  EXPECT_EQ(entered[sim::Fn::kIommufdLuCheckPages], 2);
  EXPECT_EQ(entered[sim::Fn::kBatchFromDomain], 3) << "areas";
  EXPECT_EQ(entered[sim::Fn::kMemfdLuoCheckPages], 3);
  EXPECT_EQ(entered[sim::Fn::kIommufdLuThawIoas], 0);
}

// What comes before the problem is undone, in both directions of the object table.
TEST_F(ReferenceTest, ARefusalThawsWhatWasFrozenBefore) {
  const uint32_t elsewhere = m.IoasAlloc();
  ASSERT_EQ(m.MapUser(elsewhere, 0x10000, 0x1000), 0);
  const uint32_t other = m.HwptAlloc(device_, elsewhere);
  const uint32_t third = m.HwptAlloc(device_, ioas_);
  const SessionHandle s = SessionWithMemfd();
  for (const uint32_t hwpt : {hwpt_, other, third}) ASSERT_EQ(Mark(hwpt, hwpt), 0);
  const World before = m.world;
  EXPECT_EQ(PreserveIommufd(s, 2), -sim::kEINVAL);
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
  EXPECT_EQ(Immutable(0), 0u);
}

TEST_F(ReferenceTest, AnEmptyIoasCanBePreserved) {
  const uint32_t empty = m.IoasAlloc();
  ASSERT_EQ(Mark(m.HwptAlloc(device_, empty), 9), 0);
  const SessionHandle s = NewSession("vm");
  EXPECT_EQ(PreserveIommufd(s, 1), 0);
  EXPECT_EQ(Immutable(0), 0u);
  EXPECT_EQ(Immutable(1), 1u);
  EXPECT_EQ(Close(s), 0);
  EXPECT_EQ(Immutable(1), 0u);
}

TEST_F(ReferenceTest, AttachedDevicesStayAttached) {
  const auto attach = [&] {
    return m.Call([&](Kernel& k) { return device_attach(k, k.ctx, device_, hwpt_); });
  };
  ASSERT_EQ(attach(), 0);
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const SessionHandle s = SessionWithMemfd();
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_EQ(m.world.iommu.endpoints[0].domain.Peek().index, 0);
  ASSERT_EQ(Close(s), 0);
  EXPECT_EQ(m.world.iommu.endpoints[0].domain.Peek().index, 0);
}

TEST_F(ReferenceTest, ThePreservedFileOutlivesTheProcess) {
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const SessionHandle s = SessionWithMemfd();
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  m.TearDownProcess();
  EXPECT_EQ(m.world.kernel.iommufd.contexts.live(), 1u);
  EXPECT_EQ(Immutable(), 1u);
  ASSERT_EQ(Close(s), 0);
  KernelFixture empty(FindDesign("reference"));
  empty.Call([&](Kernel& k) { return memfd_add_seals(k.t, k.mm, empty.memfd(0), 7); });
  empty.TearDownProcess();
  EXPECT_TRUE(m.world == empty.world) << Difference(empty.world, m.world);
}

}  // namespace
}  // namespace iommufd_check::liveupdate
