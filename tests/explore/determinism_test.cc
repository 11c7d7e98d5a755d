// A search's report must not depend on threads, on memory or on where the frontier lives.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/explore/states/engine.h"
#include "model/explore/states/preserve_model.h"
#include "model/explore/states/toy_model.h"
#include "model/explore/work/search_command.h"
#include "model/explore/work/summary.h"
#include "tests/explore/small_models.h"

namespace iommufd_check::explore {
namespace {

SearchReport Reported(const SearchRequest& request) {
  absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : SearchReport();
}

SearchRequest Toy(int workers, int pages) {
  SearchRequest request;
  request.choice = {.model = "toy", .parameters = {{"workers", workers}, {"pages", pages}}};
  return request;
}

// Everything that a report says, for 1, 2 and 5 threads.
void ExpectSameForAllThreads(SearchRequest request) {
  request.threads = 1;
  const SearchReport one = Reported(request);
  for (const int threads : {2, 5}) {
    request.threads = threads;
    const SearchReport more = Reported(request);
    EXPECT_EQ(RenderText(more), RenderText(one));
    EXPECT_EQ(RenderJson(more), RenderJson(one));
    EXPECT_EQ(ExitCode(SummaryOf(more)), ExitCode(SummaryOf(one)));
  }
}

TEST(Determinism, ThreadsDoNotShowWhenAllHolds) {
  ExpectSameForAllThreads(Toy(3, 2));
  SearchRequest symmetric = Toy(4, 2);
  symmetric.symmetry = true;
  ExpectSameForAllThreads(symmetric);
  SearchRequest hashed = Toy(3, 2);
  hashed.fingerprint_bits = 64;
  ExpectSameForAllThreads(hashed);
}

TEST(Determinism, ThreadsDoNotShowInCounterexamples) {
  for (const std::string& plant : ToyModel::PlantNames()) {
    for (const bool symmetry : {false, true}) {
      SearchRequest request = Toy(3, 2);
      request.choice.plant = plant;
      request.symmetry = symmetry;
      ExpectSameForAllThreads(request);
    }
  }
  for (const std::string& variant : PreserveModel::VariantNames()) {
    SearchRequest request;
    request.choice = {.model = "preserve", .parameters = {{"mappers", 3}}, .variant = variant};
    ExpectSameForAllThreads(request);
    request.keep_going = true;
    ExpectSameForAllThreads(request);
  }
}

TEST(Determinism, ThreadsDoNotShowAtBounds) {
  SearchRequest depth = Toy(3, 2);
  depth.max_depth = 7;
  ExpectSameForAllThreads(depth);
  for (const std::uint64_t states : {1, 1000, 20000, 53216, 53217}) {
    SearchRequest request = Toy(3, 2);
    request.max_states = states;
    ExpectSameForAllThreads(request);
  }
}

TEST(Determinism, KindsOfKeysAgree) {
  SearchRequest request = Toy(3, 2);
  const SearchOutcome exact = Reported(request).outcome;
  for (const int bits : {64, 128}) {
    request.fingerprint_bits = bits;
    const SearchOutcome hashed = Reported(request).outcome;
    EXPECT_EQ(hashed.states, exact.states);
    EXPECT_EQ(hashed.transitions, exact.transitions);
    EXPECT_EQ(hashed.digest, exact.digest);
    EXPECT_EQ(hashed.key_bits, bits);
    EXPECT_GT(hashed.collision_probability, 0);
  }
}

TEST(Determinism, TheDigestTellsExplorationsApart) {
  SearchRequest request = Toy(2, 2);
  const std::string digest = Reported(request).outcome.digest;
  EXPECT_EQ(digest.size(), 32u);
  request.max_depth = 10;
  EXPECT_NE(Reported(request).outcome.digest, digest);
  request = Toy(2, 2);
  request.symmetry = true;
  EXPECT_NE(Reported(request).outcome.digest, digest);
  EXPECT_NE(Reported(Toy(2, 1)).outcome.digest, digest);
}

// States of two kilobytes: a few thousand of them exceed the frontier's least share of memory.
class FatModel : public support::SubsetModel {
 public:
  struct State {
    std::uint64_t bits = 0;
    std::array<std::uint64_t, 255> ballast{};
    auto operator<=>(const State&) const = default;
  };
  explicit FatModel(int n) : SubsetModel(n) {}
  template <typename Visit>
  void ForEachInitial(Visit visit) const {
    visit(State{});
  }
  template <typename Visit>
  void ForEachSuccessor(const State& s, Visit visit) const {
    SubsetModel::ForEachSuccessor({s.bits}, [&](const Action& a, const SubsetModel::State& next) {
      State fat{next.bits, {}};
      fat.ballast.fill(next.bits);
      visit(a, fat);
    });
  }
  StateVerdict Check(const State& s) const { return SubsetModel::Check({s.bits}); }
  std::uint64_t Packed(const State& s) const { return s.bits; }
  State Canonical(const State& s) const { return s; }
  std::uint64_t OrbitSize(const State&) const { return 1; }
  std::string Describe(const State& s) const { return std::to_string(s.bits); }
  using SubsetModel::Describe;
};

TEST(Determinism, AFrontierOnDiskGivesTheSameResult) {
  const FatModel model(15);  // Its widest level holds 6,435 states.
  SearchOptions options;
  const absl::StatusOr<SearchOutcome> in_memory = Search(model, options, nullptr);
  ASSERT_TRUE(in_memory.ok());
  EXPECT_EQ(in_memory->states, 32768u);
  options.limits.max_memory_bytes = kLeastMemoryBytes;
  for (const int threads : {1, 3}) {
    options.threads = threads;
    const absl::StatusOr<SearchOutcome> on_disk = Search(model, options, nullptr);
    ASSERT_TRUE(on_disk.ok()) << on_disk.status();
    EXPECT_EQ(on_disk->states, in_memory->states);
    EXPECT_EQ(on_disk->transitions, in_memory->transitions);
    EXPECT_EQ(on_disk->digest, in_memory->digest);
  }
  options.spill_folder = "/no-such-folder";
  const absl::StatusOr<SearchOutcome> nowhere = Search(model, options, nullptr);
  EXPECT_EQ(nowhere.status().code(), absl::StatusCode::kUnavailable) << nowhere.status();
}

TEST(Determinism, AMemoryBoundEndsWithAWholeLevelAndSaysSo) {
  SearchRequest request = Toy(4, 2);  // 754,515 states.
  request.fingerprint_bits = 64;
  request.max_memory_bytes = kLeastMemoryBytes;
  const SearchReport report = Reported(request);
  EXPECT_EQ(report.outcome.ending, Ending::kMemoryBound);
  EXPECT_EQ(ExitCode(SummaryOf(report)), 3);
  EXPECT_NE(RenderText(report).find("NOT exhausted: max_memory=8,388,608"), std::string::npos);
  EXPECT_LE(report.outcome.set_bytes, kLeastMemoryBytes);
  request.max_memory_bytes = SearchLimits().max_memory_bytes;
  request.max_depth = report.outcome.depth;
  EXPECT_EQ(Reported(request).outcome.states, report.outcome.states);
}

TEST(Determinism, AMemoryBoundIsTheSameForAllThreads) {
  SearchRequest request = Toy(4, 2);
  request.fingerprint_bits = 64;
  request.max_memory_bytes = kLeastMemoryBytes;
  ExpectSameForAllThreads(request);
}

}  // namespace
}  // namespace iommufd_check::explore
