// The interleaving explorer on all of corpus/explore: what it claims against plain enumeration, and
// that the reference holds.

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/liveupdate/designs/registry.h"
#include "tests/explore/explore_corpus.h"
#include "tests/explore/outcomes.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;

std::set<Outcome> BoundedOutcomes(const std::string& design, const Program& program,
                                  int preemptions) {
  program::Executor executor;
  Meter meter;
  std::set<Outcome> outcomes;
  EXPECT_TRUE(
      BoundedSchedules(&executor, liveupdate::FindDesign(design), program, preemptions, nullptr)
          .Run({}, &meter, [&](const Program&, const Execution& execution) {
            outcomes.insert(OutcomeOf(execution));
            return true;
          }));
  return outcomes;
}

std::set<spec::Invariant> Broken(const std::set<Outcome>& outcomes) {
  std::set<spec::Invariant> broken;
  for (const Outcome& outcome : outcomes) {
    broken.insert(std::get<1>(outcome).begin(), std::get<1>(outcome).end());
  }
  return broken;
}

// Nothing that any schedule with up to two preemptions shows is missed.
TEST(ProgramInterleavingsSlow, CoverAllSchedulesWithTwoPreemptions) {
  for (const char* design : {"v1", "reference"}) {
    for (const std::string& name : TwoTaskPrograms()) {
      const Program program = ExploreCorpusProgram(name);
      const Explored all = ExploreOutcomes(design, program, Reduction::kDpor);
      const std::set<spec::Invariant> broken = Broken(all.outcomes);
      for (const Outcome& outcome : BoundedOutcomes(design, program, 2)) {
        EXPECT_EQ(all.outcomes.count(outcome), 1u) << name << " under " << design;
        for (const spec::Invariant invariant : std::get<1>(outcome)) {
          EXPECT_EQ(broken.count(invariant), 1u)
              << spec::IdOf(invariant) << " of " << name << " under " << design;
        }
      }
    }
  }
}

// Which frame an allocation gets makes no difference.
TEST(ProgramInterleavingsSlow, NamesOfFramesMakeNoDifference) {
  for (const char* design : {"v1", "reference"}) {
    for (const std::string& name : TwoTaskPrograms()) {
      const Program program = ExploreCorpusProgram(name);
      EXPECT_EQ(ExploreOutcomes(design, program, Reduction::kDpor, true).outcomes,
                ExploreOutcomes(design, program, Reduction::kDpor, false).outcomes)
          << name << " under " << design;
    }
  }
}

TEST(ProgramInterleavingsSlow, TheReferenceHoldsEverywhere) {
  for (const std::string& name : ExploreCorpusNames()) {
    program::Executor executor;
    const Certificate c = ExploreProgram(&executor, *liveupdate::FindDesign("reference"), name,
                                         ExploreCorpusProgram(name), {});
    EXPECT_TRUE(c.exhausted()) << name;
    EXPECT_FALSE(c.violated()) << RenderText(c);
  }
}

}  // namespace
}  // namespace iommufd_check::explore
