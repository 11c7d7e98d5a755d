// The search of the World as the command line calls it: what it refuses, and what it reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/explore/work/search_command.h"
#include "model/explore/work/summary.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::explore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SearchRequest World(const std::string& design, std::vector<std::string> operations = {}) {
  SearchRequest request;
  request.choice = {.model = "world", .design = design, .operations = std::move(operations)};
  return request;
}

SearchReport Reported(const SearchRequest& request) {
  absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : SearchReport();
}

std::string ErrorOf(const SearchRequest& request) {
  const absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(report.status().message());
}

TEST(WorldSearch, RefusesInWordsThatSayWhatToGive) {
  EXPECT_EQ(ErrorOf(World("v9")),
            "unknown design 'v9' of model world; known: v1, v1-7.2, reference");
  EXPECT_THAT(ErrorOf(World("v1", {"map_fil"})),
              HasSubstr("unknown operation 'map_fil' of model world; known: ioas_alloc, "));
  SearchRequest request = World("v1");
  request.choice.tolerated = {"I99"};
  EXPECT_THAT(ErrorOf(request), HasSubstr("unknown invariant 'I99'; did you mean 'I09'?"));
  request = World("v1");
  request.choice.parameters["hwpts"] = 4;
  EXPECT_EQ(ErrorOf(request), "parameter hwpts=4 of model world is out of range; give 1 to 3");
  request = World("v1");
  request.max_depth = 65;
  EXPECT_EQ(ErrorOf(request), "max_depth=65 of model world is out of range; give at most 64");
  // What only the World has.
  request = World("v1");
  request.choice.model = "toy";
  EXPECT_EQ(ErrorOf(request), "unknown design 'v1' of model toy; known: none");
  request = World("", {"unmap"});
  request.choice.model = "preserve";
  EXPECT_EQ(ErrorOf(request), "unknown operation 'unmap' of model preserve; known: none");
  request = World("");
  request.choice = {.model = "toy", .tolerated = {"I01"}};
  EXPECT_EQ(ErrorOf(request), "unknown finding 'I01' of model toy; known: none");
}

TEST(WorldSearch, FillsInDefaults) {
  SearchRequest request = World("", {"unmap", "map_file", "unmap"});
  request.choice.tolerated = {"rollback-atomicity", "I01", "I05"};
  const SearchReport report = Reported(request);
  EXPECT_EQ(report.choice.design, "reference");
  EXPECT_EQ(report.choice.operations, (std::vector<std::string>{"map_file", "unmap"}));
  EXPECT_EQ(report.choice.tolerated, (std::vector<std::string>{"I01", "I05"}));
  EXPECT_EQ(report.alphabet, 3u);
  EXPECT_EQ(report.max_depth, 64u);
  EXPECT_EQ(report.outcome.key_bits, 128);
  EXPECT_EQ(report.outcome.ending, Ending::kExhausted);
  EXPECT_EQ(ExitCode(SummaryOf(report)), 0);
}

TEST(WorldSearch, TheCertificateNamesTheScope) {
  SearchRequest request = World("reference", {"map_file", "unmap", "lu_mark"});
  request.max_depth = 2;
  const SearchReport report = Reported(request);
  EXPECT_EQ(ExitCode(SummaryOf(report)), 0) << "the depth was stated";
  const std::string text = RenderText(report);
  EXPECT_THAT(text, HasSubstr("search world devices=1 hwpts=1 iommufds=1 memfds=1 regions=1 "
                              "sessions=1 tokens=1 design=reference\n"));
  EXPECT_THAT(text, HasSubstr("\n  operations   map_file unmap lu_mark: 4 with their arguments\n"));
  EXPECT_THAT(text, HasSubstr("\n  bounds       at most 2 after the preamble\n"));
  EXPECT_THAT(text, HasSubstr("every state within max_depth=2 steps was visited"));
  EXPECT_THAT(text, HasSubstr("fingerprints, 128 bits; collision probability "));
  EXPECT_THAT(text, HasSubstr("I20 conflicting-locks        never put to the test"));
  EXPECT_THAT(text, HasSubstr(" transitions\n"));
  EXPECT_THAT(text, HasSubstr("\n  lock order   no cycle; "));
  EXPECT_THAT(text, Not(HasSubstr("tolerated")));
  const nlohmann::json json = nlohmann::json::parse(RenderJson(report));
  EXPECT_EQ(json["design"], "reference");
  EXPECT_EQ(json["alphabet"], 4);
  EXPECT_EQ(json["whole"]["broken"], false);
  EXPECT_EQ(json["operations"].size(), 3u);
  EXPECT_EQ(json["limits"]["max_depth"], 2);
  EXPECT_EQ(json["exhausted"], false);
}

TEST(WorldSearch, AViolationIsAProgram) {
  SearchRequest request = World("v1", {"lu_mark", "luo_preserve"});
  request.choice.tolerated = {"I06", "I12", "I13", "I25",
                              "I26", "I37", "I38"};  // As short, after preserve.
  const SearchReport report = Reported(request);
  EXPECT_EQ(ExitCode(SummaryOf(report)), 1);
  ASSERT_TRUE(report.outcome.counterexample.has_value());
  const std::string& artefact = report.outcome.counterexample->artefact;
  const auto program = program::ParseProgram(artefact, "found.prog");
  ASSERT_TRUE(program.ok()) << program.status();
  ASSERT_EQ(program->expected.size(), 1u);
  EXPECT_EQ(program->expected[0].invariant, "I19");
  const std::string text = RenderText(report);
  EXPECT_THAT(text, HasSubstr("\n  tolerated    I06 I12 I13 I25 I26 I37 I38\n"));
  EXPECT_THAT(text, HasSubstr("\nprogram, to be replayed with `iommufd-check run FILE`\n"));
  EXPECT_THAT(text, HasSubstr("\n    luo_preserve(s, iommufd, token=2)\n"));
  const nlohmann::json json = nlohmann::json::parse(RenderJson(report));
  EXPECT_EQ(json["counterexample"]["program"], artefact);
  EXPECT_EQ(json["tolerated"], nlohmann::json(request.choice.tolerated));
  const std::string known = "I12@lu_mark:hwpt:iommufd_hwpt_lu_set_preserve";
  EXPECT_GT(json["tolerated_findings"].value(known, 0), 0) << json["tolerated_findings"];
  EXPECT_THAT(text, HasSubstr("\n  tolerated    " + known + " in "));
}

TEST(WorldSearch, ThreadsDoNotShow) {
  for (const char* design : {"reference", "v1"}) {
    for (const bool symmetry : {false, true}) {
      for (const bool keep_going : {false, true}) {
        SearchRequest request = World(design);
        request.choice.parameters = {{"hwpts", 2}, {"tokens", 2}, {"memfds", 2}};
        if (keep_going) request.choice.tolerated = {"I19", "I38"};
        request.symmetry = symmetry;
        request.keep_going = keep_going;
        request.max_depth = 3;
        const std::string one = RenderText(Reported(request));
        for (const int threads : {2, 5}) {
          request.threads = threads;
          EXPECT_EQ(RenderText(Reported(request)), one);
        }
      }
    }
  }
}

}  // namespace
}  // namespace iommufd_check::explore
