// What a run leaves out to be fast, compared with the same run that leaves nothing out.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/execute/observe.h"
#include "model/program/execute/written.h"
#include "model/program/widths.h"
#include "model/spec/monitor.h"
#include "tests/program/corpus.h"
#include "tests/program/random_programs.h"
#include "tests/program/same_run.h"
#include "tests/spec/snapshot_parts.h"

namespace iommufd_check::program {
namespace {

// Calls visit(design, program, name) for the corpus and for many random programs, under two
// designs each.
void ForEachRun(
    const std::function<void(liveupdate::Design&, const Program&, const std::string&)>& visit) {
  std::vector<std::pair<std::string, Program>> programs;
  for (const std::string& folder : {"bugs", "explore", "regressions", "seeds"}) {
    for (const std::string& file : CorpusFiles(folder)) {
      programs.emplace_back(file, CorpusProgram(file, folder));
    }
  }
  Random random(11);
  for (int i = 0; i < 2500; ++i) {
    programs.emplace_back("random program " + std::to_string(i), RandomProgram(random));
  }
  for (auto& [name, program] : programs) {
    for (const std::string_view design_name : {"reference", "v1"}) {
      liveupdate::Design& design = *liveupdate::FindDesign(design_name);
      MaskToWidths(design, &program);
      visit(design, program, name + " under " + std::string(design_name));
    }
  }
}

// Before the end of each operation, looks with an observer that reads what was written, and with
// one that reads everything.
class TwoLooks : public AnswerFilter {
 public:
  TwoLooks(const Executor& executor, const liveupdate::Design& design)
      : executor_(executor), design_(design) {}

  void Filter(size_t, OperationResult*) override {
    // From the look before the last one on: what a call leaves to its return, which is after the
    // look, is seen in what led to it. Between two looks at calls that overlap, what one gives back
    // was taken before.
    const auto since = std::span(executor_.events()).subspan(before_last_);
    before_last_ = std::exchange(last_, executor_.events().size());
    const bool alone = std::all_of(since.begin(), since.end(),
                                   [](const sim::Event& event) { return event.task == 0; });
    const bool known = looks > 1 && alone;
    const spec::PartSet written = known ? WrittenBy(since) : spec::kAllParts;
    spec::Snapshot expected = remembered_;
    const spec::PartSet changed =
        observer_.Observe(executor_.world(), design_, &remembered_, written);
    Observer().Observe(executor_.world(), design_, &fresh_);
    for (int i = 0; i < static_cast<int>(spec::Part::kCount); ++i) {
      const auto part = static_cast<spec::Part>(i);
      if (Contains(changed, part)) CopyPart(part, fresh_, &expected);
    }
    expected.contract = fresh_.contract;
    left_out += std::popcount(spec::kAllParts & ~changed);
    ++looks;
    differences += remembered_ == fresh_ && expected == fresh_ ? 0 : 1;
  }

  int looks = 0;
  int left_out = 0;  // parts
  int differences = 0;

 private:
  const Executor& executor_;
  const liveupdate::Design& design_;
  size_t last_ = 0;  // events at the last look
  size_t before_last_ = 0;
  Observer observer_;
  spec::Snapshot remembered_;
  spec::Snapshot fresh_;
};

TEST(Shortcuts, WhatIsNotReadAgainHasNotChanged) {
  Executor executor;
  int looks = 0;
  int left_out = 0;
  ForEachRun([&](liveupdate::Design& design, const Program& program, const std::string& name) {
    TwoLooks two(executor, design);
    executor.Run(design, program, {.answers = &two});
    EXPECT_EQ(two.differences, 0) << name;
    looks += two.looks;
    left_out += two.left_out;
  });
  EXPECT_GT(looks, 15'000);
  EXPECT_GT(left_out, 50'000);
}

sim::Event Of(sim::Primitive primitive, sim::ObjectKind kind, int detail = 0) {
  return {.primitive = primitive, .object = {kind, 1}, .detail = static_cast<uint8_t>(detail)};
}

TEST(Shortcuts, EventsSayWhichPartsTheyWrite) {
  using sim::ObjectKind;
  using sim::Primitive;
  const auto taken = Of(Primitive::kRefInc, ObjectKind::kDevice);
  const auto given = Of(Primitive::kRefDec, ObjectKind::kDevice);
  const auto other = Of(Primitive::kRefDec, ObjectKind::kDevice, 1);
  const auto written_by = [](std::vector<sim::Event> events) { return WrittenBy(events); };
  EXPECT_EQ(written_by({Of(Primitive::kRead, ObjectKind::kIoas)}), spec::kNoPart);
  EXPECT_EQ(written_by({Of(Primitive::kLock, ObjectKind::kIoas)}), spec::kNoPart);
  EXPECT_EQ(written_by({Of(Primitive::kWrite, ObjectKind::kDevice)}), Only(spec::Part::kDevices));
  EXPECT_EQ(written_by({taken, given}), spec::kNoPart);
  EXPECT_EQ(written_by({taken}), Only(spec::Part::kDevices));
  EXPECT_EQ(written_by({taken, other}), Only(spec::Part::kDevices)) << "another counter";
  EXPECT_EQ(written_by({Of(Primitive::kWrite, ObjectKind::kNone)}), spec::kAllParts);
  EXPECT_EQ(written_by({Of(Primitive::kSplat, ObjectKind::kDevice)}), spec::kAllParts);
  const auto registers = static_cast<int>(sim::Note::kKhoAdd);
  EXPECT_EQ(written_by({Of(Primitive::kNote, ObjectKind::kDevice, registers)}),
            Only(spec::Part::kRegistered));
}

// A monitor that hears all events of a run, or those that a listener gets.
struct Hearing {
  spec::Findings findings;
  spec::Monitor monitor{&findings};

  size_t Hear(const std::vector<sim::Event>& events, bool all) {
    findings.Clear();
    monitor.Clear();
    size_t heard = 0;
    for (size_t i = 0; i < events.size(); ++i) {
      const sim::Primitive primitive = events[i].primitive;
      const bool said = primitive != sim::Primitive::kCall &&
                        (events[i].task != 0 || sim::IsHeardAlone(primitive));
      if (!all && !said) continue;
      monitor.SetEventsBefore(static_cast<uint32_t>(i));
      monitor.OnEvent(events[i]);
      ++heard;
    }
    return heard;
  }
};

TEST(Shortcuts, WhatIsNotHeardSaysNothing) {
  Executor executor;
  Hearing all;
  Hearing some;
  size_t left_out = 0;
  size_t violations = 0;
  ForEachRun([&](liveupdate::Design& design, const Program& program, const std::string& name) {
    executor.Run(design, program, {});
    const size_t heard = all.Hear(executor.events(), true);
    left_out += heard - some.Hear(executor.events(), false);
    EXPECT_EQ(some.findings.armed(), all.findings.armed()) << name;
    ASSERT_EQ(some.findings.violations().size(), all.findings.violations().size()) << name;
    violations += all.findings.violations().size();
    for (size_t i = 0; i < all.findings.violations().size(); ++i) {
      const spec::Violation& a = some.findings.violations()[i];
      const spec::Violation& b = all.findings.violations()[i];
      EXPECT_TRUE(a.invariant == b.invariant && a.event == b.event && a.step == b.step) << name;
      EXPECT_EQ(a.detail, b.detail) << name;
    }
  });
  EXPECT_GT(left_out, 100'000u);
  EXPECT_GT(violations, 100u);
}

TEST(Shortcuts, JudgingThoroughlySaysTheSame) {
  Executor executor;
  Executor thorough;
  size_t violations = 0;
  ForEachRun([&](liveupdate::Design& design, const Program& program, const std::string& name) {
    executor.Run(design, program);
    thorough.Run(design, program, {.thorough = true});
    ExpectSameRun(executor, thorough, name);
    violations += executor.last().violations.size();
  });
  EXPECT_GT(violations, 100u);
}

TEST(Shortcuts, ARunThatIsNotDigestedEndsAsOneThatIs) {
  Executor executor;
  ForEachRun([&](liveupdate::Design& design, const Program& program, const std::string& name) {
    const Execution whole = executor.Run(design, program, {});
    const Execution& fast = executor.Run(design, program, {.digested = false});
    EXPECT_NE(whole.digest, 0u) << name;
    EXPECT_EQ(fast.digest, 0u) << name;
    EXPECT_EQ(fast.violations.size(), whole.violations.size()) << name;
    EXPECT_TRUE(fast.results == whole.results) << name;
    EXPECT_EQ(fast.armed, whole.armed) << name;
  });
}

}  // namespace
}  // namespace iommufd_check::program
