// The properties of the targets that read inputs: they hold of noise and of what the tool writes,
// and accept enough that they are about something.

#include "fuzz/targets/input_checks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fuzz/mutate/draw.h"
#include "fuzz/targets/hostile_memory.h"
#include "tests/fuzz/cli_fixture.h"
#include "tests/support/subprocess.h"

namespace iommufd_check::cli {
namespace {

using Bytes = std::vector<uint8_t>;
using Abi = uapi::Contract::Abi;

Bytes Noise(Draw& draw, size_t most) {
  Bytes bytes(draw.Below(most));
  for (uint8_t& byte : bytes) byte = draw.Byte();
  return bytes;
}

std::string TextOf(const Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); }

TEST(InputChecks, HoldOfNoise) {
  Draw draw(3);
  int tables = 0;
  int records = 0;
  for (int i = 0; i < 2000; ++i) {
    const Bytes bytes = Noise(draw, 400);
    EXPECT_FALSE(CheckText("A:" + TextOf(bytes)));
    EXPECT_TRUE(CheckBytes(bytes));
    EXPECT_FALSE(CheckCertificates(TextOf(bytes)));
    tables += CheckPageTable(bytes) ? 1 : 0;
    records += CheckRecords(bytes, i % 2 == 0 ? Abi::kR3 : Abi::kR7) ? 1 : 0;
  }
  EXPECT_GT(tables, 20);
  EXPECT_GT(records, 20);
}

TEST(InputChecks, AcceptWhatTheToolWrites) {
  EXPECT_TRUE(CheckText(ViolatingProgram()));
  const TemporaryFolder folder;
  const std::string program = folder.Write("a.prog", CleanProgram());
  const CliResult explored = RunCli({"explore", "--json", program});
  EXPECT_TRUE(CheckCertificates(explored.out)) << explored.out;
  EXPECT_FALSE(CheckCertificates("[]")) << "nothing in it";
  EXPECT_FALSE(CheckCertificates(explored.out.substr(0, explored.out.size() / 2)));
}

// One word in the form of hostile_memory.h.
void Append(Bytes* bytes, uint8_t frame, uint16_t index, uint8_t value, uint8_t flags = 0) {
  bytes->insert(bytes->end(),
                {frame, static_cast<uint8_t>(index & 0xff), static_cast<uint8_t>(index >> 8), 0,
                 value, flags, 0, 0, 0, 0, 0, 0});
}

TEST(HostileMemory, IsWhatItsBytesSay) {
  Bytes bytes;
  Append(&bytes, 1, 511, 7);
  Append(&bytes, 128 + 2, 0, 3, 3);  // a pointer
  const HostileMemory memory(bytes);
  const mm::PhysAddr first = mm::AddressOf(HostileMemory::kFirst);
  EXPECT_EQ(memory.Word(first + mm::kPageSize + 8 * 511), 7u);
  EXPECT_EQ(memory.Word(first + 2 * mm::kPageSize), mm::AddressOf(HostileMemory::kFirst + 3) + 3);
  EXPECT_EQ(memory.Owner(HostileMemory::kFlbSer + 1), mm::FrameOwner::kFlbSer);
  EXPECT_EQ(memory.Owner(HostileMemory::kFlbSer + 2), mm::FrameOwner::kFree);
}

TEST(InputChecks, ATableThatContainsItselfEnds) {
  Bytes bytes;
  for (uint16_t i = 0; i < HostileMemory::kMostWords; ++i) Append(&bytes, 128, i, 0, 3);
  bytes[0] = 128 + 8 - 8;  // the first frame is the top too
  EXPECT_TRUE(CheckPageTable(bytes));
}

// A page of records that is its own next, full of them: what fuzz_records found first.
TEST(InputChecks, RecordsThatNeverEndEnd) {
  Bytes bytes;
  Append(&bytes, 128 + 6, 0, 7);  // header -> page
  Append(&bytes, 128 + 7, 0, 7);  // page -> itself
  Append(&bytes, 7, 1, 255);      // with more records than fit
  EXPECT_TRUE(CheckRecords(bytes, Abi::kR3));
  EXPECT_TRUE(CheckRecords(bytes, Abi::kR7));
}

struct Target {
  std::string name;
  bool takes_design;
};

class TargetBinary : public testing::TestWithParam<Target> {};

TEST_P(TargetBinary, ReplaysFilesAndRefusesUnknownFlags) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("input", "anything");
  const std::string target = test_support::BinDir() + "/" + GetParam().name;
  EXPECT_EQ(test_support::RunProgram({target, file}).status, 0);
  EXPECT_EQ(test_support::RunProgram({target, "--nonsense", file}).status, 64);
  const int design = GetParam().takes_design ? 0 : 64;
  EXPECT_EQ(test_support::RunProgram({target, "--design=v1", file}).status, design);
  EXPECT_EQ(test_support::RunProgram({target, "--design=v0", file}).status, 64);
}

INSTANTIATE_TEST_SUITE_P(All, TargetBinary,
                         testing::Values(Target{"fuzz_text", false}, Target{"fuzz_bytes", false},
                                         Target{"fuzz_certificate", false},
                                         Target{"fuzz_page_table", false},
                                         Target{"fuzz_records", true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace iommufd_check::cli
