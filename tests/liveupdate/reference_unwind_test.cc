// Every single fault in a preserve of design `reference` leaves the World as it was (I05), for one
// and several HWPTs that share an IOAS or do not.

#include <map>

#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

using sim::FaultSite;

struct Shape {
  int ioas;            // how many
  int hwpts_per_ioas;  // marked
};

class ReferenceUnwindTest : public LiveUpdateTest, public testing::WithParamInterface<Shape> {
 protected:
  ReferenceUnwindTest() : LiveUpdateTest(FindDesign("reference")) {
    const uint32_t device = m.Bind();
    EXPECT_EQ(Seal(0), 0);
    for (int i = 0; i < GetParam().ioas; ++i) {
      const uint32_t ioas = m.IoasAlloc();
      EXPECT_EQ(m.MapFile(ioas, 0x10000, 0x2000), 0);
      for (int j = 0; j < GetParam().hwpts_per_ioas; ++j) {
        const uint32_t hwpt = m.HwptAlloc(device, ioas);
        EXPECT_EQ(Mark(hwpt, hwpt), 0);
      }
    }
  }
  int hwpts() const { return GetParam().ioas * GetParam().hwpts_per_ioas; }
};

INSTANTIATE_TEST_SUITE_P(Shapes, ReferenceUnwindTest,
                         testing::Values(Shape{1, 1}, Shape{1, 3}, Shape{3, 1}, Shape{2, 2}));

TEST_P(ReferenceUnwindTest, EverySiteLeavesTheWorldAsItWas) {
  const SessionHandle s = NewSession("vm");
  ASSERT_EQ(PreserveMemfd(s, 0, 1), 0);
  const World before = m.world;
  std::map<FaultSite, int> reached;
  m.Sweep(PreserveIommufdCall(s, 2), [&](const FaultedRun& run) {
    ++reached[run.site];
    EXPECT_LT(run.result, 0) << run.Where();
    EXPECT_THAT(run.splats, IsEmpty()) << run.Where();
    if (run.site == FaultSite::kCopyToUser) return;  // the file stays preserved (L4)
    EXPECT_TRUE(*run.world == before) << run.Where() << "\n" << Difference(before, *run.world);
  });
  EXPECT_EQ(reached, (std::map<FaultSite, int>{
                         {FaultSite::kCopyFromUser, 1},
                         {FaultSite::kBlockGrow, 1},
                         {FaultSite::kFdLookup, 1},
                         {FaultSite::kFileInsert, 1},
                         {FaultSite::kFlbPreserve, 1},
                         {FaultSite::kFileAlloc, 1},
                         {FaultSite::kKcalloc, 1},
                         {FaultSite::kKhoAllocPreserve, 4 + 1},  // the FLB's and the records
                         {FaultSite::kIommuDomainPreserve, hwpts()},
                         {FaultSite::kReserveRecord, hwpts()},
                         {FaultSite::kPreserveTable, 3 * hwpts()},
                         {FaultSite::kCopyToUser, 1}}));
}

TEST_P(ReferenceUnwindTest, AfterEveryFaultTheNextTrySucceeds) {
  const SessionHandle s = NewSession("vm");
  ASSERT_EQ(PreserveMemfd(s, 0, 1), 0);
  KernelFixture direct(m);
  ASSERT_EQ(direct.Call(PreserveIommufdCall(s, 2)), 0);
  int tries = 0;
  m.Sweep(PreserveIommufdCall(s, 2), [&](const FaultedRun& run) {
    if (run.site == FaultSite::kCopyToUser) return;
    KernelFixture again(m);
    again.world = *run.world;
    EXPECT_EQ(again.Call(PreserveIommufdCall(s, 2)), 0) << run.Where();
    EXPECT_TRUE(again.world == direct.world) << run.Where() << "\n"
                                             << Difference(direct.world, again.world);
    ++tries;
  });
  EXPECT_GT(tries, 10);
}

TEST_P(ReferenceUnwindTest, ClosePutsEverythingBack) {
  const World before = m.world;
  const SessionHandle s = NewSession("vm");
  ASSERT_EQ(PreserveMemfd(s, 0, 1), 0);
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  ASSERT_EQ(Close(s), 0);
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
  EXPECT_THAT(m.splats(), IsEmpty());
}

}  // namespace
}  // namespace iommufd_check::liveupdate
