#include "model/explore/work/search_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/explore/work/search_difference.h"
#include "model/explore/work/search_report.h"
#include "model/explore/work/summary.h"

namespace iommufd_check::explore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SearchRequest Small(const std::string& model) {
  SearchRequest request;
  request.choice.model = model;
  if (model == "toy") request.choice.parameters = {{"workers", 2}, {"pages", 1}};
  if (model == "world") request.max_depth = 4;
  return request;
}

std::string ErrorOf(const SearchRequest& request) {
  const absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(report.status().message());
}

TEST(SearchCommand, RunsEveryKnownModelVariantAndPlant) {
  for (const ModelInfo& info : KnownModels()) {
    EXPECT_FALSE(info.summary.empty());
    std::vector<std::string> variants = info.variants;
    if (variants.empty()) variants = {""};
    for (const std::string& variant : variants) {
      SearchRequest request = Small(info.name);
      request.choice.variant = variant;
      const absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_EQ(report->choice.parameters.size(), info.parameters.size());
    }
    for (const std::string& plant : info.plants) {
      SearchRequest request = Small(info.name);
      request.choice.plant = plant;
      const absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_EQ(ExitCode(SummaryOf(*report)), 1);
    }
  }
}

TEST(SearchCommand, RefusesInWordsThatSayWhatToGive) {
  SearchRequest request = Small("toys");
  EXPECT_EQ(ErrorOf(request), "unknown model 'toys'; known: toy, preserve, world");
  request = Small("toy");
  request.choice.variant = "counted";
  EXPECT_EQ(ErrorOf(request), "unknown variant 'counted' of model toy; known: none");
  request = Small("preserve");
  request.choice.variant = "v1";
  EXPECT_EQ(ErrorOf(request),
            "unknown variant 'v1' of model preserve; known: counted, insert-test, shared-bool, "
            "ungated");
  request = Small("toy");
  request.choice.plant = "x";
  EXPECT_EQ(ErrorOf(request),
            "unknown plant 'x' of model toy; known: preserved-at-commit, all-preserved");
  request = Small("toy");
  request.choice.parameters["hwpts"] = 1;
  EXPECT_EQ(ErrorOf(request), "unknown parameter 'hwpts' of model toy; known: workers, pages");
  request = Small("toy");
  request.choice.parameters["workers"] = 7;
  EXPECT_EQ(ErrorOf(request), "parameter workers=7 of model toy is out of range; give 1 to 6");
  request = Small("toy");
  request.fingerprint_bits = 32;
  EXPECT_THAT(ErrorOf(request), HasSubstr("give 64 or 128, or 0 for exact keys"));
}

TEST(SearchCommand, TextIsTheCertificate) {
  SearchRequest request = Small("toy");
  request.choice.parameters = {{"workers", 1}, {"pages", 1}};
  const absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(ExitCode(SummaryOf(*report)), 0);
  EXPECT_EQ(RenderText(*report),
            "search toy pages=1 workers=1\n"
            "  result       every reachable state was visited, and all invariants hold\n"
            "  states       47\n"
            "  transitions  60\n"
            "  depth        16, widest level 4 states\n"
            "  reduction    none\n"
            "  keys         exact, 12 bits; collision probability 0\n"
            "  memory       108.94 bytes per state: set 5,056, two widest levels 64\n"
            "  invariant    one-lock-holder          held; antecedent true in 32 states\n"
            "  invariant    held-by-someone-inside   held; antecedent true in 32 states\n"
            "  digest       xxh3-128:d788a8246bcc3ba695171c603ac02b69\n"
            "verdict exhausted model=toy pages=1 workers=1 states=47 transitions=60 depth=16 "
            "digest=d788a8246bcc3ba695171c603ac02b69\n");
}

TEST(SearchCommand, TextShowsTheTraceStepByStep) {
  SearchRequest request = Small("preserve");
  request.choice.variant = "ungated";
  request.choice.parameters = {{"mappers", 1}, {"hwpts", 1}};
  const absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  ASSERT_TRUE(report.ok());
  const std::string text = RenderText(*report);
  EXPECT_THAT(text, HasSubstr("invariant immutable-coverage is broken after 2 steps"));
  EXPECT_THAT(
      text,
      HasSubstr("trace to immutable-coverage, 2 steps\n"
                "  step  task         action             state\n"
                "     0                                  immutable 0; registered 0; rwsem R*0; "
                "live update resting; mappers idle(absent)\n"
                "     1  live update  preserve           live update register\n"
                "     2  live update  register domain 0  registered 1; live update resting\n"));
  EXPECT_THAT(text, HasSubstr("\nverdict violated model=preserve hwpts=1 mappers=1 "
                              "variant=ungated "));
  EXPECT_THAT(text, HasSubstr("writer-alone             never put to the test"));
}

TEST(SearchCommand, TextNamesTheReductionAndTheRisk) {
  SearchRequest request = Small("toy");
  request.symmetry = true;
  request.fingerprint_bits = 64;
  const absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(RenderText(*report), HasSubstr("reduction    symmetry; stands for 395 states, 8"));
  EXPECT_THAT(RenderText(*report), HasSubstr("fingerprints, 64 bits; collision probability "));
}

TEST(SearchCommand, JsonSaysTheSame) {
  SearchRequest request = Small("preserve");
  request.choice.variant = "shared-bool";
  request.max_depth = 40;
  const absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  ASSERT_TRUE(report.ok());
  const nlohmann::json json = nlohmann::json::parse(RenderJson(*report));
  const SearchOutcome& outcome = report->outcome;
  EXPECT_EQ(json["ending"], "violated");
  EXPECT_EQ(json["exhausted"], false);
  EXPECT_EQ(json["states"], outcome.states);
  EXPECT_EQ(json["transitions"], outcome.transitions);
  EXPECT_EQ(json["parameters"]["mappers"], 2);
  EXPECT_EQ(json["limits"]["max_depth"], 40);
  EXPECT_EQ(json["limits"]["max_states"], nullptr);
  EXPECT_EQ(json["digest"], outcome.digest);
  EXPECT_EQ(json["keys"]["exact"], true);
  EXPECT_EQ(json["invariants"].size(), 3u);
  EXPECT_EQ(json["counterexample"]["steps"].size(), outcome.counterexample->steps.size());
  EXPECT_EQ(json["counterexample"]["invariant"], "immutable-coverage");
}

TEST(SearchCommand, ProgressGoesToTheSinkOnly) {
  struct LastDepth : ProgressSink {
    void Report(const SearchProgress& progress) override { depth = progress.depth; }
    uint64_t depth = 0;
  } sink;
  SearchRequest request;
  request.choice = {.model = "toy", .parameters = {{"workers", 4}, {"pages", 2}}};
  request.max_states = 200000;
  const absl::StatusOr<SearchReport> with = RunSearch(request, &sink);
  const absl::StatusOr<SearchReport> without = RunSearch(request, nullptr);
  ASSERT_TRUE(with.ok());
  EXPECT_EQ(RenderText(*with), RenderText(*without));
  EXPECT_GT(sink.depth, 1u);
}

TEST(SearchCommand, EmitsProgramsForChoices) {
  for (const ModelInfo& info : KnownModels()) {
    const Choice choice = {.model = info.name};
    if (!info.emitted) {
      EXPECT_THAT(EmitPromela(choice, true).status().message(), HasSubstr("known: toy, preserve"));
      EXPECT_THAT(EmitMurphi(choice, true, true).status().message(), HasSubstr("toy, preserve"));
      continue;
    }
    const absl::StatusOr<std::string> promela = EmitPromela(choice, true);
    ASSERT_TRUE(promela.ok());
    EXPECT_THAT(*promela, HasSubstr("proctype"));
    EXPECT_THAT(*promela, HasSubstr("assert("));
    EXPECT_THAT(*promela, Not(HasSubstr("@")) /* No placeholder is left. */);
    EXPECT_THAT(*EmitPromela(choice, false), Not(HasSubstr("assert(")));
    const absl::StatusOr<std::string> murphi = EmitMurphi(choice, true, false);
    ASSERT_TRUE(murphi.ok());
    EXPECT_THAT(*murphi, HasSubstr("startstate"));
    EXPECT_THAT(*murphi, HasSubstr("invariant"));
    EXPECT_THAT(*murphi, Not(HasSubstr("@")));
    EXPECT_THAT(*EmitMurphi(choice, false, false), Not(HasSubstr("invariant")));
  }
  EXPECT_FALSE(EmitPromela({.model = "x"}, true).ok());
  EXPECT_FALSE(EmitMurphi({.model = "preserve"}, true, true).ok());
}

TEST(WithCommas, GroupsByThree) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(8363979), "8,363,979");
  EXPECT_EQ(WithCommas(kNoLimit), "18,446,744,073,709,551,615");
}

TEST(SearchDifference, NamesWhatCameWentAndChanged) {
  const std::string now =
      R"({"model": "toy", "states": 5, "limits": {"max_depth": 3}, "new": true,
          "counterexample": {"invariant": "a", "steps": 4}})";
  const std::string before =
      R"({"model": "toy", "states": 4, "limits": {"max_depth": 3}, "old": "x",
          "counterexample": {"invariant": "b", "steps": 9}, "difference": ["states 4, was 3"]})";
  const auto lines = SearchDifference(before, "before.json", now);
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_EQ(*lines, (std::vector<std::string>{"counterexample.invariant a, was b",
                                              "new true, was not there", "states 5, was 4",
                                              "old is gone, was x"}));
  EXPECT_TRUE(SearchDifference(now, "now.json", now)->empty());
  EXPECT_FALSE(SearchDifference("[]", "list.json", now).ok());
}

}  // namespace
}  // namespace iommufd_check::explore
