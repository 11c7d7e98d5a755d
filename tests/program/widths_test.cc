// A caller cannot pass what the user interface cannot carry: texts are refused, bytes are cut.
#include "model/program/widths.h"

#include <gtest/gtest.h>

#include "model/liveupdate/designs/registry.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/bytes/byte_layout.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::program {
namespace {

constexpr uint64_t kWide = 0x100000007;

liveupdate::Design& V1() { return *liveupdate::FindDesign("v1"); }
liveupdate::Design& Reference() { return *liveupdate::FindDesign("reference"); }

Program WideMark() {
  const auto program = ParseProgram(
      "main:\n  ioas = ioas_alloc()\n  dev = device_bind()\n  hwpt = hwpt_alloc(dev, ioas)\n"
      "  lu_mark(hwpt, token=0x100000007)\n",
      "test");
  EXPECT_TRUE(program.ok()) << program.status();
  return program.ok() ? *program : Program{};
}

TEST(Widths, NameTheOperationAndTheArgument) {
  EXPECT_EQ(WidthProblem(WideMark(), Reference()), "");
  EXPECT_EQ(
      WidthProblem(WideMark(), V1()),
      "main.4: argument token of lu_mark is 0x100000007, and design v1 carries 32 bits; write "
      "at most 0xffffffff");
  Program bound = WideMark();
  bound.operations[3].arguments[1].value = UINT32_MAX;
  EXPECT_EQ(WidthProblem(bound, V1()), "");
  ++bound.operations[3].arguments[1].value;
  EXPECT_NE(WidthProblem(bound, V1()), "");
  EXPECT_EQ(LargestArgument(OpCode::kLuMark, 1, V1()), UINT32_MAX);
  EXPECT_EQ(LargestArgument(OpCode::kLuMark, 1, Reference()), UINT64_MAX);
  EXPECT_EQ(LargestArgument(OpCode::kLuoPreserve, 2, V1()), UINT64_MAX) << "LUO's own token";
}

TEST(Widths, WhatNobodyWroteIsCut) {
  Program program = WideMark();
  MaskToWidths(Reference(), &program);
  EXPECT_EQ(program.operations[3].arguments[1].value, kWide);
  MaskToWidths(V1(), &program);
  EXPECT_EQ(program.operations[3].arguments[1].value, 7u);
  EXPECT_EQ(WidthProblem(program, V1()), "");
}

TEST(Widths, ACutTokenViolatesNothing) {
  Program program = WideMark();
  MaskToWidths(V1(), &program);
  Executor executor;
  EXPECT_TRUE(executor.Run(V1(), program).violations.empty());
}

TEST(Widths, BytesOfADesignDecodeToWhatFits) {
  Program program = WideMark();
  program.design = "reference";
  ASSERT_EQ(FirstProblem(program), "");
  std::vector<uint8_t> bytes = EncodeBytes(program);
  EXPECT_EQ(DecodeBytes(bytes), program);
  program.design = "v1";
  EXPECT_NE(FirstProblem(program), "");
  // The same bytes with the name of the other design.
  Program narrow = program;
  narrow.operations[3].arguments[1].value = 7;
  ASSERT_EQ(FirstProblem(narrow), "");
  EXPECT_EQ(DecodeBytes(EncodeBytes(narrow)), narrow);
  program.design.clear();
  bytes = EncodeBytes(program);
  EXPECT_EQ(DecodeBytes(bytes), program);
  Program name;
  name.boot = program.boot;
  name.design = "v1";
  const std::vector<uint8_t> named = EncodeBytes(name);
  bytes.insert(bytes.end(), named.begin() + kHeaderBytes, named.end());
  EXPECT_EQ(DecodeBytes(bytes), narrow);
}

}  // namespace
}  // namespace iommufd_check::program
