// Mutations of whole records: what each kind keeps, and that all of them stay within bounds.

#include "fuzz/targets/record_mutator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "model/program/bytes/byte_codec.h"
#include "model/program/bytes/byte_layout.h"

namespace iommufd_check::cli {
namespace {

using program::kBytesVersion;
constexpr size_t kHeader = program::kHeaderBytes;
constexpr size_t kRecord = program::kRecordBytes;

// Stands for libFuzzer's own mutations.
size_t Untouched(uint8_t*, size_t size, size_t) { return size; }

using Record = std::array<uint8_t, kRecord>;

// Records 1, 2, ... of one repeated byte each, behind a header of 0xee and an old version.
std::vector<uint8_t> Bytes(size_t records) {
  std::vector<uint8_t> bytes(kHeader, 0xee);
  for (size_t i = 0; i < records; ++i) {
    bytes.insert(bytes.end(), kRecord, static_cast<uint8_t>(i + 1));
  }
  return bytes;
}

std::vector<Record> RecordsOf(const std::vector<uint8_t>& bytes) {
  std::vector<Record> records((bytes.size() - kHeader) / kRecord);
  for (size_t i = 0; i < records.size(); ++i) {
    const auto from = bytes.begin() + static_cast<ptrdiff_t>(kHeader + i * kRecord);
    std::copy(from, from + kRecord, records[i].begin());
  }
  return records;
}

// Room for `more` bytes beyond the present ones.
std::vector<uint8_t> Mutated(std::vector<uint8_t> bytes, size_t more, unsigned seed) {
  const size_t size = bytes.size();
  bytes.resize(size + more + kRecord, 0x77);
  const size_t mutated = MutateRecords(bytes.data(), size, size + more, seed, &Untouched);
  EXPECT_LE(mutated, size + more);
  const auto beyond = bytes.begin() + static_cast<ptrdiff_t>(size + more);
  EXPECT_TRUE(std::all_of(beyond, bytes.end(), [](uint8_t b) { return b == 0x77; }));
  bytes.resize(mutated);
  return bytes;
}

TEST(RecordMutator, InsertsRepeatsRemovesAndExchangesWholeRecords) {
  const std::vector<uint8_t> before = Bytes(4);
  const std::vector<Record> old = RecordsOf(before);
  int inserted = 0, repeated = 0, removed = 0, exchanged = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const std::vector<uint8_t> after = Mutated(before, 2 * kRecord, seed);
    ASSERT_EQ(after[0], kBytesVersion);
    ASSERT_TRUE(std::equal(after.begin() + 1, after.begin() + kHeader, before.begin() + 1));
    ASSERT_EQ((after.size() - kHeader) % kRecord, 0u);
    const std::vector<Record> now = RecordsOf(after);
    if (now.size() == 5) {
      std::vector<Record> rest = now;
      const auto differs = std::mismatch(old.begin(), old.end(), rest.begin()).second;
      const bool again = std::find(old.begin(), old.end(), *differs) != old.end();
      ++(again ? repeated : inserted);
      rest.erase(differs);
      ASSERT_EQ(rest, old) << "one more, and the others in order";
    } else if (now.size() == 3) {
      ++removed;
      ASSERT_TRUE(std::includes(old.begin(), old.end(), now.begin(), now.end()));
    } else {
      ASSERT_EQ(now.size(), 4u);
      ASSERT_TRUE(std::is_permutation(now.begin(), now.end(), old.begin()));
      exchanged += now != old ? 1 : 0;
    }
    ASSERT_EQ(Mutated(before, 2 * kRecord, seed), after) << "deterministic";
  }
  for (const int times : {inserted, repeated, removed, exchanged}) EXPECT_GT(times, 50);
}

TEST(RecordMutator, TheLastRecordStays) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    EXPECT_GE(RecordsOf(Mutated(Bytes(1), kRecord, seed)).size(), 1u);
  }
}

TEST(RecordMutator, GrowsOnlyWhereARecordFits) {
  int grown = 0;
  for (unsigned seed = 0; seed < 500; ++seed) {
    EXPECT_LE(Mutated(Bytes(2), kRecord - 1, seed).size(), Bytes(2).size());
    grown += Mutated(Bytes(2), kRecord, seed).size() > Bytes(2).size() ? 1 : 0;
  }
  EXPECT_GT(grown, 100);
}

TEST(RecordMutator, APartOfARecordIsCutOffAndAMissingHeaderIsZeroes) {
  std::vector<uint8_t> bytes = Bytes(1);
  bytes.push_back(9);
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::vector<uint8_t> after = Mutated(bytes, kRecord, seed);
    EXPECT_EQ((after.size() - kHeader) % kRecord, 0u);
    const std::vector<uint8_t> from_nothing = Mutated({}, kHeader + kRecord, seed);
    ASSERT_GE(from_nothing.size(), kHeader);
    EXPECT_EQ(from_nothing[0], kBytesVersion);
    EXPECT_TRUE(std::all_of(from_nothing.begin() + 1, from_nothing.begin() + kHeader,
                            [](uint8_t b) { return b == 0; }));
  }
}

}  // namespace
}  // namespace iommufd_check::cli
