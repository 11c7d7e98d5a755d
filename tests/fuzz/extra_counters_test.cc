// What a run shows a fuzzer: each fact a counter of its own, and nothing else.

#include "fuzz/targets/extra_counters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"

// Where the linker says that the section of the counters begins and ends.
extern "C" uint8_t __start___libfuzzer_extra_counters[];
extern "C" uint8_t __stop___libfuzzer_extra_counters[];

namespace iommufd_check::cli {
namespace {

using sim::Event;
using sim::Primitive;

program::Program TwoTasks() {
  auto parsed = program::ParseProgram("A:\n  ioas_alloc()\nB:\n  close_iommufd()\n", "test");
  EXPECT_TRUE(parsed.ok());
  return *std::move(parsed);
}

size_t Counted(const std::vector<Event>& events) {
  std::fill(__start___libfuzzer_extra_counters, __stop___libfuzzer_extra_counters, uint8_t{0});
  SetExtraCounters(TwoTasks(), events);
  return static_cast<size_t>(std::count(__start___libfuzzer_extra_counters,
                                        __stop___libfuzzer_extra_counters, uint8_t{1}));
}

// By operation 0 of A or 1 of B.
Event Access(sim::TaskId task, Primitive primitive, sim::ObjectKind kind, sim::Field field) {
  return {.operation = static_cast<uint16_t>(task - 1),
          .task = task,
          .primitive = primitive,
          .object = {kind, 1},
          .detail = static_cast<uint8_t>(field)};
}

TEST(ExtraCounters, PairsOfConflictingAccessesInEachOrder) {
  std::vector<Event> events;
  const auto meet = [&](sim::TaskId first, sim::TaskId second, sim::ObjectKind kind,
                        sim::Field field) {
    events.push_back(Access(first, Primitive::kWrite, kind, field));
    events.push_back(Access(second, Primitive::kRead, kind, field));
  };
  meet(1, 2, sim::ObjectKind::kIoas, sim::Field::kAreaTree);
  EXPECT_EQ(Counted(events), 1u);
  meet(1, 2, sim::ObjectKind::kIoas, sim::Field::kIoptImmutable);
  EXPECT_EQ(Counted(events), 2u) << "another field";
  meet(1, 2, sim::ObjectKind::kHwpt, sim::Field::kIoptImmutable);
  EXPECT_EQ(Counted(events), 3u) << "another kind of object";
  events.clear();
  meet(1, 2, sim::ObjectKind::kIoas, sim::Field::kAreaTree);
  events.push_back(Access(1, Primitive::kWrite, sim::ObjectKind::kIoas, sim::Field::kAreaTree));
  EXPECT_EQ(Counted(events), 2u) << "the other order";
}

TEST(ExtraCounters, WhatDoesNotConflictIsNoFact) {
  const auto kind = sim::ObjectKind::kIoas;
  const auto field = sim::Field::kAreaTree;
  EXPECT_EQ(
      Counted({Access(1, Primitive::kRead, kind, field), Access(2, Primitive::kRead, kind, field)}),
      0u);
  EXPECT_EQ(Counted({Access(1, Primitive::kWrite, kind, field),
                     Access(1, Primitive::kRead, kind, field)}),
            0u);
}

TEST(ExtraCounters, AnswersAndWhatSucceededAfterWhat) {
  const auto answer = [](sim::TaskId task, int64_t value) {
    return Event{.operation = static_cast<uint16_t>(task - 1),
                 .task = task,
                 .primitive = Primitive::kOpEnd,
                 .value = value};
  };
  EXPECT_EQ(Counted({answer(1, 0)}), 1u);
  EXPECT_EQ(Counted({answer(1, 0), answer(1, -12)}), 2u);
  EXPECT_EQ(Counted({answer(1, 0), answer(2, -12)}), 2u);
  EXPECT_EQ(Counted({answer(1, 0), answer(2, 0)}), 3u) << "both, and one after the other";
}

TEST(ExtraCounters, OfARunAreTheSameEveryTime) {
  program::Executor executor;
  const program::Program program = TwoTasks();
  executor.Run(*liveupdate::FindDesign("reference"), program);
  const size_t counted = Counted(executor.events());
  EXPECT_GT(counted, 3u);
  EXPECT_EQ(Counted(executor.events()), counted);
}

}  // namespace
}  // namespace iommufd_check::cli
