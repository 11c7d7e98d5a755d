// The byte form: every string decodes, every valid program comes back.

#include "model/program/bytes/byte_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/program/bytes/byte_layout.h"
#include "model/program/text/switch_text.h"
#include "model/program/text/text_codec.h"
#include "model/sim/errno.h"
#include "tests/program/random_programs.h"

namespace iommufd_check::program {
namespace {

void ExpectRoundTrip(const Program& program) {
  ASSERT_EQ(FirstProblem(program), "");
  const std::vector<uint8_t> bytes = EncodeBytes(program);
  ASSERT_EQ((bytes.size() - kHeaderBytes) % kRecordBytes, 0u);
  ASSERT_EQ(DecodeBytes(bytes), program) << PrintProgram(program);
}

Operation Make(OpCode code, std::vector<Argument> arguments) {
  Operation operation;
  operation.code = code;
  std::copy(arguments.begin(), arguments.end(), operation.arguments.begin());
  return operation;
}

TEST(ByteCodec, AnOperationTakesNoMoreRecordsThanItsArgumentsNeed) {
  for (int i = 0; i < static_cast<int>(OpCode::kCount); ++i) {
    const auto code = static_cast<OpCode>(i);
    size_t bytes = 0;
    for (const ArgumentSpec& spec : SpecOf(code).arguments) bytes += WidthOf(spec.kind);
    constexpr size_t kRoom = kRecordBytes - kArgumentsAt;
    EXPECT_GE(PartsOf(SpecOf(code)) * kRoom, bytes) << SpecOf(code).name;
    EXPECT_LE(PartsOf(SpecOf(code)), 1 + bytes / (kRoom - 1)) << SpecOf(code).name;
    EXPECT_EQ(DecodeOpCode(static_cast<uint8_t>(i)), code);
  }
}

// What does not fit stands in a continuation, which only an argument that needs one takes.
TEST(ByteCodec, LongArgumentListsAreContinued) {
  Program program;
  program.boot.iommufds = 2;
  Argument value{.value = 0x1000};
  program.operations = {Make(
      OpCode::kMap, {value, {}, {}, value, value, {.value = 3}, {.value = WrittenIommufd(1)}})};
  ExpectRoundTrip(program);
  EXPECT_EQ(EncodeBytes(program).size(), kHeaderBytes + 3 * kRecordBytes) << "a literal, too";
  program.operations[0].arguments[6] = {};
  ExpectRoundTrip(program);
  EXPECT_EQ(EncodeBytes(program).size(), kHeaderBytes + 2 * kRecordBytes);
  // One that is behind another operation is about that one, which has no use for it.
  std::vector<uint8_t> bytes = EncodeBytes(program);
  bytes.resize(bytes.size() + kRecordBytes);
  const Program before = DecodeBytes(bytes);
  bytes.push_back(FirstByte(RecordKind::kContinuation));
  bytes.resize(bytes.size() + kRecordBytes - 1, 0xff);
  EXPECT_EQ(DecodeBytes(bytes), before);
}

TEST(ByteCodec, TheHeaderSaysTheVersion) {
  const std::vector<uint8_t> bytes = EncodeBytes(Program{});
  EXPECT_EQ(VersionProblem(bytes), "");
  EXPECT_EQ(VersionProblem({}), "") << "the default program";
  const std::vector<uint8_t> old = {0xf1, 4};
  EXPECT_EQ(VersionProblem(old),
            "bytes that begin with 241, not with version 2; those of version 1 have to be turned "
            "into text by the program that wrote them");
}

// One line for each byte in each table that grows: what has a meaning keeps it for ever, what has
// none ("-") may get one.
std::string ByteTables() {
  std::string text;
  const auto name = [](std::optional<OpCode> code) {
    return code ? std::string(SpecOf(*code).name) : std::string("-");
  };
  for (int byte = 0; byte <= UINT8_MAX; ++byte) {
    const auto b = static_cast<uint8_t>(byte);
    const RecordKind kind = KindOf(b);
    const bool none = kind == RecordKind::kNone;
    std::string record = none ? "-" : absl::StrCat("record", static_cast<int>(kind));
    if (kind == RecordKind::kOperation) record = name(DecodeOpCode(b));
    const auto task = DecodeTask(b);
    const auto site = DecodeSite(b);
    const auto error = DecodeErrno(b);
    const std::string_view session = DecodeName(b);
    RecordBytes anchor{};
    anchor[4] = b;
    anchor[5] = sim::kAnyDetail;
    const auto change = DecodeAnchor(anchor.data());
    absl::StrAppend(&text, absl::Hex(byte, absl::kZeroPad2), " ", record, " ",
                    task ? TaskName(*task) : "-", " ", site ? std::string(sim::Name(*site)) : "-",
                    " ", error ? std::string(sim::ErrnoName(*error)) : "-", " '",
                    std::string(session), "' ",
                    change ? absl::StrCat(change->side == sim::Side::kBefore ? "before." : "after.",
                                          ActText(change->act), "#", change->nth)
                           : "-",
                    "\n");
  }
  for (int lock = 0; lock < sim::Count<sim::LockClass>(); ++lock) {
    absl::StrAppend(&text, "lock ", lock, " ",
                    std::string(sim::Name(static_cast<sim::LockClass>(lock))), "\n");
  }
  for (int kind = 0; kind < sim::Count<sim::ObjectKind>(); ++kind) {
    absl::StrAppend(&text, "kind ", kind, " ",
                    std::string(sim::Name(static_cast<sim::ObjectKind>(kind))), "\n");
  }
  for (int field = 0; field < sim::Count<sim::Field>(); ++field) {
    absl::StrAppend(&text, "field ", field, " ",
                    std::string(sim::Name(static_cast<sim::Field>(field))), "\n");
  }
  return text;
}

std::string GoldenTables() {
  std::ifstream in(IOMMUFD_CHECK_SOURCE_ROOT "/tests/program/golden/byte_tables.txt");
  EXPECT_TRUE(in.good()) << "tests/program/golden/byte_tables.txt cannot be read";
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ByteCodec, WhatAByteMeansIsFrozen) {
  const std::vector<std::string> golden = absl::StrSplit(GoldenTables(), '\n', absl::SkipEmpty());
  const std::vector<std::string> now = absl::StrSplit(ByteTables(), '\n', absl::SkipEmpty());
  ASSERT_GT(golden.size(), 256u) << ByteTables();
  size_t next = 0;
  for (const std::string& line : golden) {
    const std::vector<std::string> then = absl::StrSplit(line, ' ');
    bool found = false;  // new lines may stand between those of before
    for (; next < now.size() && !found; ++next) {
      const std::vector<std::string> words = absl::StrSplit(now[next], ' ');
      found = words.size() == then.size();
      for (size_t i = 0; found && i < then.size(); ++i) {
        found = then[i] == "-" || then[i] == words[i];
      }
    }
    ASSERT_TRUE(found) << "means something else now: " << line;
  }
}

TEST(ByteCodec, EmptyIsTheDefaultProgram) {
  EXPECT_EQ(DecodeBytes({}), Program{});
  EXPECT_EQ(EncodeBytes(Program{}).size(), kHeaderBytes);
}

TEST(ByteCodec, RichProgramRoundTrips) {
  const Program rich = *ParseProgram(RichText(), "rich");
  ExpectRoundTrip(rich);
}

TEST(ByteCodec, RandomProgramsRoundTrip) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) ExpectRoundTrip(RandomProgram(random));
}

TEST(ByteCodec, EveryBootRoundTrips) {
  Program program;
  for (uint32_t count = 0; count <= Boot::kMaxMemfds; ++count) {
    for (const uint32_t pages : {0u, 1u, 4u, 255u, 256u, 4095u, 4096u}) {
      program.boot = {count, pages, Boot::kMaxBuffers - count, Boot::kMaxPages - pages, count};
      ExpectRoundTrip(program);
    }
  }
}

TEST(ByteCodec, NumbersRoundTrip) {
  Random random(7);
  std::vector<uint64_t> values = {UINT64_MAX - 2, UINT64_MAX - 1, UINT64_MAX};
  for (int shift = 0; shift < 64; ++shift) {
    const uint64_t power = uint64_t{1} << shift;
    for (const uint64_t near : {power - 1, power, power + 1, ~power, uint64_t{0} - power}) {
      values.push_back(near);
    }
    values.push_back(random() >> shift);
  }
  for (const uint64_t value : values) {
    Program program;
    program.operations = {Make(OpCode::kMap, {{}, {}, {{}, value}, {{}, value}, {{}, value}, {}}),
                          Make(OpCode::kLuMark, {{{}, value & kMaxObjectId}, {{}, value}})};
    ExpectRoundTrip(program);
  }
}

TEST(ByteCodec, CommonValuesTakeNoLiteral) {
  const ArgumentSpec length = SpecOf(OpCode::kMap).arguments[4];
  const ArgumentSpec token = SpecOf(OpCode::kLuMark).arguments[1];
  for (const uint64_t value : {uint64_t{0}, uint64_t{0x1000}, uint64_t{0x4000}, uint64_t{0xff000},
                               uint64_t{0x1001}, uint64_t{0xfff}, uint64_t{1}, UINT64_MAX,
                               UINT64_MAX - 1, UINT64_MAX - 4095, uint64_t{1} << 63}) {
    EXPECT_TRUE(EncodeNumber(length, {.value = value})) << value;
  }
  for (const uint64_t value : {uint64_t{0}, uint64_t{7}, uint64_t{255}, UINT64_MAX}) {
    EXPECT_TRUE(EncodeNumber(token, {.value = value})) << value;
  }
}

TEST(ByteCodec, LongestTextsRoundTrip) {
  Program program;
  program.title = std::string(kMaxTitleBytes, 'x');
  program.title[9] = '\n';
  program.design = "d" + std::string(kMaxWordBytes - 1, '-');
  program.also.assign(kMaxAlso, "I" + std::string(kMaxWordBytes - 1, '9'));
  program.expected.assign(kMaxExpected, {"a.b_c-d", OpCode::kLuMark});
  for (size_t length = 0; length <= kMaxNameBytes; ++length) {
    Operation session = Make(OpCode::kLuoCreateSession, {});
    session.name = std::string(length, '"');
    program.operations.push_back(session);
  }
  ExpectRoundTrip(program);
}

TEST(ByteCodec, FullProgramRoundTrips) {
  Program program;
  for (size_t i = 0; i < kMaxOperations; ++i) {
    Operation operation = Make(OpCode::kIoasAlloc, {});
    if (i > 0) operation = Make(OpCode::kUnmap, {{0, 0}, {}, {{}, kUnmapAll}});
    operation.task = static_cast<uint8_t>(i * kMaxTask / kMaxOperations);
    program.operations.push_back(operation);
  }
  program.faults.assign(kMaxFaults, {4095, sim::FaultSite::kReserveRecord, 300});
  program.switches.assign(kMaxSwitches,
                          {4095,
                           sim::Side::kBefore,
                           {sim::Primitive::kCall, sim::Detail(sim::FaultSite::kKcalloc)},
                           257,
                           2});
  ExpectRoundTrip(program);
  // One more of each changes nothing.
  std::vector<uint8_t> bytes = EncodeBytes(program);
  for (const RecordKind kind : {RecordKind::kOperation, RecordKind::kFault, RecordKind::kSwitch}) {
    bytes.push_back(FirstByte(kind));
    bytes.resize(bytes.size() + kRecordBytes - 1);
  }
  EXPECT_EQ(DecodeBytes(bytes), program);
}

TEST(ByteCodec, EveryStringDecodes) { CheckDecodingIsTotal(200'000, 1); }

TEST(ByteCodec, EveryByteInEveryPlaceDecodes) {
  const std::vector<uint8_t> good = EncodeBytes(*ParseProgram(RichText(), "rich"));
  for (size_t at = 0; at < good.size(); ++at) {
    std::vector<uint8_t> bytes = good;
    for (int value = 0; value <= UINT8_MAX; value += 3) {
      bytes[at] = static_cast<uint8_t>(value);
      const Program program = DecodeBytes(bytes);
      ASSERT_EQ(FirstProblem(program), "") << "byte " << at << " = " << value;
      ASSERT_EQ(DecodeBytes(EncodeBytes(program)), program) << "byte " << at << " = " << value;
    }
  }
}

TEST(ByteCodec, TruncatedStringsDecode) {
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    std::vector<uint8_t> bytes = RandomBytes(random, 200);
    while (!bytes.empty()) {
      const Program cut = DecodeBytes(bytes);
      ASSERT_EQ(FirstProblem(cut), "");
      // What is missing counts as zero.
      std::vector<uint8_t> padded = bytes;
      const size_t records =
          (std::max(bytes.size(), kHeaderBytes) - kHeaderBytes + kRecordBytes - 1) / kRecordBytes;
      padded.resize(kHeaderBytes + records * kRecordBytes);
      ASSERT_EQ(DecodeBytes(padded), cut);
      bytes.pop_back();
    }
  }
}

TEST(ByteCodec, VariablesAreHitWhereverTheyExist) {
  // ioas_alloc, then unmap with each value of the two bytes of its object.
  std::vector<uint8_t> bytes(kHeaderBytes + 2 * kRecordBytes);
  bytes[kHeaderBytes + kRecordBytes] = static_cast<uint8_t>(OpCode::kUnmap);
  for (int value = 0; value <= UINT16_MAX; ++value) {
    Store(&bytes[kHeaderBytes + kRecordBytes + 2], 2, static_cast<uint64_t>(value));
    const Argument object = DecodeBytes(bytes).operations[1].arguments[0];
    EXPECT_EQ(object.variable.has_value(), value < 0xf000) << value;
  }
}

TEST(ByteCodec, RawIdsAreMostlySmall) {
  std::vector<uint8_t> bytes(kHeaderBytes + kRecordBytes);
  bytes[kHeaderBytes] = static_cast<uint8_t>(OpCode::kUnmap);
  for (const auto& [form, id] : {std::pair(0xf007, 7u), {0xf00f, 7u}, {0xf80f, 15u}}) {
    Store(&bytes[kHeaderBytes + 2], 2, static_cast<uint64_t>(form));
    EXPECT_EQ(DecodeBytes(bytes).operations[0].arguments[0].value, id) << form;
  }
}

TEST(ByteCodec, RecordsMayNameTasksInAnyOrder) {
  const auto record = [](OpCode code, uint8_t task) {
    RecordBytes bytes{static_cast<uint8_t>(code), EncodeTask(task)};
    return bytes;
  };
  std::vector<uint8_t> bytes(kHeaderBytes);
  for (const RecordBytes& next :
       {record(OpCode::kLuoCreateSession, kFinally), record(OpCode::kIoasAlloc, 2),
        record(OpCode::kUnmap, 1), record(OpCode::kUnmap, kMain),
        record(OpCode::kLuoCloseSession, kFinally)}) {
    bytes.insert(bytes.end(), next.begin(), next.end());
  }
  // A may use what B creates; main runs before, so for it there is no object yet.
  EXPECT_EQ(PrintProgram(DecodeBytes(bytes)),
            "format 2\nboot memfds=1 devices=1\n\nmain:\n  unmap(0, length=0)\nB:\n  ioas = "
            "ioas_alloc()\n"
            "A:\n  unmap(ioas, length=0)\nfinally:\n  s = luo_create_session(name=\"vm\")\n"
            "  luo_close_session(s)\n");
}

}  // namespace
}  // namespace iommufd_check::program
