// The interleaving explorer on real programs: the verdicts of v1, and what its certificates say.

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/schedules/program_subject.h"
#include "model/explore/work/certificate_json.h"
#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/reference.h"
#include "model/liveupdate/designs/registry.h"
#include "tests/explore/explore_corpus.h"
#include "tests/explore/outcomes.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;

// Short enough for all interleavings of all steps.
Program TwoMarks() {
  const auto program = program::ParseProgram(
      "boot devices=1\nmain:\n  ioas = ioas_alloc()\n  dev = device_bind(index=0)\n"
      "  h1 = hwpt_alloc(dev, ioas)\n  h2 = hwpt_alloc(dev, ioas)\n"
      "A:\n  lu_mark(h1, token=7)\nB:\n  lu_mark(h2, token=7)\n",
      "two-marks");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return *program;
}

TEST(ProgramInterleavings, ReductionsAgreeWithNoneWhereNoneFinishes) {
  for (const char* design : {"v1", "reference"}) {
    const Explored none = ExploreOutcomes(design, TwoMarks(), Reduction::kNone);
    const Explored sleep = ExploreOutcomes(design, TwoMarks(), Reduction::kSleep);
    const Explored dpor = ExploreOutcomes(design, TwoMarks(), Reduction::kDpor);
    EXPECT_EQ(none.outcomes, dpor.outcomes);
    EXPECT_EQ(none.outcomes, sleep.outcomes);
    EXPECT_EQ(sleep.counts.traces, dpor.counts.traces);
    EXPECT_GT(none.counts.traces, 10 * dpor.counts.traces);
  }
}

// A mark ioctl that takes one short reference more and gives it back by half or without waking.
template <bool kGivesBack>
int CarelessMark(liveupdate::StepKernel& k, uint32_t hwpt_id, uint64_t token) {
  using iommufd::Object;
  const iommufd::ObjectKey key =
      iommufd::GetObject(k, k.ctx, hwpt_id, iommufd::ObjectType::kHwptPaging);
  const int result = liveupdate::Reference().steps().mark(k, hwpt_id, token);
  if (key.null()) return result;
  refcount_dec_and_test(k, key, &Object::users);
  if (kGivesBack) refcount_dec_and_test(k, key, &Object::wait_cnt);
  return result;
}

template <bool kGivesBack>
liveupdate::Revision WithCarelessMark() {
  return liveupdate::Reference().With(&liveupdate::Steps::mark, CarelessMark<kGivesBack>);
}

Program MarkAgainstDestroy() {
  const auto program = program::ParseProgram(
      "boot devices=1\nmain:\n  ioas = ioas_alloc()\n  dev = device_bind(index=0)\n"
      "  hwpt = hwpt_alloc(dev, ioas)\nA:\n  lu_mark(hwpt, token=7)\nB:\n  destroy(hwpt)\n",
      "mark-x-destroy");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return *program;
}

std::string Details(const Certificate& c) {
  std::string text;
  for (const Finding& finding : c.findings) text += finding.detail + "\n";
  return text;
}

TEST(ProgramInterleavings, AReferenceThatIsNeverPutIsWaitedForUntilTheTimeOut) {
  liveupdate::Revision design = WithCarelessMark<false>();
  program::Executor executor;
  const Certificate c =
      ExploreProgram(&executor, design, "mark-x-destroy", MarkAgainstDestroy(), {});
  EXPECT_TRUE(c.exhausted());
  EXPECT_NE(Details(c).find("WARN_ON(object is in use): hwpt 3"), std::string::npos) << Details(c);
}

TEST(ProgramInterleavings, AForgottenWakeUpIsFound) {
  liveupdate::Revision design = WithCarelessMark<true>();
  for (const Reduction reduction : {Reduction::kSleep, Reduction::kDpor}) {
    program::Executor executor;
    const Certificate c = ExploreProgram(&executor, design, "mark-x-destroy", MarkAgainstDestroy(),
                                         {.reduction = reduction});
    EXPECT_TRUE(c.exhausted());
    EXPECT_NE(Details(c).find("sleeper not woken"), std::string::npos) << Details(c);
    const Certificate reference =
        ExploreProgram(&executor, *liveupdate::FindDesign("reference"), "mark-x-destroy",
                       MarkAgainstDestroy(), {.reduction = reduction});
    EXPECT_TRUE(reference.exhausted());
    EXPECT_FALSE(reference.violated()) << RenderText(reference);
  }
}

Certificate Explore(const std::string& design, const std::string& name) {
  program::Executor executor;
  return ExploreProgram(&executor, *liveupdate::FindDesign(design), name,
                        ExploreCorpusProgram(name), {});
}

// Of the findings of an invariant one with the fewest preemptions.
const Finding* FewestOf(const Certificate& c, spec::Invariant invariant) {
  const Finding* fewest = nullptr;
  for (const Finding& finding : c.findings) {
    if (finding.identity.invariant != invariant) continue;
    if (fewest == nullptr || finding.preemptions < fewest->preemptions) fewest = &finding;
  }
  return fewest;
}

TEST(ProgramInterleavings, V1BreaksWithTheFewestPreemptions) {
  const std::vector<std::tuple<std::string, spec::Invariant, int>> expected{
      {"map-x-preserve", spec::Invariant::kI04, 1},
      {"map-x-preserve", spec::Invariant::kI19, 0},
      {"mark-x-preserve", spec::Invariant::kI10, 1},
      {"mark-x-preserve", spec::Invariant::kI12, 0},
      {"destroy-x-preserve", spec::Invariant::kI08, 0},
      {"destroy-x-preserve", spec::Invariant::kI02, 0},
  };
  for (const auto& [name, invariant, preemptions] : expected) {
    const Certificate c = Explore("v1", name);
    EXPECT_TRUE(c.exhausted());
    const Finding* finding = FewestOf(c, invariant);
    ASSERT_NE(finding, nullptr) << name << " " << spec::IdOf(invariant);
    EXPECT_EQ(finding->preemptions, preemptions) << name << " " << spec::IdOf(invariant);
    EXPECT_TRUE(c.HasFewest(*finding));
  }
}

// Each witness replays to its violation, from the exploration too and not only from the search for
// the shortest.
TEST(ProgramInterleavings, WitnessesReplay) {
  program::Executor executor;
  liveupdate::Design& v1 = *liveupdate::FindDesign("v1");
  for (const std::string name : {"alloc-x-preserve", "failing-map-x-preserve", "mark-x-preserve"}) {
    for (const int shortest : {-1, 2}) {
      ExploreOptions options;
      options.shortest_up_to = shortest;
      const Certificate c =
          ExploreProgram(&executor, v1, name, ExploreCorpusProgram(name), options);
      for (const Finding& finding : c.findings) {
        const Execution& run = executor.Run(v1, finding.witness);
        EXPECT_NE(FindIdentity(finding.witness, run, finding.identity), nullptr)
            << name << " " << TextOf(finding.identity);
        EXPECT_EQ(PreemptionsOfLast(executor), finding.preemptions);
      }
    }
  }
}

TEST(ProgramInterleavings, NeverArmedIsReportedAndNotHeld) {
  const Certificate c = Explore("reference", "attach-x-mark");
  const std::string text = RenderText(c);
  EXPECT_NE(text.find("never armed"), std::string::npos);
  EXPECT_EQ(c.armed[static_cast<size_t>(spec::Invariant::kI10)], 0u);
  EXPECT_NE(RenderJson({c}).find("\"I10\""), std::string::npos);
}

}  // namespace
}  // namespace iommufd_check::explore
