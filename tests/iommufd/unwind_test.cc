// Every call of the slice fails at every fault site that it comes past: the World is what it was.
//
// Memory is populated and the tables on the way exist, so "what it was" is exact; a last test lets
// a call add tables and asks that they are empty and reachable.

#include <map>

#include "tests/iommufd/iommufd_fixture.h"

namespace iommufd_check::iommufd::tests {
namespace {

using sim::FaultSite;
using test_support::FaultedRun;

class UnwindTest : public IommufdTest {
 protected:
  // An IOAS with `hwpts` domains whose tables cover [0, 2 MiB), and two areas.
  void Build(int hwpts) {
    device_ = m.Bind();
    ioas_ = m.IoasAlloc();
    ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
    ASSERT_EQ(m.MapUser(ioas_, 0x20000, 0x2000), 0);
    for (int i = 0; i < hwpts; ++i) ASSERT_NE(m.HwptAlloc(device_, ioas_), 0u);
  }
  // Sweeps; each failed run must leave `before`, except for calls that cannot be undone when the
  // answer does not reach the user: those leave what success leaves. Returns how often each site
  // was reached.
  std::map<FaultSite, int> Sweep(const SystemCall& call, bool answer_comes_last = false) {
    const liveupdate::World before = m.world;
    KernelFixture success(m);
    EXPECT_EQ(success.Call(call), 0);
    std::map<FaultSite, int> reached;
    m.Sweep(call, [&](const FaultedRun& run) {
      ++reached[run.site];
      EXPECT_LT(run.result, 0) << run.Where();
      EXPECT_TRUE(run.splats.empty()) << run.Where() << ": " << Name(run.splats.front());
      const bool done = answer_comes_last && run.site == FaultSite::kCopyToUser;
      const liveupdate::World& expected = done ? success.world : before;
      EXPECT_TRUE(*run.world == expected)
          << run.Where() << "\n" << test_support::Difference(expected, *run.world);
    });
    return reached;
  }

  uint32_t device_ = 0, ioas_ = 0;
};

using Reached = std::map<FaultSite, int>;

TEST_F(UnwindTest, IoasAlloc) {
  uint32_t id = 0;
  EXPECT_EQ(Sweep([&](Kernel& k) { return ioas_alloc(k, k.ctx, &id); }),
            (Reached{{FaultSite::kObjectAlloc, 1}, {FaultSite::kCopyToUser, 1}}));
}

TEST_F(UnwindTest, MapUser) {
  for (int hwpts = 0; hwpts <= 3; ++hwpts) {
    SCOPED_TRACE(hwpts);
    m = KernelFixtureReset();
    Build(hwpts);
    const Reached reached = Sweep(
        [&](Kernel& k) {
          MapArguments a{ioas_, kFixed, mm::UserAddressOf(1), 0x4000, 0x30000};
          return ioas_map(k, k.ctx, &a);
        },
        true);
    Reached expected{{FaultSite::kGetObject, 1},
                     {FaultSite::kPagesAlloc, 1},
                     {FaultSite::kAreaAlloc, 1},
                     {FaultSite::kCopyToUser, 1}};
    if (hwpts > 0) {
      expected[FaultSite::kPinUserPages] = 1;
      expected[FaultSite::kAccount] = 1;
      // Populated pages of two buffers interleave with the memfds': no two are consecutive... the
      // number of runs is the fixture's business, the factor is not.
      expected[FaultSite::kIommuMap] = reached.at(FaultSite::kIommuMap);
      EXPECT_EQ(reached.at(FaultSite::kIommuMap) % hwpts, 0);
    }
    EXPECT_EQ(reached, expected);
  }
}

}  // namespace
}  // namespace iommufd_check::iommufd::tests
