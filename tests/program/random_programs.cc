#include "tests/program/random_programs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "absl/status/statusor.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::program {
namespace {

constexpr size_t kHeader = 8, kRecord = 12;

constexpr std::string_view kWords[] = {"map",
                                       "main:",
                                       "A:",
                                       "B:",
                                       "fault ",
                                       "switch ",
                                       "expect violation ",
                                       "also ",
                                       "boot",
                                       "->",
                                       "EBUSY",
                                       "auto",
                                       "iommufd",
                                       "memfd=",
                                       "0x",
                                       "finally:",
                                       "ioas",
                                       "hwpt",
                                       "design ",
                                       "name=",
                                       "\"",
                                       "\\",
                                       "#",
                                       "\r\n",
                                       "|",
                                       "none",
                                       "nth=",
                                       "token=",
                                       "4294967296",
                                       "18446744073709551615",
                                       "\t"};

}  // namespace

std::vector<uint8_t> RandomBytes(Random& random, size_t most) {
  std::vector<uint8_t> bytes(Below(random, most + 1));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() >> 32);
  if (Below(random, 2) == 0) return bytes;
  constexpr uint8_t kOperations = 176;
  for (size_t at = kHeader; at < bytes.size(); at += kRecord) {
    if (Below(random, 4) != 0) bytes[at] %= kOperations;
  }
  return bytes;
}

Program RandomProgram(Random& random) {
  constexpr size_t kMostRecords = 24;
  return DecodeBytes(RandomBytes(random, kHeader + kRecord * kMostRecords));
}

std::string MutatedText(Random& random, std::string text) {
  for (uint64_t i = Below(random, 4) + 1; i > 0; --i) {
    const size_t at = Below(random, text.size() + 1);
    const size_t length = std::min<size_t>(Below(random, 12), text.size() - at);
    switch (Below(random, 6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        if (at < text.size()) text[at] = static_cast<char>(' ' + Below(random, 95));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(Below(random, text.size() + 1), length));
        break;
      case 4:
        text.insert(at, kWords[Below(random, std::size(kWords))]);
        break;
      default: {
        const size_t line = text.rfind('\n', at);
        const size_t end = text.find('\n', at);
        if (line == std::string::npos || end == std::string::npos || end <= line) break;
        const std::string moved = text.substr(line, end - line);
        text.erase(line, end - line);
        const size_t to = text.find('\n', Below(random, text.size() + 1));
        text.insert(to == std::string::npos ? text.size() : to, moved);
      }
    }
  }
  return text;
}

const std::string& RichText() {
  static const std::string text = R"(# Map races the flag: the area is inserted before it is filled.
#
#  and a second paragraph
format 2
design v1
boot memfds=2 memfd_pages=8 devices=2

main:
  ioas = ioas_alloc()
  dev = device_bind()
  dev2 = device_bind(index=1)
  hwpt = hwpt_alloc(dev, ioas)
  device_attach(dev, hwpt)
  memfd_seal(0, seals=seal|shrink|grow)
  memfd_seal(1, seals=none)
  s = luo_create_session(name="say \"vm\" \\ 1")
  luo_preserve(s, memfd=0, token=1)
  lu_mark(hwpt, token=4294967295)
A:
  map_file(ioas, memfd=0, iova=0x1000, length=0x2000)  -> 0
  map(ioas, offset=0x1000, iova=auto, length=0x1, prot=r)
  map(7, iova=0xffffffffffffffff, length=0, prot=none)
B:
  luo_preserve(s, iommufd, token=2)  -> EBUSY
  ioas2 = ioas_alloc()
A:
  unmap(ioas2)
  unmap(ioas, iova=0xfffffffffffffffd, length=0x1000)
finally:
  destroy(4294967295)  -> ENOENT
  memfd_punch_hole(1, offset=0x1000, length=0x1000)
  memfd_truncate(1, size=0)
  device_detach(dev)
  luo_close_session(s)
  close_iommufd()

fault B.1 kho_alloc_preserve nth=1
fault main.4 object_alloc nth=65535
switch A.1 after unlock ioas.iova_rwsem#2 -> B
switch B.1 before kcalloc#65535 -> A
expect violation I04 luo_preserve
expect violation immutable-domain
also I19 I20
)";
  return text;
}

void CheckDecodingIsTotal(uint64_t count, uint64_t seed) {
  Random random(seed);
  constexpr size_t kMostBytes = kHeader + 24 * kRecord;
  std::vector<uint64_t> buffer(kMostBytes / sizeof(uint64_t) + 1);
  std::vector<uint8_t> bytes;
  for (uint64_t i = 0; i < count; ++i) {
    // Eight bytes for each number drawn: the slow run is made of this loop.
    for (uint64_t& word : buffer) word = random();
    const auto* const raw = reinterpret_cast<const uint8_t*>(buffer.data());
    bytes.assign(raw, raw + Below(random, kMostBytes + 1));
    const std::string problem = FirstProblem(DecodeBytes(bytes));
    ASSERT_EQ(problem, "") << "string " << i << " of seed " << seed;
  }
}

void CheckMutatedTexts(uint64_t count, uint64_t seed) {
  Random random(seed);
  uint64_t accepted = 0;
  std::string text = RichText();
  for (uint64_t i = 0; i < count; ++i) {
    if (i % 16 == 0) text = i % 32 == 0 ? RichText() : PrintProgram(RandomProgram(random));
    const std::string mutated = MutatedText(random, text);
    const absl::StatusOr<Program> parsed = ParseProgram(mutated, "fuzz.prog");
    if (!parsed.ok()) {
      const std::string message(parsed.status().message());
      ASSERT_TRUE(message.starts_with("fuzz.prog:")) << message;
      for (const char c : message) ASSERT_TRUE(c >= 0x20 && c <= 0x7e) << message;
      ASSERT_NE(message.find("; "), std::string::npos) << "no way to mend it: " << message;
      continue;
    }
    ++accepted;
    ASSERT_EQ(FirstProblem(*parsed), "") << mutated;
    const std::string printed = PrintProgram(*parsed);
    const absl::StatusOr<Program> again = ParseProgram(printed, "again.prog");
    ASSERT_TRUE(again.ok()) << again.status().message() << "\n" << printed;
    ASSERT_EQ(*again, *parsed) << printed;
  }
  // Both outcomes are common, or the mutations test only one half.
  EXPECT_GT(accepted, count / 50);
  EXPECT_LT(accepted, count / 2);
}

}  // namespace iommufd_check::program
