// What the search of the World finds in v1, and with how few operations.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/explore/world/world_model.h"
#include "tests/explore/world_searches.h"

namespace iommufd_check::explore {
namespace {

using program::OpCode;
using spec::Invariant;

std::vector<std::string> ActionsTo(const SearchOutcome& outcome) {
  std::vector<std::string> actions;
  for (const TraceStep& step : outcome.counterexample->steps) {
    if (!step.action.empty()) actions.push_back(step.action);
  }
  return actions;
}

// B38: nothing is marked, and preserve succeeds, which is a contract of v1 and no violation; what
// is marked then is preserved by nobody (B18).
TEST(WorldFindings, FindsTheMarkAfterAPreserveOfNothingInV1) {
  const SearchOutcome outcome =
      // I19 is as short (below), and which of two is found first says nothing.
      Searched(WorldModel(Design("v1"), Standard(), Tolerating(kKnownOfV1)), WorldModel::kMaxDepth,
               false, true);
  ASSERT_TRUE(outcome.counterexample.has_value());
  EXPECT_EQ(outcome.counterexample->invariant, "I06 unpreserve-inverse");
  EXPECT_EQ(ActionsTo(outcome),
            (std::vector<std::string>{"luo_preserve session 0 iommufd", "lu_mark hwpt 0 token 0"}));
}

// B01: the save walk sleeps under the spinlock as soon as something is marked.
TEST(WorldFindings, FindsSleepingUnderASpinlockInV1) {
  // Tolerates what a mark after preserve breaks, which is as short.
  const WorldModel model(
      Design("v1"), {.operations = {OpCode::kLuMark, OpCode::kLuoPreserve}},
      Tolerating({Invariant::kI06, Invariant::kI12, Invariant::kI13, Invariant::kI25,
                  Invariant::kI26, Invariant::kI37, Invariant::kI38}));
  const SearchOutcome outcome = Searched(model, WorldModel::kMaxDepth, false, true);
  ASSERT_TRUE(outcome.counterexample.has_value());
  EXPECT_EQ(outcome.counterexample->invariant, "I19 lock-discipline");
  EXPECT_EQ(ActionsTo(outcome),
            (std::vector<std::string>{"lu_mark hwpt 0 token 0", "luo_preserve session 0 iommufd"}));
}

// B18: what was marked after preserve, as the close of the session and as the walk of the marks
// meet it; B45: seals added after the map.
TEST(WorldFindings, FindsMoreInV1PastWhatIsTolerated) {
  const std::vector<std::pair<std::vector<OpCode>, std::vector<Invariant>>> searches = {
      {{OpCode::kLuMark, OpCode::kLuoPreserve, OpCode::kLuoCloseSession}, kKnownOfV1},
      {{OpCode::kLuMark, OpCode::kLuoPreserve, OpCode::kDestroy},
       {Invariant::kI19, Invariant::kI25, Invariant::kI26, Invariant::kI38, Invariant::kI06,
        Invariant::kI12}},
      {{OpCode::kMapFile, OpCode::kMemfdPunchHole, OpCode::kLuMark, OpCode::kLuoPreserve},
       {Invariant::kI19, Invariant::kI25, Invariant::kI26, Invariant::kI38, Invariant::kI06,
        Invariant::kI12, Invariant::kI13, Invariant::kI37}},
  };
  const std::vector<std::string> found = {"I06", "I37", "I14"};
  for (std::size_t i = 0; i < searches.size(); ++i) {
    const WorldModel model(Design("v1"), {.operations = searches[i].first},
                           Tolerating(searches[i].second));
    const SearchOutcome outcome = Searched(model, 6, false, true);
    ASSERT_TRUE(outcome.counterexample.has_value()) << i;
    EXPECT_EQ(outcome.counterexample->invariant.substr(0, 3), found[i])
        << outcome.counterexample->artefact;
  }
}

// B02: HWPT_ALLOC takes xa_lock inside ioas->mutex, the save walk ioas->mutex inside xa_lock. No
// step does both.
TEST(WorldFindings, JudgesTheLockOrderOfAllSteps) {
  const SearchOutcome reference = Searched(WorldModel(Design("reference"), Everything(), {}), 3);
  ASSERT_TRUE(reference.whole.has_value());
  EXPECT_FALSE(reference.whole->broken) << reference.whole->text;
  EXPECT_EQ(reference.whole->text.substr(0, 10), "no cycle; ");
  for (const bool tolerant : {false, true}) {
    std::vector<Invariant> tolerated = {Invariant::kI38};
    if (tolerant) tolerated.push_back(Invariant::kI19);
    const SearchOutcome v1 =
        Searched(WorldModel(Design("v1"), Standard(), Tolerating(tolerated)), 3);
    ASSERT_TRUE(v1.whole.has_value());
    EXPECT_EQ(v1.whole->broken, !tolerant);
    EXPECT_NE(v1.whole->text.find("xa_lock inside ioas->mutex"), std::string::npos)
        << v1.whole->text;
    EXPECT_NE(v1.whole->text.find("ioas->mutex inside xa_lock"), std::string::npos);
  }
}

}  // namespace
}  // namespace iommufd_check::explore
