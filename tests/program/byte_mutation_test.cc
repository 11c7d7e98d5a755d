// The byte form under a mutator that knows nothing of it: one byte changes one thing.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "model/program/bytes/byte_codec.h"
#include "model/program/bytes/byte_layout.h"
#include "model/program/text/text_codec.h"
#include "tests/program/random_programs.h"

namespace iommufd_check::program {
namespace {

// The length of what lies between their common beginning and end: one where an item changed, came
// or went.
template <class Item>
size_t Differences(const std::vector<Item>& a, const std::vector<Item>& b) {
  const size_t least = std::min(a.size(), b.size());
  size_t same = 0;
  while (same < least && a[same] == b[same]) ++same;
  size_t end = 0;
  while (same + end < least && a[a.size() - 1 - end] == b[b.size() - 1 - end]) ++end;
  return std::max(a.size(), b.size()) - same - end;
}

// Operations with what a byte elsewhere may change taken out: the binding of variables.
std::vector<Operation> Unbound(const Program& program) {
  std::vector<Operation> operations = program.operations;
  for (Operation& operation : operations) {
    for (size_t i = 0; i < SpecOf(operation.code).arguments.size(); ++i) {
      if (IsObject(SpecOf(operation.code).arguments[i].kind)) operation.arguments[i] = {};
    }
  }
  return operations;
}

struct Change {
  Program before;
  Program after;
  size_t offset = 0;  // in its record, or in the header when `header`
  bool header = false;
  uint8_t old_byte = 0;
  uint8_t new_byte = 0;
};

Change RandomChange(Random& random) {
  std::vector<uint8_t> bytes = RandomBytes(random, kHeaderBytes + 16 * kRecordBytes);
  if (bytes.size() <= kHeaderBytes) bytes.resize(kHeaderBytes + kRecordBytes);
  Change change;
  change.before = DecodeBytes(bytes);
  const size_t at = Below(random, bytes.size());
  change.header = at < kHeaderBytes;
  change.offset = change.header ? at : (at - kHeaderBytes) % kRecordBytes;
  change.old_byte = bytes[at];
  bytes[at] = static_cast<uint8_t>(random());
  change.new_byte = bytes[at];
  change.after = DecodeBytes(bytes);
  return change;
}

TEST(ByteMutation, AnArgumentByteChangesOneThing) {
  Random random(9);
  int changed = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Change change = RandomChange(random);
    if (change.header || change.offset < 2) continue;
    const Program& a = change.before;
    const Program& b = change.after;
    size_t differences = Differences(a.operations, b.operations) + Differences(a.faults, b.faults) +
                         Differences(a.switches, b.switches) + Differences(a.also, b.also) +
                         Differences(a.expected, b.expected);
    differences += (a.design != b.design) + (a.title != b.title);
    ASSERT_LE(differences, 1u) << PrintProgram(a) << PrintProgram(b);
    ASSERT_EQ(a.boot, b.boot);
    changed += differences == 1 ? 1 : 0;
  }
  EXPECT_GT(changed, 8'000) << "bytes that change something, else this tests nothing";
}

TEST(ByteMutation, ATaskByteMovesOneOperation) {
  Random random(11);
  const auto sorted_codes = [](const Program& program) {
    std::vector<OpCode> codes;
    codes.reserve(program.operations.size());
    for (const Operation& operation : program.operations) codes.push_back(operation.code);
    std::sort(codes.begin(), codes.end());
    return codes;
  };
  int moved = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Change change = RandomChange(random);
    if (change.header || change.offset != 1) continue;
    if (!DecodeTask(change.old_byte) || !DecodeTask(change.new_byte)) continue;
    ASSERT_EQ(sorted_codes(change.before), sorted_codes(change.after));
    ASSERT_EQ(change.before.faults.size(), change.after.faults.size());
    // Without the one that moved, tasks, values and order are the same.
    const std::vector<Operation> a = Unbound(change.before);
    const std::vector<Operation> b = Unbound(change.after);
    size_t prefix = 0;
    while (prefix < a.size() && a[prefix] == b[prefix]) ++prefix;
    size_t suffix = 0;
    while (suffix + prefix < a.size() && a[a.size() - 1 - suffix] == b[b.size() - 1 - suffix]) {
      ++suffix;
    }
    const auto middle = [&](const std::vector<Operation>& list, size_t skip_front) {
      return std::vector<Operation>(list.begin() + static_cast<ptrdiff_t>(prefix + skip_front),
                                    list.end() - static_cast<ptrdiff_t>(suffix + 1 - skip_front));
    };
    if (prefix + suffix >= a.size()) continue;
    const bool later = middle(a, 1) == middle(b, 0);
    const bool earlier = middle(a, 0) == middle(b, 1);
    ASSERT_TRUE(later || earlier) << PrintProgram(change.before) << PrintProgram(change.after);
    ++moved;
  }
  EXPECT_GT(moved, 1'000) << "operations that moved, else this tests nothing";
}

TEST(ByteMutation, AnOpcodeByteChangesOneOperation) {
  Random random(13);
  int same_results = 0;
  for (int i = 0; i < 200'000; ++i) {
    const Change change = RandomChange(random);
    if (change.header || change.offset != 0) continue;
    const RecordKind was = KindOf(change.old_byte);
    if (was != RecordKind::kOperation || KindOf(change.new_byte) != was) continue;
    const Boot& boot = change.before.boot;
    const std::optional<OpCode> old_code = DecodeOpCode(change.old_byte);
    const std::optional<OpCode> new_code = DecodeOpCode(change.new_byte);
    if (!old_code || !new_code) continue;
    if (!IsPossible(*old_code, boot) || !IsPossible(*new_code, boot)) continue;
    ASSERT_LE(Differences(Unbound(change.before), Unbound(change.after)), 1u);
    ASSERT_EQ(change.before.faults, change.after.faults);
    ASSERT_EQ(change.before.switches, change.after.switches);
    if (SpecOf(*old_code).result != SpecOf(*new_code).result) continue;
    ASSERT_LE(Differences(change.before.operations, change.after.operations), 1u);
    ++same_results;
  }
  EXPECT_GT(same_results, 1'000) << "opcodes that were compared, else this tests nothing";
}

}  // namespace
}  // namespace iommufd_check::program
