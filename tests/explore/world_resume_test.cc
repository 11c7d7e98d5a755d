// A search of the World that is kept on disk, and what it takes for a state.

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "model/explore/work/search_command.h"
#include "model/explore/world/world_model.h"
#include "model/program/designs.h"
#include "tests/explore/stops.h"

namespace iommufd_check::explore {
namespace {

SearchRequest Request(const std::string& design) {
  SearchRequest request;
  request.choice.model = "world";
  request.choice.design = design;
  if (design == "v1") {
    request.choice.tolerated = {"I19", "I25", "I26", "I38"};
    request.keep_going = true;
    request.max_depth = 9;
  }
  return request;
}

TEST(WorldResume, EndsAsInOneGo) {
  const std::string path = testing::TempDir() + "world.search";
  for (const std::string design : {"reference", "v1"}) {
    std::filesystem::remove(path);
    const auto whole = RunSearch(Request(design), nullptr);
    ASSERT_TRUE(whole.ok()) << whole.status();
    int sittings = 0;
    for (;;) {
      ASSERT_LT(++sittings, 100);
      Stops stops(12);
      SearchRequest sitting = Request(design);
      sitting.threads = 1 + sittings % 2;
      sitting.resume = path;
      sitting.pulse = &stops;
      const auto report = RunSearch(sitting, nullptr);
      ASSERT_TRUE(report.ok()) << report.status();
      if (stops.stopped()) continue;
      EXPECT_EQ(RenderText(*report), RenderText(*whole));
      break;
    }
    EXPECT_GT(sittings, 1) << design;
  }
  std::filesystem::remove(path);
}

// All states near the start are states; with another byte anywhere they are not, unless the byte
// means nothing.
TEST(WorldResume, TellsStatesFromOtherBytes) {
  WorldScope scope;
  scope.operations = WorldAlphabet::StandardOperations();
  for (const char* design : {"reference", "v1"}) {
    const WorldModel model(*program::DesignNamed(design), scope, {});
    std::vector<WorldModel::State> states;
    model.ForEachInitial([&](const WorldModel::State& state) { states.push_back(state); });
    for (size_t i = 0; i < states.size() && states.size() < 400; ++i) {
      const WorldModel::State state = states[i];
      model.ForEachSuccessor(state, [&](const WorldModel::Action&, const WorldModel::State& next) {
        states.push_back(next);
      });
    }
    std::mt19937 random(1);
    int refused = 0;
    for (const WorldModel::State& state : states) {
      EXPECT_TRUE(model.IsState(state)) << model.Describe(state);
      WorldModel::State forged = state;
      forged.ended = forged.broken = 0;
      reinterpret_cast<unsigned char*>(&forged)[random() % sizeof forged] =
          static_cast<unsigned char>(random());
      if (!model.IsState(forged)) {
        ++refused;
        continue;
      }
      model.ForEachSuccessor(forged, [](const WorldModel::Action&, const WorldModel::State&) {});
    }
    EXPECT_GT(refused, static_cast<int>(states.size() / 2)) << design;
  }
}

TEST(WorldResume, AMemoryIsReadBackOrRefused) {
  const WorldModel model(*program::DesignNamed("v1"), {}, {});
  model.ForEachInitial([&](const WorldModel::State& state) {
    model.ForEachSuccessor(state, [](const WorldModel::Action&, const WorldModel::State&) {});
  });
  const std::vector<std::uint64_t> memory = model.Memory();
  EXPECT_NE(memory, std::vector<std::uint64_t>(memory.size()));
  const WorldModel fresh(*program::DesignNamed("v1"), {}, {});
  EXPECT_NE(fresh.Memory(), memory);
  EXPECT_TRUE(fresh.Recall(memory));
  EXPECT_EQ(fresh.Memory(), memory);
  EXPECT_FALSE(fresh.Recall({}));
  std::vector<std::uint64_t> forged = memory;
  forged[0] |= 1;  // A class inside itself.
  EXPECT_FALSE(fresh.Recall(forged));
  forged[0] = ~std::uint64_t{0} << 63;
  EXPECT_FALSE(fresh.Recall(forged));
}

}  // namespace
}  // namespace iommufd_check::explore
