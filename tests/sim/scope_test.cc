// Entries of functions: what they record, what they restore, and what they leave alone.
#include <gtest/gtest.h>

#include <vector>

#include "model/sim/runtime.h"
#include "model/sim/task.h"

namespace iommufd_check::sim {
namespace {

constexpr ObjectRef kIoas{ObjectKind::kIoas, 1};

class ScopeTest : public testing::Test {
 protected:
  ScopeTest() { runtime_.Reset({.locks = &locks_}); }

  // The entries, as (function, depth).
  std::vector<std::pair<Fn, int64_t>> Entries() {
    std::vector<std::pair<Fn, int64_t>> entries;
    for (const Event& event : runtime_.log().events()) {
      if (event.primitive != Primitive::kEnter) continue;
      entries.emplace_back(static_cast<Fn>(event.detail), event.value);
    }
    return entries;
  }

  LockTable locks_;
  Runtime runtime_;
};

TEST_F(ScopeTest, RecordsTheEntryAndRestoresTheCaller) {
  Task& t = runtime_.main_task();
  EXPECT_EQ(t.function(), Fn::kNone);
  {
    const Scope outer(t, Fn::kIoptMapPages, kIoas);
    EXPECT_EQ(t.function(), Fn::kIoptMapPages);
    {
      const Scope inner(t, Fn::kIoptAbortArea);
      EXPECT_EQ(t.function(), Fn::kIoptAbortArea);
    }
    EXPECT_EQ(t.function(), Fn::kIoptMapPages);
    const Scope next(t, Fn::kIoptInsertArea);
  }
  EXPECT_EQ(t.function(), Fn::kNone);
  EXPECT_EQ(t.steps(), 0u) << "no step";
  const std::vector<std::pair<Fn, int64_t>> expected{
      {Fn::kIoptMapPages, 1}, {Fn::kIoptAbortArea, 2}, {Fn::kIoptInsertArea, 2}};
  EXPECT_EQ(Entries(), expected) << "and no event for a return";
  EXPECT_EQ(runtime_.log().events()[0].object, kIoas);
}

TEST_F(ScopeTest, AWarningNamesItsFunctionAndCondition) {
  Task& t = runtime_.main_task();
  const Scope scope(t, Fn::kIoptAbortArea);
  EXPECT_TRUE(warn_on(t, true, kIoas, Condition::kImmutable));
  EXPECT_FALSE(warn_on(t, false, kIoas, Condition::kImmutable));
  ASSERT_EQ(runtime_.log().events().size(), 2u);
  const Event& event = runtime_.log().events().back();
  EXPECT_EQ(static_cast<Splat>(event.detail), Splat::kWarn);
  EXPECT_EQ(static_cast<Fn>(event.spare), Fn::kIoptAbortArea);
  EXPECT_EQ(static_cast<Condition>(event.mode), Condition::kImmutable);
}

TEST_F(ScopeTest, ARunUnwindsThroughIt) {
  EXPECT_FALSE(runtime_.RunSequential([](Task& t) {
    const Scope outer(t, Fn::kIoptMapPages);
    const Scope inner(t, Fn::kIoptAbortArea);
    t.Oops(Splat::kUseAfterFree, kIoas);
  }));
  EXPECT_EQ(runtime_.main_task().function(), Fn::kNone);
  const Event& last = runtime_.log().events().back();
  EXPECT_EQ(last.primitive, Primitive::kSplat) << "nothing is recorded while it unwinds";
  EXPECT_EQ(static_cast<Fn>(last.spare), Fn::kIoptAbortArea);
}

TEST(Slugs, AreMadeOfTheIdentifier) {
  EXPECT_EQ(Slug(Splat::kSleepInAtomic), "sleep-in-atomic");
  EXPECT_EQ(Slug(Splat::kWarn), "warn");
  EXPECT_EQ(Slug(Condition::kCountDiffers), "count-differs");
  EXPECT_EQ(Name(Condition::kImmutable), "immutable");
  EXPECT_EQ(Name(Fn::kSaveHwpts), "save_hwpts");
}

}  // namespace
}  // namespace iommufd_check::sim
