// Whatever the explorers choose is a program: explored run -> program -> text and bytes -> program
// -> run, with one digest.

#include <gtest/gtest.h>

#include <string>

#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/schedules/interleavings.h"
#include "model/explore/schedules/place_closure.h"
#include "model/explore/schedules/program_subject.h"
#include "model/explore/schedules/random_schedules.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/text/text_codec.h"
#include "tests/explore/explore_corpus.h"

namespace iommufd_check::explore {
namespace {

using program::Program;

// The executors of one design: what explores, and what replays.
class ReplayTest : public testing::TestWithParam<const char*> {
 protected:
  ReplayTest() : design_(*liveupdate::FindDesign(GetParam())) {}

  // Runs what its text says, without any explorer.
  void ExpectReplays(const Program& explored, uint64_t digest) {
    const std::string text = PrintProgram(explored);
    const auto read = program::ParseProgram(text, "explored");
    ASSERT_TRUE(read.ok()) << read.status().message() << text;
    ASSERT_EQ(*read, explored) << text;
    const program::Execution& run = replayer_.Run(design_, *read, {.reuses_main = true});
    ASSERT_EQ(run.digest, digest) << text;
    ASSERT_TRUE(run.unmet.empty()) << text;
    if (replayed_++ % 16 == 0) {
      ASSERT_EQ(program::DecodeBytes(program::EncodeBytes(explored)), explored) << text;
    }
  }

  liveupdate::Design& design_;
  program::Executor explorer_;
  program::Executor replayer_;
  uint64_t replayed_ = 0;
};

// Of each program. Partial-order reduction exhausts all of them under the reference.
constexpr uint64_t kMost = 5'000;
constexpr uint64_t kMostBounded = 1'500;

TEST_P(ReplayTest, EveryTraceOfPartialOrderReduction) {
  for (const std::string& name : ExploreCorpusNames()) {
    ProgramSubject subject(&explorer_, &design_, ExploreCorpusProgram(name));
    InterleavingOptions options;
    options.dependency.places = ClosePlaces(&subject, options, kMost, nullptr);
    Meter meter(kMost);
    options.meter = &meter;
    Interleavings(&subject, options).Explore([&](const Subject&) {
      ExpectReplays(subject.Replayable(), subject.digest());
      return !HasFatalFailure();
    });
    ASSERT_FALSE(HasFatalFailure()) << name;
  }
  EXPECT_GT(replayed_, 5'000u);
}

TEST_P(ReplayTest, EveryScheduleWithOnePreemptionAtEveryAccess) {
  for (const std::string& name : ExploreCorpusNames()) {
    BoundedSchedules schedules(&explorer_, &design_, ExploreCorpusProgram(name), 1, nullptr);
    Meter meter(kMostBounded);
    schedules.Run({}, &meter, [&](const Program& variant, const program::Execution& run) {
      ExpectReplays(variant, run.digest);
      return !HasFatalFailure();
    });
    ASSERT_FALSE(HasFatalFailure()) << name;
  }
  EXPECT_GT(replayed_, 5'000u);
}

TEST_P(ReplayTest, RandomSchedulesAtEveryAccess) {
  sim::PlaceSet all;
  for (int kind = 0; kind < sim::Count<sim::ObjectKind>(); ++kind) {
    for (int field = 0; field < sim::Count<sim::Field>(); ++field) {
      all.Add(static_cast<sim::ObjectKind>(kind), static_cast<sim::Field>(field));
    }
  }
  for (const std::string& name : ExploreCorpusNames()) {
    ProgramSubject subject(&explorer_, &design_, ExploreCorpusProgram(name));
    subject.UsePlaces(all);
    for (uint64_t seed = 0; seed < 100; ++seed) {
      PctSchedule pct(seed, 8, 400);
      UniformSchedule uniform(seed);
      subject.RunUnder(seed % 2 == 0 ? static_cast<sim::Scheduler*>(&pct) : &uniform);
      const Program explored = subject.Replayable();
      if (explored.switches.size() > program::kMaxSwitches) continue;
      ExpectReplays(explored, subject.digest());
      ASSERT_FALSE(HasFatalFailure()) << name << " seed " << seed;
    }
  }
  EXPECT_GT(replayed_, 1'000u);
}

INSTANTIATE_TEST_SUITE_P(Designs, ReplayTest, testing::Values("v1", "reference"));

}  // namespace
}  // namespace iommufd_check::explore
