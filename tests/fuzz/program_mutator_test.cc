// Structure-aware mutation: what comes out is always a program within the limits, depends on what
// went in alone, and each kind of edit is made.

#include "fuzz/mutate/program_mutator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "fuzz/mutate/operation_edits.h"
#include "fuzz/mutate/plan_edits.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/text/text_codec.h"
#include "tests/program/text_messages.h"

namespace iommufd_check::cli {
namespace {

using program::Parse;
using program::Program;
using Bytes = std::vector<uint8_t>;

constexpr Limits kConcurrent{.tasks = 3};
constexpr size_t kMaxBytes = 1024;

// A map beside a preserve: tasks that meet, calls that can fail.
const Program& MapBesidePreserve() {
  static const Program program = Parse(R"(boot memfds=1 devices=1
main:
  ioas = ioas_alloc()
  dev = device_bind(index=0)
  hwpt = hwpt_alloc(dev, ioas)
  lu_mark(hwpt, token=7)
  s = luo_create_session(name="vm")
A:
  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)
B:
  luo_preserve(s, iommufd, token=2)
)");
  return program;
}

class ProgramMutatorTest : public testing::Test {
 protected:
  Bytes Mutate(Bytes bytes, unsigned seed, size_t max_size = kMaxBytes) {
    const size_t size = std::min(bytes.size(), max_size);
    bytes.resize(max_size);
    bytes.resize(mutator_.Mutate(bytes.data(), size, max_size, seed));
    return bytes;
  }
  Bytes CrossOver(const Bytes& a, const Bytes& b, unsigned seed) {
    Bytes out(kMaxBytes);
    out.resize(mutator_.CrossOver(a, b, out.data(), kMaxBytes, seed));
    return out;
  }

  program::Executor executor_;
  liveupdate::Design* const design_ = liveupdate::FindDesign("v1");
  ProgramMutator mutator_{&executor_, design_, kConcurrent};
};

void ExpectGood(const Bytes& bytes, size_t max_size, const Limits& limits) {
  ASSERT_GT(bytes.size(), 0u);
  ASSERT_LE(bytes.size(), max_size);
  const Program program = program::DecodeBytes(bytes);
  ASSERT_EQ(program::FirstProblem(program), "");
  ASSERT_TRUE(Fits(program, limits)) << program::PrintProgram(program);
  ASSERT_EQ(program::EncodeBytes(program), bytes) << "what it decodes to says it again";
}

TEST_F(ProgramMutatorTest, EveryMutationIsAProgramWithinTheLimits) {
  Bytes bytes;
  std::set<Bytes> different;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    // Short buffers are full soon, so what does not fit is tried as well.
    const size_t max_size = seed % 3 == 0 ? 120 : kMaxBytes;
    bytes = Mutate(bytes, seed, max_size);
    ExpectGood(bytes, max_size, kConcurrent);
    different.insert(bytes);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(different.size(), 3000u) << "mutations of one another are mostly new";
}

TEST_F(ProgramMutatorTest, AnyBytesAreAParent) {
  Draw draw(7);
  for (unsigned seed = 0; seed < 500; ++seed) {
    Bytes noise(draw.Below(600));
    for (uint8_t& byte : noise) byte = draw.Byte();
    ExpectGood(Mutate(noise, seed), kMaxBytes, kConcurrent);
    Bytes other(draw.Below(600));
    for (uint8_t& byte : other) byte = draw.Byte();
    ExpectGood(CrossOver(noise, other, seed), kMaxBytes, kConcurrent);
    if (HasFatalFailure()) return;
  }
}

TEST_F(ProgramMutatorTest, DependsOnParentAndSeedAlone) {
  const Bytes parent = program::EncodeBytes(MapBesidePreserve());
  program::Executor other_executor;
  ProgramMutator other(&other_executor, design_, kConcurrent);
  std::set<Bytes> children;
  for (unsigned seed = 0; seed < 300; ++seed) {
    const Bytes child = Mutate(parent, seed);
    Bytes again = parent;
    again.resize(kMaxBytes);
    // The other one has another past: it comes from the last seed to this one.
    again.resize(other.Mutate(again.data(), parent.size(), kMaxBytes, 300 - seed));
    again = parent;
    again.resize(kMaxBytes);
    again.resize(other.Mutate(again.data(), parent.size(), kMaxBytes, seed));
    ASSERT_EQ(again, child) << seed;
    children.insert(child);
  }
  EXPECT_GT(children.size(), 200u);
}

TEST_F(ProgramMutatorTest, SequentialLimitsMakeNoTasks) {
  constexpr Limits kSequential{};
  ProgramMutator mutator(&executor_, design_, kSequential);
  Bytes bytes(kMaxBytes);
  size_t size = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    size = mutator.Mutate(bytes.data(), size, kMaxBytes, seed);
    const Program program = program::DecodeBytes({bytes.data(), size});
    ASSERT_EQ(program::TaskCount(program), 0);
  }
}

TEST_F(ProgramMutatorTest, WhatAProgramSaysAboutItselfGoes) {
  Program told = MapBesidePreserve();
  told.title = "A story.";
  told.design = "v1";
  told.expected = {{"I04", program::OpCode::kLuoPreserve}};
  told.also = {"I19"};
  told.operations[0].expected_errno = 0;
  const Program child = program::DecodeBytes(Mutate(program::EncodeBytes(told), 1));
  EXPECT_EQ(child.title + child.design, "");
  EXPECT_TRUE(child.expected.empty() && child.also.empty());
  EXPECT_FALSE(child.operations[0].expected_errno.has_value());
}

TEST_F(ProgramMutatorTest, ACrossingHasOperationsOfBoth) {
  const Program other = Parse("boot memfds=3\nmain:\n  memfd_truncate(2, size=0x1000)\n");
  const Bytes a = program::EncodeBytes(MapBesidePreserve());
  const Bytes b = program::EncodeBytes(other);
  for (unsigned seed = 0; seed < 50; ++seed) {
    const Program child = program::DecodeBytes(CrossOver(a, b, seed));
    EXPECT_EQ(child.operations.size(), MapBesidePreserve().operations.size() + 1);
    EXPECT_EQ(child.boot.memfds, 3u) << "what it names exists";
  }
}

// From the program without a switch to the one that shows what only an order of the two shows.
TEST_F(ProgramMutatorTest, FindsTheOrderThatBreaksV1) {
  const Bytes parent = program::EncodeBytes(MapBesidePreserve());
  int found = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const Program child = program::DecodeBytes(Mutate(parent, seed));
    found += executor_.Run(*design_, child).Find(spec::Invariant::kI04) != nullptr ? 1 : 0;
  }
  EXPECT_GT(found, 5);
}

}  // namespace
}  // namespace iommufd_check::cli
