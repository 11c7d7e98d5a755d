// Certificates as JSON and back, hostile text, and what differs between two.

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "model/explore/schedules/linear_extensions.h"
#include "model/explore/work/certificate_json.h"
#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/liveupdate/designs/registry.h"
#include "tests/explore/explore_corpus.h"

namespace iommufd_check::explore {
namespace {

Certificate Explored(const std::string& design = "v1") {
  program::Executor executor;
  return ExploreProgram(&executor, *liveupdate::FindDesign(design), "a.prog",
                        ExploreCorpusProgram("mark-x-preserve"), {});
}

TEST(CertificateJson, ReadsWhatItWrote) {
  const std::vector<Certificate> written{Explored("v1"), Explored("reference")};
  const auto read = CertificatesFromJson(RenderJson(written), "a.json");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(RenderJson(*read), RenderJson(written));
  EXPECT_EQ(RenderText(read->front()), RenderText(written.front()));
}

TEST(CertificateJson, SaysWhereAFileIsWrong) {
  const std::string good = RenderJson({Explored()});
  const auto problem = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto read = CertificatesFromJson(text, "a.json");
    EXPECT_FALSE(read.ok()) << to;
    return std::string(read.status().message());
  };
  EXPECT_NE(problem("\"executions\": ", "\"executions\": -").find("'executions' is not a count"),
            std::string::npos);
  EXPECT_NE(problem("\"parts\": 1", "\"parts\": 0").find("'parts'"), std::string::npos);
  EXPECT_NE(problem("\"done\": [\n      0", "\"done\": [\n      7").find("'done'"),
            std::string::npos);
  EXPECT_NE(problem("\"I10\"", "\"I99\"").find("I99"), std::string::npos);
  EXPECT_NE(problem("\"met\": [", "\"met\": [\"ioas: moon\"").find("'met'"), std::string::npos);
  EXPECT_NE(problem("\"identity\": \"", "\"identity\": \"x").find("hexadecimal"),
            std::string::npos);
  EXPECT_NE(problem("\"sampled\": false", "\"sampled\": false, \"witnesses\": \"largest\"")
                .find("'witnesses'"),
            std::string::npos);
  EXPECT_NE(problem("boot ", "boof ").find("'findings'"), std::string::npos);
  EXPECT_NE(problem("[", "{").find("not a list of certificates"), std::string::npos);
}

// A finding of one part with a witness of so many operations and faults.
Certificate PartWith(uint32_t part, size_t operations, size_t faults) {
  Certificate c;
  c.order = WitnessOrder::kSmallestProgram;
  c.parts = 3;
  c.done = {part};
  Finding finding{.detail = std::to_string(part), .part = part, .runs = 1};
  finding.witness.operations.resize(operations);
  finding.witness.faults.resize(faults);
  c.Keep(finding);
  return c;
}

// The part whose witness is kept of three, merged in both directions.
std::string KeptOf(const Certificate& a, const Certificate& b, const Certificate& c) {
  Certificate forth = a, back = c;
  for (const Certificate* next : {&b, &c}) forth.Merge(*next);
  for (const Certificate* next : {&b, &a}) back.Merge(*next);
  EXPECT_EQ(forth.findings[0].detail, back.findings[0].detail);
  EXPECT_EQ(forth.findings[0].runs, 3u);
  return forth.findings[0].detail;
}

TEST(Certificate, KeepsTheSmallestProgramAndOfEqualOnesTheFirstPart) {
  EXPECT_EQ(KeptOf(PartWith(0, 3, 0), PartWith(1, 2, 2), PartWith(2, 2, 1)), "2")
      << "fewer operations, then fewer faults";
  EXPECT_EQ(KeptOf(PartWith(0, 2, 2), PartWith(1, 2, 1), PartWith(2, 2, 1)), "1");
}

TEST(Certificate, OfARunTheSmallerProgramIsKept) {
  Certificate c;
  c.order = WitnessOrder::kSmallestProgram;
  program::Execution execution;
  execution.violations = {{.invariant = spec::Invariant::kI36, .operation = 0}};
  const auto enter = [&](size_t operations, int preemptions) {
    program::Program run;
    run.operations.resize(operations);
    c.EnterViolations(run, execution, preemptions, [&run] { return run; });
  };
  enter(3, 0);
  enter(2, 2);
  enter(2, 0);
  ASSERT_EQ(c.findings.size(), 1u);
  EXPECT_EQ(c.findings[0].witness.operations.size(), 2u);
  EXPECT_EQ(c.findings[0].preemptions, 2) << "the first of equal ones, whatever its preemptions";
  EXPECT_EQ(c.findings[0].runs, 3u);
}

// Mutated certificates are read or refused; nothing else happens.
TEST(CertificateJson, HostileTextIsReadOrRefused) {
  const std::string good = RenderJson({Explored()});
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = good;
    for (uint32_t k = 0; k <= random() % 4; ++k) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 40);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
      }
    }
    const auto read = CertificatesFromJson(text, "a.json");
    refused += read.ok() ? 0 : 1;
    if (!read.ok()) continue;
    EXPECT_FALSE(RenderJson(*read).empty());
  }
  EXPECT_GT(refused, 1000);
  EXPECT_FALSE(CertificatesFromJson(std::string(1'000'000, '['), "deep").ok());
}

TEST(CertificateDifference, NamesWhatChanged) {
  const Certificate now = Explored();
  EXPECT_EQ(RenderDifference(now, now), "  no difference\n");
  Certificate before = now;
  before.executions += 1;
  before.findings.clear();
  before.armed[static_cast<size_t>(spec::Invariant::kI10)] = 0;
  const std::string text = RenderDifference(before, now);
  EXPECT_NE(text.find("executions   " + std::to_string(now.executions) + ", was " +
                      std::to_string(now.executions + 1)),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("NOW BROKEN   "), std::string::npos) << text;
  EXPECT_NE(text.find("now armed    I10"), std::string::npos) << text;
  EXPECT_NE(RenderDifference(now, before).find("holds again  "), std::string::npos);
}

TEST(Decimal, IsReadBack) {
  for (const uint128 value : {uint128{0}, uint128{10}, uint128{1} << 100, kManyInterleavings}) {
    const auto read = FromDecimal(Decimal(value));
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(*read == value);
  }
  EXPECT_EQ(Decimal(kManyInterleavings), "340282366920938463463374607431768211455");
  for (const char* text : {"", "-1", "01", "1x", "340282366920938463463374607431768211456"}) {
    EXPECT_FALSE(FromDecimal(text).has_value()) << text;
  }
}

TEST(SaturatingSum, StaysAtItsGreatest) {
  EXPECT_TRUE(SaturatingSum(kManyInterleavings, 1) == kManyInterleavings);
  EXPECT_TRUE(SaturatingSum(kManyInterleavings - 1, 1) == kManyInterleavings);
  EXPECT_TRUE(SaturatingSum(2, 3) == 5);
}

}  // namespace
}  // namespace iommufd_check::explore
