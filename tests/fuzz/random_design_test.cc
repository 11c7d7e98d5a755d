// Random designs: decoding is total, a run is a function of its bytes, and every primitive is
// reached. What fuzz_design looks for, failed checks of the tool, would end this test as well.

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "fuzz/targets/random_design_run.h"

namespace iommufd_check::cli {
namespace {

TEST(RandomDesign, DecodingIsTotal) {
  std::mt19937_64 random(1);
  RandomDesign design;
  for (size_t size = 0; size <= 2 * RandomDesign::kMostBytes; ++size) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const size_t used = design.Decode(bytes);
    EXPECT_LE(used, size);
    EXPECT_LE(used, RandomDesign::kMostBytes);
  }
}

TEST(RandomDesign, EveryPrimitiveHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::string_view name : RandomDesign::PrimitiveNames()) {
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_GT(names.size(), 60u);
}

TEST(RandomDesign, AnExecutionIsAFunctionOfItsBytes) {
  std::mt19937_64 random(2);
  RandomDesignRun a;
  RandomDesignRun b;
  std::vector<uint8_t> bytes;
  std::set<uint64_t> digests;
  for (int i = 0; i < 500; ++i) {
    RandomDesignRun::FillRandom(random, &bytes);
    const uint64_t digest = a.Execute(bytes).digest;
    ASSERT_EQ(b.Execute(bytes).digest, digest) << "run " << i;
    ASSERT_EQ(a.Execute(bytes).digest, digest) << "nothing stays from run to run";
    digests.insert(digest);
  }
  EXPECT_GT(digests.size(), 250u) << "and of other bytes another one";
}

TEST(RandomDesign, AnyOrderOfPrimitivesEndsInAReport) {
  std::mt19937_64 random(3);
  RandomDesignRun run;
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 20'000; ++i) {
    RandomDesignRun::FillRandom(random, &bytes);
    run.Execute(bytes);
  }
  for (size_t i = 0; i < run.primitives_ran().size(); ++i) {
    EXPECT_GT(run.primitives_ran()[i], 0u) << RandomDesign::PrimitiveNames()[i];
  }
  EXPECT_EQ(run.executions(), 20'000u);
}

}  // namespace
}  // namespace iommufd_check::cli
