// The text form: what is accepted, and the canonical text.

#include "model/program/text/text_codec.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/program/bytes/byte_codec.h"
#include "model/sim/errno.h"
#include "tests/program/random_programs.h"
#include "tests/program/text_messages.h"

namespace iommufd_check::program {
namespace {

TEST(TextCodec, CanonicalTextIsAFixedPoint) {
  EXPECT_EQ(PrintProgram(Parse(RichText())), RichText());
}

TEST(TextCodec, Values) {
  const Program program = Parse(RichText());
  EXPECT_EQ(program.title,
            "Map races the flag: the area is inserted before it is filled.\n\n"
            " and a second paragraph");
  EXPECT_EQ(program.design, "v1");
  EXPECT_EQ(program.boot, (Boot{2, 8, 1, 4, 2}));
  ASSERT_EQ(program.operations.size(), 23u);
  EXPECT_EQ(program.operations[3].arguments[1], (Argument{0, 0}));
  EXPECT_EQ(program.operations[5].arguments[1].value, 7u);
  EXPECT_EQ(program.operations[7].name, "say \"vm\" \\ 1");
  EXPECT_EQ(program.operations[9].arguments[1].value, UINT32_MAX);
  EXPECT_EQ(program.operations[10].expected_errno, 0);
  EXPECT_TRUE(program.operations[11].arguments[3].automatic);
  EXPECT_EQ(program.operations[12].arguments[0], (Argument{std::nullopt, 7}));
  EXPECT_EQ(program.operations[13].arguments[0], (Argument{16, 0}));
  EXPECT_EQ(program.operations[13].arguments[2].value, kUnmapAll);
  EXPECT_EQ(program.operations[15].arguments[1].value, kFileIommufd);
  EXPECT_EQ(program.operations[15].expected_errno, sim::kEBUSY);
  EXPECT_EQ(program.operations[17].task, kFinally);
  EXPECT_EQ(program.faults[0], (sim::PlannedFault{15, sim::FaultSite::kKhoAllocPreserve, 1}));
  EXPECT_EQ(program.faults[1], (sim::PlannedFault{3, sim::FaultSite::kObjectAlloc, UINT16_MAX}));
  EXPECT_EQ(program.switches[0],
            (sim::Switch{10,
                         sim::Side::kAfter,
                         {sim::Primitive::kUnlock, sim::Detail(sim::LockClass::kIovaRwsem)},
                         2,
                         2}));
  EXPECT_EQ(program.expected[0], (ExpectedViolation{"I04", OpCode::kLuoPreserve}));
  EXPECT_EQ(program.expected[1], (ExpectedViolation{"immutable-domain", std::nullopt}));
  EXPECT_EQ(program.also, (std::vector<std::string>{"I19", "I20"}));
}

TEST(TextCodec, RandomProgramsRoundTrip) {
  Random random(61);
  for (int i = 0; i < 5'000; ++i) {
    const Program program = RandomProgram(random);
    const std::string text = PrintProgram(program);
    ASSERT_EQ(Parse(text), program) << text;
    ASSERT_EQ(PrintProgram(Parse(text)), text);
  }
}

TEST(TextCodec, EmptyTexts) {
  for (const std::string text : {"", "\n", "\r\n", "\r", "  \t", "\n\n \n", "boot", "main:", "#"}) {
    EXPECT_EQ(Parse(text), Program{}) << text;
  }
  EXPECT_EQ(PrintProgram(Program{}), "format 2\nboot memfds=1 devices=1\n");
}

TEST(TextCodec, TitleIsTheFirstBlockOfComments) {
  EXPECT_EQ(Parse("\n\n# one\n#two\n#\n#  three\n\n# four\nboot # five\n").title,
            "one\ntwo\n\n three");
  EXPECT_EQ(Parse("# a\tb\r\n# c\r\n").title, "a b\nc");
  EXPECT_EQ(Parse("boot\n# no\n").title, "");
  EXPECT_EQ(Parse("#\n#\n").title, "\n");
  for (const std::string title : {"a", "\n", "a\n", "\na", " a ", "\n\n", "#", " "}) {
    Program program;
    program.title = title;
    EXPECT_EQ(Parse(PrintProgram(program)).title, title);
  }
}

TEST(TextCodec, SpacingIsFree) {
  EXPECT_EQ(
      Parse("\r\n\tmain :\r\nx=ioas_alloc\t(\t)->0# c\r\n  unmap( x,length=  1 )-> EINVAL  \r\n"
            "A:\nunmap(x)\nswitch  A.1  before begin->B # d\nB:\nioas_alloc()\nfault\tmain.1 "
            "kcalloc\r"),
      Parse("main:\n  ioas = ioas_alloc()  -> 0\n  unmap(ioas, length=0x1)  -> EINVAL\n"
            "A:\n  unmap(ioas)\nB:\n  ioas2 = ioas_alloc()\n\n"
            "fault main.1 kcalloc nth=1\nswitch A.1 before begin -> B\n"));
}

TEST(TextCodec, ArgumentsByPositionAndByName) {
  const std::string canonical = PrintProgram(
      Parse("boot memfds=2\nmain:\nmap_file(3, memfd=1, start=0, iova=0x1000, length=0x2000)"));
  for (const std::string call :
       {"map_file(3, 1, 0, 0x1000, 0x2000, rw)", "map_file(3, 1, 0, 4096, 8192)",
        "map_file(3, 1, iova=4096, length=8192)",
        "map_file(length=8192, iova=4096, memfd=1, ioas=3)",
        "map_file(3, 1, 0, 4096, length=8192)"}) {
    EXPECT_EQ(PrintProgram(Parse("boot memfds=2\nmain:\n" + call)), canonical) << call;
  }
  for (const std::string call :
       {"luo_preserve(1, memfd=0, 2)", "luo_preserve(1, file=memfd=0, token=2)",
        "luo_preserve(token=2, memfd=0, session=1)", "luo_preserve(1, token=2, memfd=0)"}) {
    EXPECT_EQ(Parse("main:\n" + call), Parse("main:\nluo_preserve(1, memfd=0, token=2)")) << call;
  }
  EXPECT_EQ(Parse("main:\nluo_preserve(1, file=iommufd, token=2)"),
            Parse("main:\nluo_preserve(1, iommufd, 2)"));
}

TEST(TextCodec, AutoIsANumberWhereTheKernelDoesNotChoose) {
  const Program program = Parse("main:\nunmap(1, iova=0xfffffffffffffffd)");
  EXPECT_EQ(program.operations[0].arguments[1].value, UINT64_MAX - 2);
  EXPECT_EQ(Parse(PrintProgram(program)), program);
}

TEST(TextCodec, SectionsMayBeContinuedAndUseEachOther) {
  const std::string text =
      "format 2\nboot memfds=1 devices=1\n\nA:\n  ioas = ioas_alloc()\nB:\n  ioas2 = ioas_alloc()\n"
      "  unmap(ioas)\nA:\n  unmap(ioas2)\nfinally:\n  destroy(ioas)\n";
  EXPECT_EQ(PrintProgram(Parse(text)), text);
  EXPECT_EQ(Parse("finally:\nioas_alloc()\nmain:\nclose_iommufd()\n"),
            Parse("main:\nclose_iommufd()\nfinally:\nioas_alloc()\n"));
}

TEST(TextCodec, CallsAreOnTheIommufdOfTheirFirstObject) {
  const Program program = Parse(
      "boot memfds=1 devices=2 iommufds=3\nmain:\n"
      "  ioas = ioas_alloc(iommufd=2)\n"
      "  dev = device_bind(index=1, iommufd=1)\n"
      "  hwpt = hwpt_alloc(dev, ioas)\n"
      "  hwpt2 = hwpt_alloc(dev, ioas, iommufd=0)\n"
      "  lu_mark(hwpt, token=1)\n"
      "  destroy(7)\n"
      "  destroy(7, iommufd=2)\n"
      "  close_iommufd()\n"
      "  luo_preserve(1, iommufd=2, token=1)\n");
  std::vector<uint32_t> iommufds;
  for (size_t i = 0; i < 8; ++i) iommufds.push_back(IommufdOf(program, i));
  EXPECT_EQ(iommufds, (std::vector<uint32_t>{2, 1, 1, 0, 1, 0, 2, 0}));
  EXPECT_EQ(program.operations[8].arguments[1].value, FileIommufd(2));
  EXPECT_EQ(Parse(PrintProgram(program)), program);
  EXPECT_EQ(DecodeBytes(EncodeBytes(program)), program);
}

}  // namespace
}  // namespace iommufd_check::program
