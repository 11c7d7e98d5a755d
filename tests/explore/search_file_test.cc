// A search that is kept on disk: resumed it ends as if it had never stopped; a file that is not
// whole, or of another search, is refused.

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "model/explore/states/engine.h"
#include "model/explore/states/preserve_model.h"
#include "model/explore/states/toy_model.h"
#include "tests/explore/stops.h"

namespace iommufd_check::explore {
namespace {

class SearchFileTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  absl::StatusOr<SearchOutcome> Run(SearchOptions options) const {
    options.keeping = {.path = path_, .identity = identity_, .due = {}};
    return Search(ToyModel(3, 2, plant_), options, nullptr);
  }
  std::string Contents() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Write(const std::string& contents) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << contents;
  }

  // Tests run side by side.
  const std::string path_ = testing::TempDir() +
                            testing::UnitTest::GetInstance()->current_test_info()->name() +
                            ".search";
  std::uint64_t identity_ = 7;
  ToyModel::Plant plant_ = ToyModel::Plant::kNone;
};

void ExpectSame(const SearchOutcome& a, const SearchOutcome& b) {
  EXPECT_EQ(a.ending, b.ending);
  EXPECT_EQ(a.states, b.states);
  EXPECT_EQ(a.transitions, b.transitions);
  EXPECT_EQ(a.depth, b.depth);
  EXPECT_EQ(a.digest, b.digest);
  EXPECT_EQ(a.invariants.size(), b.invariants.size());
  ASSERT_EQ(a.counterexample.has_value(), b.counterexample.has_value());
  if (a.counterexample.has_value()) {
    EXPECT_EQ(a.counterexample->steps.size(), b.counterexample->steps.size());
    EXPECT_EQ(a.counterexample->steps.back().state, b.counterexample->steps.back().state);
  }
}

TEST_F(SearchFileTest, ResumedAgainAndAgainItEndsAsInOneGo) {
  for (const int threads : {1, 2}) {
    for (const KeyKind keys : {KeyKind::kExact, KeyKind::kFingerprint128}) {
      for (const bool symmetry : {false, true}) {
        const SearchOptions options{.threads = threads, .symmetry = symmetry, .keys = keys};
        std::filesystem::remove(path_);
        const auto whole = Search(ToyModel(3, 2, plant_), options, nullptr);
        ASSERT_TRUE(whole.ok());
        int sittings = 0;
        absl::StatusOr<SearchOutcome> last;
        do {
          // Long enough for the widest level, or nothing would ever be gained.
          Stops stops(symmetry ? 3 : 14);
          SearchOptions sitting = options;
          sitting.pulse = &stops;
          last = Run(sitting);
          ASSERT_TRUE(last.ok()) << last.status();
          ASSERT_LT(++sittings, 200);
        } while (last->ending == Ending::kStopped);
        EXPECT_GT(sittings, 1);
        ExpectSame(*last, *whole);
        ExpectSame(*Run(options), *whole);
      }
    }
  }
}

TEST_F(SearchFileTest, GoesOnWhereABoundEndedIt) {
  const auto whole = Search(ToyModel(3, 2, plant_), {}, nullptr);
  SearchOptions options;
  options.limits.max_depth = 5;
  EXPECT_EQ(Run(options)->ending, Ending::kDepthBound);
  options.limits.max_depth = kNoLimit;
  options.limits.max_states = whole->states / 2;
  EXPECT_EQ(Run(options)->ending, Ending::kStateBound);
  options.limits.max_states = kNoLimit;
  ExpectSame(*Run(options), *whole);
}

TEST_F(SearchFileTest, KeepsAViolation) {
  plant_ = ToyModel::Plant::kAllPreserved;
  const auto whole = Search(ToyModel(3, 2, plant_), {}, nullptr);
  ASSERT_EQ(whole->ending, Ending::kViolation);
  SearchOptions options;
  options.limits.max_depth = whole->depth / 2;
  EXPECT_EQ(Run(options)->ending, Ending::kDepthBound);
  options.limits.max_depth = kNoLimit;
  ExpectSame(*Run(options), *whole);
  ExpectSame(*Run(options), *whole);
}

TEST_F(SearchFileTest, ADamagedFileIsRefused) {
  SearchOptions options;
  options.limits.max_depth = 6;
  ASSERT_TRUE(Run(options).ok());
  const std::string good = Contents();
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string bad = good;
    if (i % 2 == 0) {
      bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
    } else {
      bad.resize(random() % bad.size());
    }
    Write(bad);
    EXPECT_EQ(Run(options).status().code(), absl::StatusCode::kInvalidArgument);
  }
  Write(good);
  EXPECT_TRUE(Run(options).ok());
  identity_ = 8;
  EXPECT_NE(std::string(Run(options).status().message()).find("another search"), std::string::npos);
}

// Whole files with any contents: what is not states and keys of the model is refused.
TEST_F(SearchFileTest, AForgedFileIsReadOrRefused) {
  std::mt19937_64 random(2);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    auto file = SearchFileWriter::Create(path_, identity_);
    ASSERT_TRUE(file.ok());
    const std::uint64_t states = random() % 4;
    std::vector<LevelTally<ToyModel::State>> levels(1 + random() % 2);
    levels.back().discovered = states;
    PutLevels(levels, &*file);
    PutMemory({}, &*file);
    const ExactKeys<ToyModel> keys(ToyModel(3, 2, plant_));
    for (std::uint64_t k = 0; k < states; ++k) {
      file->PutWord(random() % (k % 2 == 0 ? 1000 : ~std::uint64_t{0}));
    }
    for (std::uint64_t k = 0; k < states; ++k) file->PutWord(random() >> (random() % 64));
    for (std::uint64_t k = 0; k < random() % 2; ++k) file->PutWord(random());
    ASSERT_TRUE(file->Finish().ok());
    refused += Run({}).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
  EXPECT_LT(refused, 300);
}

TEST_F(SearchFileTest, AModelThatCannotTellItsStatesIsRefused) {
  SearchOptions options;
  options.keeping = {.path = path_, .identity = identity_, .due = {}};
  const PreserveModel model(1, 1, PreserveModel::Variant::kCounted, PreserveModel::Plant::kNone);
  EXPECT_EQ(Search(model, options, nullptr).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SearchFileTest, AFolderThatDoesNotExistIsSaid) {
  SearchOptions options;
  options.keeping = {.path = testing::TempDir() + "none/kept", .identity = 1, .due = {}};
  const auto outcome = Search(ToyModel(1, 1, plant_), options, nullptr);
  EXPECT_FALSE(outcome.ok());
  EXPECT_NE(std::string(outcome.status().message()).find("cannot be written"), std::string::npos);
}

}  // namespace
}  // namespace iommufd_check::explore
