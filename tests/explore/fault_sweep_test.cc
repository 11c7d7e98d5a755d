// The fault sweep: which plans it runs, and what the reference answers to them.

#include "model/explore/schedules/fault_sweep.h"

#include <gtest/gtest.h>

#include <string>

#include "model/explore/work/certificate_text.h"
#include "model/liveupdate/designs/registry.h"
#include "tests/explore/explore_corpus.h"

namespace iommufd_check::explore {
namespace {

program::Program OneAlloc() {
  return *program::ParseProgram("main:\n  ioas_alloc()\n", "one-alloc");
}

Certificate Sweep(const std::string& design, const program::Program& program,
                  const SweepOptions& options) {
  program::Executor executor;
  return SweepProgram(&executor, *liveupdate::FindDesign(design), "test", program, options);
}

// ioas_alloc calls copy_from_user, object_alloc, object_id_alloc and copy_to_user once each.
TEST(FaultSweep, EachCallFailsOnceThenWithAllLaterOnes) {
  EXPECT_EQ(Sweep("reference", OneAlloc(), {.sticky = false}).plans, 4u);
  EXPECT_EQ(Sweep("reference", OneAlloc(), {.sticky = true}).plans, 8u);
}

// Each of the four ends the call, so none is followed by another: no run makes a pair.
TEST(FaultSweep, PairsAreOfCallsThatARunMakes) {
  const Certificate c = Sweep("reference", OneAlloc(), {.sticky = false, .pairs = true});
  EXPECT_EQ(c.plans, 4u);
  EXPECT_TRUE(c.exhausted());
}

// Of two ioas_alloc, each call of the first one fails together with each of the second one; the
// second one's are those of the first.
TEST(FaultSweep, PairsMayBeOfTwoOperations) {
  const auto two = *program::ParseProgram("main:\n  ioas_alloc()\n  ioas_alloc()\n", "two");
  EXPECT_EQ(Sweep("reference", two, {.sticky = false}).plans, 8u);
  const Certificate c = Sweep("reference", two, {.sticky = false, .pairs = true});
  EXPECT_EQ(c.plans, 8u + 16u);
  EXPECT_EQ(c.executions, 1u + c.plans) << "and once without a fault";
}

TEST(FaultSweep, TheReferenceRestoresEverything) {
  for (const std::string& name : ExploreCorpusNames()) {
    const program::Program program = ExploreCorpusProgram(name);
    const Certificate c = Sweep("reference", program, {});
    EXPECT_TRUE(c.exhausted()) << name;
    EXPECT_FALSE(c.violated()) << RenderText(c);
    EXPECT_GT(c.plans, 20u) << name;
  }
}

TEST(FaultSweep, V1TestsAnErrorPointerForNull) {
  const Certificate c = Sweep("v1", ExploreCorpusProgram("map-x-preserve"), {.sticky = false});
  EXPECT_NE(c.Find(spec::Invariant::kI21), nullptr) << RenderText(c);
}

TEST(FaultSweep, TheBudgetEndsItUnexhausted) {
  program::Executor executor;
  const auto work = MakeSweepWork(&executor, *liveupdate::FindDesign("reference"), "test",
                                  OneAlloc(), {}, nullptr);
  const Certificate c = RunWork(*work, {.max_executions = 2});
  EXPECT_FALSE(c.exhausted());
  EXPECT_EQ(c.executions, 2u);
}

}  // namespace
}  // namespace iommufd_check::explore
