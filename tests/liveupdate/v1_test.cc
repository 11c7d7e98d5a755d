// Design v1 (R3), one call after the other: it works, with the complaints that its locking earns,
// and keeps the defects that were reported about it.

#include "model/liveupdate/designs/v1.h"

#include <set>

#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

using mm::FrameOwner;
using sim::FaultSite;
using sim::Splat;

class V1Test : public LiveUpdateTest {
 protected:
  V1Test() : LiveUpdateTest(FindDesign("v1")) {
    device_ = m.Bind();
    ioas_ = m.IoasAlloc();
    hwpt_ = m.HwptAlloc(device_, ioas_);
    EXPECT_EQ(Seal(0), 0);
    EXPECT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  }
  SessionHandle SessionWithMemfd() {
    const SessionHandle s = NewSession("vm");
    EXPECT_EQ(PreserveMemfd(s, 0, 1), 0);
    EXPECT_THAT(m.splats(), IsEmpty());
    return s;
  }
  uint32_t Immutable() const {
    return m.world.kernel.iommufd.ioas.Find({0, 0})->iopt.immutable.Peek();
  }
  std::set<Splat> Kinds() const { return {m.splats().begin(), m.splats().end()}; }

  uint32_t device_ = 0, ioas_ = 0, hwpt_ = 0;
};

TEST_F(V1Test, Mark) {
  const uint32_t other = m.HwptAlloc(device_, ioas_);
  EXPECT_EQ(Mark(99, 7), -sim::kENOENT);
  EXPECT_EQ(Mark(hwpt_, 7), 0);
  EXPECT_EQ(Mark(hwpt_, 7), 0);
  EXPECT_EQ(Mark(other, 7), -sim::kEADDRINUSE);
  EXPECT_EQ(Mark(other, (uint64_t{1} << 32) + 7), -sim::kEADDRINUSE) << "tokens have 32 bits";
  EXPECT_EQ(Mark(hwpt_, 8), 0) << "a new token overwrites";
  EXPECT_EQ(Mark(other, 7), 0);
  EXPECT_THAT(m.splats(), IsEmpty());
}

TEST_F(V1Test, PreserveAndClose) {
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const World before = m.world;
  const SessionHandle s = SessionWithMemfd();
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_EQ(Immutable(), 1u);
  EXPECT_NE(m.world.iommu.domains.Find({0, 0})->preserved_state.Peek(), 0u);
  const PhysAddr data = luo().sessions.Find(s)->files.Peek()[1].data;
  EXPECT_EQ(m.world.machine.phys.ReadField(data, 4), 1u);
  EXPECT_EQ(m.world.machine.phys.ReadField(data + 4, 4), 7u) << "the token";
  // Sleeping locks under xa_lock, which hwpt_alloc takes inside ioas->mutex; the tree is walked
  // without iova_rwsem.
  EXPECT_EQ(Kinds(),
            (std::set<Splat>{Splat::kSleepInAtomic, Splat::kLockCycle, Splat::kLockNotHeld}));
  m.ForgetSplats();
  ASSERT_EQ(Close(s), 0);
  EXPECT_EQ(Kinds(), (std::set<Splat>{Splat::kSleepInAtomic}));
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
}

TEST_F(V1Test, Gates) {
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const SessionHandle s = SessionWithMemfd();
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_EQ(m.MapFile(ioas_, 0x20000, 0x1000), -sim::kEBUSY);
  EXPECT_EQ(m.Unmap(ioas_, 0x10000, 0x2000), -sim::kEBUSY);
  EXPECT_EQ(Mark(hwpt_, 9), 0) << "marks are not frozen";
  KernelFixture destroyed(m);
  EXPECT_EQ(destroyed.Destroy(hwpt_), 0) << "no reference is held on what is preserved";
}

TEST_F(V1Test, NothingMarkedIsAnEmptyPreserve) {
  const World before = m.world;
  const SessionHandle s = NewSession("vm");
  EXPECT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_EQ(FramesOf(FrameOwner::kIommufdSer).size(), 1u);
  EXPECT_EQ(Close(s), 0);
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
}

TEST_F(V1Test, Refusals) {
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const SessionHandle s = NewSession("vm");
  const World before = m.world;
  EXPECT_EQ(PreserveIommufd(s, 2), -sim::kENOENT) << "the memfd is not in the session";
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
  ASSERT_EQ(m.MapUser(ioas_, 0x1000, 0x1000), 0);
  EXPECT_EQ(PreserveIommufd(s, 2), -sim::kEINVAL);
  EXPECT_EQ(Immutable(), 0u);
}

TEST_F(V1Test, SealsAreThoseOfTheTimeOfTheMap) {
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  ASSERT_EQ(m.MapFile(ioas_, 0x20000, 0x1000, 1), 0);
  ASSERT_EQ(Seal(1), 0);
  const SessionHandle s = SessionWithMemfd();
  ASSERT_EQ(PreserveMemfd(s, 1, 3), 0);
  EXPECT_EQ(PreserveIommufd(s, 2), -sim::kEINVAL) << "sealed too late";
}

TEST_F(V1Test, AnErrorPointerIsTakenForMemory) {
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  const SessionHandle s = SessionWithMemfd();
  // Four allocations of the FLB come before that of the records.
  const sim::PlannedFault fault{0, FaultSite::kKhoAllocPreserve, 5};
  EXPECT_EQ(m.Call(PreserveIommufdCall(s, 2), {&fault, 1}), KernelFixture::kRunEnded);
  EXPECT_TRUE(m.Saw(Splat::kBadPointer));
}

TEST_F(V1Test, AFailureInTheMiddleLeavesDomainsPreserved) {
  const uint32_t second = m.HwptAlloc(device_, ioas_);
  ASSERT_EQ(Mark(hwpt_, 7), 0);
  ASSERT_EQ(Mark(second, 8), 0);
  const SessionHandle s = SessionWithMemfd();
  const sim::PlannedFault fault{0, FaultSite::kIommuDomainPreserve, 2};
  EXPECT_EQ(m.Call(PreserveIommufdCall(s, 2), {&fault, 1}), -sim::kENOMEM);
  EXPECT_EQ(Immutable(), 0u);
  EXPECT_NE(m.world.iommu.domains.Find({0, 0})->preserved_state.Peek(), 0u);
  EXPECT_EQ(m.world.iommu.domains.Find({1, 0})->preserved_state.Peek(), 0u);
  EXPECT_THAT(FramesOf(FrameOwner::kFlbSer), IsEmpty()) << "so the pointer dangles (B53)";
}

// A session that preserved the iommufd and is closed: what is left of the FLB when no file is.
class LeftBehind : public LiveUpdateTest {
 public:
  explicit LeftBehind(Design* design) : LiveUpdateTest(design) {
    const uint32_t ioas = m.IoasAlloc();
    EXPECT_EQ(Mark(m.HwptAlloc(m.Bind(), ioas), 7), 0);
    const SessionHandle s = NewSession("vm");
    EXPECT_EQ(PreserveIommufd(s, 2), 0);
    EXPECT_EQ(Close(s), 0);
  }
  uint32_t count() const { return luo().flb.Peek().count; }
  size_t frames() const { return FramesOf(FrameOwner::kFlbSer).size(); }

 private:
  void TestBody() override {}
};

TEST(V1On72, TheFlbOutlivesItsFiles) {
  struct Left {
    uint32_t count;
    size_t frames;
  };
  const std::vector<std::pair<const char*, Left>> rows{
      {"v1", {0, 0}}, {"v1-7.2", {2, 4}}, {"reference", {0, 0}}};
  for (const auto& [name, left] : rows) {
    LeftBehind after(FindDesign(name));
    EXPECT_EQ(after.count(), left.count) << name;
    EXPECT_EQ(after.frames(), left.frames) << name;
  }
}

TEST(Registry, DesignsAreFoundByName) {
  std::set<std::string_view> names;
  for (Design* design : AllDesigns()) {
    EXPECT_TRUE(names.insert(design->name()).second);
    EXPECT_EQ(FindDesign(design->name()), design);
    EXPECT_FALSE(design->summary().empty());
  }
  EXPECT_EQ(FindDesign("v0"), nullptr);
  EXPECT_NE(FindDesign("v1"), nullptr);
  EXPECT_NE(FindDesign("v1-7.2"), nullptr);
  EXPECT_NE(FindDesign("reference"), nullptr);
}

}  // namespace
}  // namespace iommufd_check::liveupdate
