// The reduction against plain enumeration on random programs of system calls: nothing that a
// schedule with two preemptions shows, at whatever access it switches, is missed; and each rule of
// the dependency relation is missed when it is left out.

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "model/explore/schedules/bounded_schedules.h"
#include "model/uapi/operation.h"
#include "tests/explore/explore_corpus.h"
#include "tests/explore/outcomes.h"
#include "tests/explore/random_calls.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;

constexpr uint32_t kPrograms = 150;

std::set<Outcome> Enumerated(liveupdate::Design* design, const Program& program, int preemptions) {
  program::Executor executor;
  Meter meter;
  std::set<Outcome> outcomes;
  EXPECT_TRUE(BoundedSchedules(&executor, design, program, preemptions, nullptr)
                  .Run({}, &meter, [&](const Program&, const Execution& execution) {
                    outcomes.insert(OutcomeOf(execution));
                    return true;
                  }));
  return outcomes;
}

std::string Text(const Outcome& outcome) {
  std::string text = "answers";
  for (const int result : std::get<0>(outcome)) text += " " + std::to_string(result);
  text += " breaks";
  for (const spec::Invariant i : std::get<1>(outcome)) text += " " + std::string(spec::IdOf(i));
  return text + " ends " + std::to_string(static_cast<int>(std::get<2>(outcome)));
}

TEST(CallsCrossCheck, NothingThatEnumerationShowsIsMissed) {
  size_t enumerated = 0;
  for (uint32_t seed = 0; seed < kPrograms; ++seed) {
    const Program program = RandomCalls(seed);
    for (const char* name : {"reference", "v1"}) {
      liveupdate::Design* design = liveupdate::FindDesign(name);
      const Explored reduced = ExploreOutcomes(design, program, Reduction::kDpor);
      for (const Outcome& outcome : Enumerated(design, program, 1)) {
        ++enumerated;
        ASSERT_EQ(reduced.outcomes.count(outcome), 1u)
            << Text(outcome) << " under " << name << ", seed " << seed << "\n"
            << RandomCallsText(seed);
      }
    }
  }
  EXPECT_GT(enumerated, 2 * kPrograms) << "programs with several outcomes, else this tests nothing";
}

// A number that is given up and taken again names two objects, which the relation may take for one:
// dependent in one order, not in the other. Such programs have no one count of traces.
// A call that is refused late gives up what it had taken, for the next one to take again.
bool ReusesNames(const Program& program) {
  bool creates = false;
  bool destroys = false;
  int late = 0;
  for (const program::Operation& op : program.operations) {
    if (program::PhaseOf(op.task) != 1) continue;
    const bool adds = program::SpecOf(op.code).Has(uapi::kAddsAreas);
    creates |= program::SpecOf(op.code).result != program::ResultKind::kNone || adds;
    destroys |= op.code == program::OpCode::kUnmap || op.code == program::OpCode::kDestroy ||
                op.code == program::OpCode::kDeviceUnbind ||
                op.code == program::OpCode::kCloseIommufd ||
                op.code == program::OpCode::kLuoCloseSession;
    late += adds ? 1 : 0;
  }
  return creates && (destroys || late > 1);
}

// The two reductions find the same traces, each once.
TEST(CallsCrossCheck, ReductionsAgreeOnTraces) {
  uint32_t compared = 0;
  for (uint32_t seed = 0; seed < kPrograms; ++seed) {
    const Program program = RandomCalls(seed);
    if (ReusesNames(program)) continue;
    liveupdate::Design* v1 = liveupdate::FindDesign("v1");
    const Explored dpor = ExploreOutcomes(v1, program, Reduction::kDpor, false, 0, true);
    if (dpor.counts.traces > 200) continue;
    const Explored sleep = ExploreOutcomes(v1, program, Reduction::kSleep, false, 0, true);
    ASSERT_EQ(dpor.counts.traces, sleep.counts.traces) << RandomCallsText(seed);
    ASSERT_EQ(dpor.outcomes, sleep.outcomes) << RandomCallsText(seed);
    ++compared;
  }
  EXPECT_GT(compared, kPrograms / 2);
}

TEST(CallsCrossCheck, EveryRuleIsMissedWhenItIsLeftOut) {
  std::set<int> missed;
  std::vector<Program> programs;
  for (const std::string& name : TwoTaskPrograms()) programs.push_back(ExploreCorpusProgram(name));
  for (uint32_t seed = 0; seed < kPrograms; ++seed) programs.push_back(RandomCalls(seed));
  for (const Program& program : programs) {
    for (const char* design : {"v1", "reference"}) {
      const Explored all = ExploreOutcomes(design, program, Reduction::kDpor);
      for (int rule = 0; rule < static_cast<int>(Rule::kCount); ++rule) {
        if (missed.count(rule) != 0) continue;
        const Explored less = ExploreOutcomes(liveupdate::FindDesign(design), program,
                                              Reduction::kDpor, false, 1u << rule);
        if (less.outcomes != all.outcomes || less.counts.traces != all.counts.traces) {
          missed.insert(rule);
        }
      }
    }
  }
  // What these three order is ordered by fields and locks too in all programs tried here. They stay
  // for designs that take no lock where others do.
  const std::set<int> implied{static_cast<int>(Rule::kWaitQueues),
                              static_cast<int>(Rule::kPreservation),
                              static_cast<int>(Rule::kRegistration)};
  for (int rule = 0; rule < static_cast<int>(Rule::kCount); ++rule) {
    EXPECT_EQ(missed.count(rule), 1 - implied.count(rule)) << "rule " << rule;
  }
}

TEST(CallsCrossCheck, RandomProgramsCoverTheAlphabet) {
  std::set<program::OpCode> seen;
  for (uint32_t seed = 0; seed < kPrograms; ++seed) {
    for (const program::Operation& op : RandomCalls(seed).operations) {
      if (program::PhaseOf(op.task) == 1) seen.insert(op.code);
    }
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(program::OpCode::kCount));
}

}  // namespace
}  // namespace iommufd_check::explore
