// What results come down to, and the exit statuses made of it.

#include "model/explore/work/summary.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace iommufd_check::explore {
namespace {

Certificate Whole() {
  Certificate c;
  c.work = "explore";
  c.executions = 1200;
  c.done = {0};
  return c;
}

Certificate Ended() {
  Certificate c = Whole();
  c.done.clear();
  c.finished = false;
  c.ended_by = "max_executions";
  return c;
}

Certificate Violated(Certificate c) {
  c.Keep({.identity = {.invariant = spec::Invariant::kI36}, .runs = 1});
  return c;
}

SearchReport Search(Ending ending, bool depth_is_stated = false) {
  SearchReport report;
  report.depth_is_stated = depth_is_stated;
  report.outcome.ending = ending;
  report.outcome.states = 77;
  return report;
}

TEST(Summary, AViolationOutranksWhatWasLeftUndone) {
  EXPECT_EQ(ExitCode(SummaryOf(Whole())), 0);
  EXPECT_EQ(ExitCode(SummaryOf(Ended())), 3);
  EXPECT_EQ(ExitCode(SummaryOf(Violated(Whole()))), 1);
  EXPECT_EQ(ExitCode(SummaryOf(Violated(Ended()))), 1);
}

TEST(Summary, ASampleAndAShareAreWhatWasStated) {
  Certificate sample = Whole();
  sample.sampled = true;
  EXPECT_EQ(ExitCode(SummaryOf(sample)), 0);
  EXPECT_EQ(SummaryOf(sample).extent, "sampled");
  Certificate share = Whole();
  share.parts = 3;
  EXPECT_EQ(ExitCode(SummaryOf(share)), 0);
  EXPECT_EQ(SummaryOf(share).extent, "its parts exhausted");
  EXPECT_FALSE(SummaryOf(share).exhausted);
}

TEST(Summary, OfASearchByItsEnding) {
  EXPECT_EQ(ExitCode(SummaryOf(Search(Ending::kExhausted))), 0);
  EXPECT_EQ(ExitCode(SummaryOf(Search(Ending::kDepthBound, true))), 0);
  for (const Ending ending :
       {Ending::kDepthBound, Ending::kStateBound, Ending::kMemoryBound, Ending::kStopped}) {
    EXPECT_EQ(ExitCode(SummaryOf(Search(ending))), 3);
    EXPECT_EQ(SummaryOf(Search(ending)).extent.substr(0, 13), "NOT exhausted");
  }
  SearchReport broken = Search(Ending::kViolation);
  broken.outcome.counterexample = Counterexample{.invariant = "I36"};
  EXPECT_EQ(ExitCode(SummaryOf(broken)), 1);
  SearchReport whole = Search(Ending::kExhausted);
  whole.outcome.whole = WholeVerdict{.broken = true};
  EXPECT_EQ(ExitCode(SummaryOf(whole)), 1) << "all states together break something";
}

// The counts are sums, the extent is the first that leaves something out.
TEST(Summary, TotalsSayTheLeastThatHolds) {
  const std::vector<Summary> all{SummaryOf(Whole()), SummaryOf(Violated(Ended()))};
  EXPECT_EQ(RenderTotals(all),
            "explore: 2 certificates, 2,400 executions, NOT exhausted (max_executions), "
            "1 finding\n");
  EXPECT_EQ(RenderTotals({SummaryOf(Search(Ending::kExhausted))}),
            "search: 1 certificate, 77 states, exhausted, no violation\n");
}

}  // namespace
}  // namespace iommufd_check::explore
