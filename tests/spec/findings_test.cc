// What is kept of what the checks find.
#include "model/spec/findings.h"

#include <gtest/gtest.h>

namespace iommufd_check::spec {
namespace {

constexpr sim::ObjectRef kIoas1{sim::ObjectKind::kIoas, 1};

TEST(Findings, AViolationCarriesThePositionAtWhichItWasSeen) {
  Findings findings;
  findings.SetPosition({.operation = 3, .task = 2, .step = 17, .event = 40});
  findings.Violate(Invariant::kI04, kIoas1, "seen");
  const Violation expected{.invariant = Invariant::kI04,
                           .operation = 3,
                           .task = 2,
                           .step = 17,
                           .event = 40,
                           .object = kIoas1,
                           .detail = "seen"};
  ASSERT_EQ(findings.violations().size(), 1u);
  EXPECT_EQ(findings.violations()[0], expected);
}

TEST(Findings, KeepsTheFirstOfEachFinding) {
  Findings findings;
  findings.SetPosition({.operation = 1});
  findings.Violate(Invariant::kI04, kIoas1, "first");
  findings.Violate(Invariant::kI04, {sim::ObjectKind::kIoas, 2}, "second");
  findings.Violate(Invariant::kI04, {}, "other kind of object");
  findings.Violate(Invariant::kI05, kIoas1, "other invariant");
  findings.SetPosition({.operation = 2});
  findings.Violate(Invariant::kI04, kIoas1, "other operation");
  findings.SetPosition({.operation = 2, .function = sim::Fn::kSaveHwpts});
  findings.Violate(Invariant::kI04, kIoas1, "other function");
  findings.SetPosition(
      {.operation = 2, .function = sim::Fn::kSaveHwpts, .splat = sim::Splat::kWarn});
  findings.Violate(Invariant::kI04, kIoas1, "other splat");
  findings.SetPosition({.operation = 2,
                        .function = sim::Fn::kSaveHwpts,
                        .splat = sim::Splat::kWarn,
                        .condition = sim::Condition::kImmutable});
  findings.Violate(Invariant::kI04, kIoas1, "other condition");
  std::vector<std::string> details;
  for (const Violation& violation : findings.violations()) details.push_back(violation.detail);
  EXPECT_EQ(details, (std::vector<std::string>{"first", "other kind of object", "other invariant",
                                               "other operation", "other function", "other splat",
                                               "other condition"}));
}

TEST(Findings, RequireArmsAndAsksForADetailOnlyOnViolation) {
  Findings findings;
  int asked = 0;
  const auto detail = [&] {
    ++asked;
    return std::string("detail");
  };
  findings.Require(Invariant::kI07, true, kIoas1, detail);
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(findings.violations().empty());
  findings.Require(Invariant::kI07, false, kIoas1, detail);
  EXPECT_EQ(asked, 1);
  ASSERT_EQ(findings.violations().size(), 1u);
  EXPECT_EQ(findings.armed()[static_cast<size_t>(Invariant::kI07)], 2u);
  EXPECT_EQ(findings.armed()[static_cast<size_t>(Invariant::kI08)], 0u);
}

TEST(Findings, ArmingIsNoViolation) {
  Findings findings;
  findings.Arm(Invariant::kI36);
  EXPECT_EQ(findings.armed()[static_cast<size_t>(Invariant::kI36)], 1u);
  EXPECT_TRUE(findings.violations().empty());
}

TEST(Findings, ClearForgetsEverything) {
  Findings findings;
  findings.SetPosition({.operation = 9, .task = 1, .step = 2, .event = 3});
  findings.Violate(Invariant::kI04, {}, "old");
  findings.Arm(Invariant::kI04);
  findings.Clear();
  EXPECT_TRUE(findings.violations().empty());
  EXPECT_EQ(findings.armed(), (std::array<uint64_t, kInvariants>{}));
  EXPECT_EQ(findings.position().operation, 0);
  EXPECT_EQ(findings.position().event, 0u);
}

TEST(Findings, HexHasNoLeadingZeros) {
  EXPECT_EQ(Hex(0), "0x0");
  EXPECT_EQ(Hex(0x1000), "0x1000");
  EXPECT_EQ(Hex(UINT64_MAX), "0xffffffffffffffff");
}

}  // namespace
}  // namespace iommufd_check::spec
