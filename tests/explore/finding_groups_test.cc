// Findings under what may have caused them, and how certificates keep the best witness of each.
#include "model/explore/work/finding_groups.h"

#include <gtest/gtest.h>

#include <string>

namespace iommufd_check::explore {
namespace {

using program::Identity;
using program::OpCode;
using spec::Invariant;

Identity Of(Invariant invariant) { return {.invariant = invariant}; }

Finding Found(Invariant invariant, std::optional<Invariant> after, uint64_t first) {
  Finding finding{.identity = Of(invariant), .runs = 2, .first = first};
  if (after.has_value()) finding.after = Of(*after);
  return finding;
}

// "I12[I01 I02] I19[]".
std::string Groups(const std::vector<Finding>& findings) {
  Certificate c;
  for (const Finding& finding : findings) c.Keep(finding);
  std::string text;
  for (const FindingGroup& group : GroupsOf(c)) {
    if (!text.empty()) text += " ";
    text += std::string(spec::IdOf(group.primary->identity.invariant)) + "[";
    for (const Finding* other : group.others) {
      text += (text.back() == '[' ? "" : " ") + std::string(spec::IdOf(other->identity.invariant));
    }
    text += "]";
  }
  return text;
}

TEST(FindingGroups, WhatNeverCameFirstFollowsItsCause) {
  EXPECT_EQ(Groups({Found(Invariant::kI12, {}, 2), Found(Invariant::kI02, Invariant::kI12, 0),
                    Found(Invariant::kI01, Invariant::kI12, 0), Found(Invariant::kI19, {}, 2)}),
            "I12[I01 I02] I19[]");
}

TEST(FindingGroups, WhatOnceCameFirstLeads) {
  EXPECT_EQ(Groups({Found(Invariant::kI12, {}, 2), Found(Invariant::kI02, Invariant::kI12, 1)}),
            "I02[] I12[]");
}

TEST(FindingGroups, ACauseMayHaveACause) {
  EXPECT_EQ(Groups({Found(Invariant::kI12, {}, 1), Found(Invariant::kI02, Invariant::kI12, 0),
                    Found(Invariant::kI36, Invariant::kI02, 0)}),
            "I12[I02 I36]");
}

TEST(FindingGroups, NothingIsLostWithoutItsCause) {
  EXPECT_EQ(Groups({Found(Invariant::kI36, Invariant::kI02, 0)}), "I36[]") << "it is tolerated";
  const std::string circle = Groups(
      {Found(Invariant::kI01, Invariant::kI02, 0), Found(Invariant::kI02, Invariant::kI01, 0)});
  EXPECT_NE(circle.find("I01"), std::string::npos);
  EXPECT_NE(circle.find("I02"), std::string::npos);
}

// A run of two operations.
class CertificateFindings : public testing::Test {
 protected:
  CertificateFindings() {
    run_.operations = {{.code = OpCode::kLuMark}, {.code = OpCode::kDestroy}};
  }
  void Enter(const std::vector<spec::Violation>& violations, int preemptions) {
    program::Execution execution;
    execution.violations = violations;
    c_.EnterViolations(run_, execution, preemptions, [&] {
      ++asked_;
      return run_;
    });
  }
  const Finding& At(const std::string& text) {
    const Finding* finding = c_.Find(*program::IdentityFromText(text));
    EXPECT_NE(finding, nullptr) << text;
    return *finding;
  }

  program::Program run_;
  Certificate c_;
  int asked_ = 0;
};

TEST_F(CertificateFindings, TwoPlacesOfOneInvariantAreTwoFindings) {
  const spec::Violation warn{.invariant = Invariant::kI37,
                             .operation = 0,
                             .function = sim::Fn::kIoptAbortArea,
                             .splat = sim::Splat::kWarn,
                             .condition = sim::Condition::kImmutable};
  spec::Violation oops = warn;
  oops.function = sim::Fn::kCheckIoptPagesPreserved;
  oops.splat = sim::Splat::kNullAreaPages;
  oops.condition = sim::Condition::kNone;
  Enter({warn, oops}, 1);
  EXPECT_EQ(c_.findings.size(), 2u);
  EXPECT_EQ(At("I37@lu_mark:-:iopt_abort_area:warn.immutable").runs, 1u);
  EXPECT_EQ(At("I37@lu_mark:-:check_iopt_pages_preserved:null-area-pages").runs, 1u);
}

TEST_F(CertificateFindings, RunsAreCountedAndTheBestWitnessKept) {
  const spec::Violation mark{.invariant = Invariant::kI12, .operation = 0, .event = 3};
  const spec::Violation leak{
      .invariant = Invariant::kI36, .operation = spec::kExitOperation, .event = 9};
  Enter({mark, leak}, 2);
  Enter({mark, leak}, 2);
  EXPECT_EQ(asked_, 2) << "no better one, so no witness is made";
  Enter({leak}, 2);
  EXPECT_EQ(At("I36@exit").runs, 3u);
  EXPECT_EQ(At("I36@exit").first, 1u);
  EXPECT_FALSE(At("I36@exit").after.has_value()) << "alone it is easier to read";
  EXPECT_EQ(At("I12@lu_mark").runs, 2u);
  EXPECT_EQ(At("I12@lu_mark").first, 2u);
  Enter({mark, mark}, 0);
  EXPECT_EQ(At("I12@lu_mark").preemptions, 0);
  EXPECT_EQ(At("I12@lu_mark").runs, 3u) << "a run counts once";
}

TEST_F(CertificateFindings, WhatIsToleratedKeepsItsCount) {
  Enter({{.invariant = Invariant::kI12, .operation = 0}, {.invariant = Invariant::kI38}}, 0);
  Enter({{.invariant = Invariant::kI12, .operation = 0}}, 0);
  c_.Tolerate({.tolerate = *program::FindingFilter::Parse({"I12@lu_mark"})});
  ASSERT_EQ(c_.findings.size(), 1u);
  ASSERT_EQ(c_.tolerated.size(), 1u);
  EXPECT_EQ(c_.tolerated[0].runs, 2u);
  EXPECT_EQ(c_.policy, "tolerate I12@lu_mark");
  Certificate twice = c_;
  twice.done = {1};
  c_.done = {0};
  c_.parts = twice.parts = 2;
  c_.Merge(twice);
  EXPECT_EQ(c_.tolerated[0].runs, 4u);
}

// What two shards say together does not depend on which is named first.
TEST_F(CertificateFindings, AMergeKeepsTheMostAndTheFirstReason) {
  Certificate a;
  a.parts = 2;
  a.done = {0};
  a.rounds = 3;
  a.not_judged = 1;
  a.ended_by = "max_seconds";
  Certificate b = a;
  b.done = {1};
  b.rounds = 1;
  b.not_judged = 4;
  b.ended_by = "max_executions";
  Certificate ab = a;
  ab.Merge(b);
  Certificate ba = b;
  ba.Merge(a);
  for (const Certificate& sum : {ab, ba}) {
    EXPECT_EQ(sum.done, (std::vector<uint32_t>{0, 1}));
    EXPECT_EQ(sum.rounds, 3u);
    EXPECT_EQ(sum.not_judged, 5u);
    EXPECT_EQ(sum.ended_by, "max_executions");
  }
  b.policy = "tolerate I19";
  EXPECT_NE(a.WhyNotMergeable(b).find("tolerate different findings"), std::string::npos);
}

}  // namespace
}  // namespace iommufd_check::explore
