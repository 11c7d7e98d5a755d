// Preserve of `reference` beside a map that has inserted its area and not filled it yet: it waits,
// in every interleaving, and a wake-up that is forgotten is seen.

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/liveupdate/designs/reference.h"
#include "tests/explore/explore_corpus.h"
#include "tests/explore/outcomes.h"

namespace iommufd_check::explore {
namespace {

using iommufd::IoasHandle;
using liveupdate::Reference;
using liveupdate::Revision;
using liveupdate::StepKernel;
using liveupdate::Steps;

// What the call of task B, the last one, answers over all interleavings; nothing may break.
std::set<int> AnswersOfPreserve(liveupdate::Design* design, const program::Program& program) {
  std::set<int> answers;
  for (const Outcome& outcome : ExploreOutcomes(design, program, Reduction::kDpor).outcomes) {
    EXPECT_EQ(std::get<2>(outcome), sim::RunEnd::kCompleted);
    EXPECT_TRUE(std::get<1>(outcome).empty());
    answers.insert(std::get<0>(outcome).back());
  }
  return answers;
}

program::Program Parse(const std::string& tasks) {
  const auto program = program::ParseProgram(
      "boot memfds=1 devices=1\nmain:\n  ioas = ioas_alloc()\n  dev = device_bind(index=0)\n"
      "  hwpt = hwpt_alloc(dev, ioas)\n  memfd_seal(0, seals=seal|shrink|grow)\n"
      "  lu_mark(hwpt, token=7)\n  s = luo_create_session(name=\"vm\")\n"
      "  luo_preserve(s, memfd=0, token=1)\n" +
          tasks,
      "map-in-flight");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return *program;
}

TEST(MapInFlight, IsWaitedForInEveryInterleaving) {
  Revision reference = Reference();
  for (const std::string name : {"map-x-preserve", "failing-map-x-preserve"}) {
    EXPECT_EQ(AnswersOfPreserve(&reference, ExploreCorpusProgram(name)), std::set<int>{0}) << name;
  }
}

// The second map comes when the first has woken the sleeper, or in the middle of it.
TEST(MapInFlight, TwoMapsAreWaitedForAndPagesOfBothAreChecked) {
  Revision reference = Reference();
  EXPECT_EQ(AnswersOfPreserve(&reference,
                              Parse("A:\n  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                                    "  map_file(ioas, memfd=0, iova=0x2000, length=0x1000)\n"
                                    "B:\n  luo_preserve(s, iommufd, token=2)\n")),
            std::set<int>{0});
  EXPECT_EQ(AnswersOfPreserve(&reference, Parse("A:\n  map(ioas, iova=0x1000, length=0x1000)\n"
                                                "B:\n  luo_preserve(s, iommufd, token=2)\n")),
            (std::set<int>{-sim::kEINVAL, 0}))
      << "anonymous memory: before the map, or behind it";
}

// --- What goes wrong with the wait
// ---------------------------------------------------------------------------------------------

void WakeNobody(StepKernel&, IoasHandle) {}

// A map that fails takes its area out and tells nobody.
void WakeWhenPublishedOnly(StepKernel& k, IoasHandle ioas) {
  if (!k.t.Holds(Get(k, ioas).iopt.domains_rwsem)) return;
  Reference().steps().wake_waiters(k, ioas);
}

// Who is woken looks before there is something to see, and sleeps on.
void WakeBeforeTheStore(StepKernel& k, IoasHandle ioas) {
  const uint32_t left = Read(k, ioas, iommufd::iopt::filling) - 1;
  if (left == 0) k.wake_waiters(ioas);
  WriteOnce(k, ioas, iommufd::iopt::filling, left);
}

void ExpectLostWakeUp(Revision mutant, const std::string& name) {
  program::Executor executor;
  const program::Program program = ExploreCorpusProgram(name);
  const Certificate c = ExploreProgram(&executor, mutant, name, program, {});
  EXPECT_TRUE(c.exhausted()) << name;
  const Finding* finding = c.Find(spec::Invariant::kI37);
  ASSERT_NE(finding, nullptr) << name << "\n" << RenderText(c);
  EXPECT_EQ(finding->detail,
            "iommufd_lu_freeze_ioas: sleeper not woken though its condition holds: ioas 1");
}

TEST(MapInFlight, AForgottenWakeUpIsSeen) {
  const Revision never = Reference().With(&Steps::wake_waiters, WakeNobody);
  ExpectLostWakeUp(never, "map-x-preserve");
  ExpectLostWakeUp(never, "failing-map-x-preserve");
  ExpectLostWakeUp(Reference().With(&Steps::wake_waiters, WakeWhenPublishedOnly),
                   "failing-map-x-preserve");
  ExpectLostWakeUp(Reference().With(&Steps::area_settled, WakeBeforeTheStore), "map-x-preserve");
}

// Sleeps with the lock under which the map publishes its area.
bool WaitWithTheLock(StepKernel& k, IoasHandle ioas) {
  down_read(k, ioas, iommufd::iopt::iova_rwsem);
  const bool ended = Reference().steps().wait_for_maps(k, ioas);
  up_read(k, ioas, iommufd::iopt::iova_rwsem);
  return ended;
}

TEST(MapInFlight, AWaitUnderALockThatMapsNeedNeverEnds) {
  Revision design = Reference().With(&Steps::wait_for_maps, WaitWithTheLock);
  std::set<int> answers;
  const auto explored =
      ExploreOutcomes(&design, ExploreCorpusProgram("map-x-preserve"), Reduction::kDpor);
  bool broken = false;
  for (const Outcome& outcome : explored.outcomes) {
    broken |= !std::get<1>(outcome).empty();
    answers.insert(std::get<0>(outcome).back());
  }
  EXPECT_EQ(answers, (std::set<int>{-sim::kEBUSY, 0})) << "the time-out ends it";
  EXPECT_TRUE(broken) << "and that is no documented answer";
}

}  // namespace
}  // namespace iommufd_check::explore
