#include "fuzz/targets/record_mutator.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "model/program/bytes/byte_codec.h"
#include "model/program/bytes/byte_layout.h"

namespace iommufd_check::cli {
namespace {

constexpr size_t kHeader = program::kHeaderBytes;
constexpr size_t kRecord = program::kRecordBytes;

using Generator = std::minstd_rand;

size_t Below(Generator& random, size_t bound) { return bound == 0 ? 0 : random() % bound; }

size_t Records(size_t size) { return size <= kHeader ? 0 : (size - kHeader) / kRecord; }

// Opens a gap of one record before record `at`; returns the new size.
size_t OpenGap(uint8_t* data, size_t size, size_t at) {
  const size_t offset = kHeader + at * kRecord;
  std::memmove(data + offset + kRecord, data + offset, size - offset);
  return size + kRecord;
}

void RandomRecord(uint8_t* record, Generator& random) {
  for (size_t i = 0; i < kRecord; ++i) record[i] = static_cast<uint8_t>(random() >> 8);
  // Mostly operations, most of them in main, one in four one that creates an object; one record in
  // eight is a fault or a switch.
  const size_t operation = Below(random, 4) == 0
                               ? 144 + Below(random, 32)
                               : Below(random, static_cast<size_t>(program::OpCode::kCount));
  record[0] = static_cast<uint8_t>(Below(random, 8) == 0 ? 176 + Below(random, 44) : operation);
  if (Below(random, 4) != 0) record[1] = 0;
}

size_t Mutated(uint8_t* data, size_t size, size_t max_size, unsigned seed,
               size_t (*bytes)(uint8_t*, size_t, size_t)) {
  Generator random(seed + 1);
  if (max_size < kHeader + kRecord) return bytes(data, size, max_size);
  if (size < kHeader) {
    std::memset(data + size, 0, kHeader - size);
    size = kHeader;
  }
  const size_t count = Records(size);
  size = kHeader + count * kRecord;  // a partial record at the end means nothing
  const bool room = size + kRecord <= max_size;
  switch (Below(random, 8)) {
    case 0:
    case 1:
    case 2:
      if (room) {  // a new record, more often at the end than elsewhere
        const size_t at = Below(random, 2) == 0 ? count : Below(random, count + 1);
        size = OpenGap(data, size, at);
        RandomRecord(data + kHeader + at * kRecord, random);
        return size;
      }
      break;
    case 3:
      if (room && count > 0) {  // a record once more
        uint8_t copy[kRecord];
        std::memcpy(copy, data + kHeader + Below(random, count) * kRecord, kRecord);
        const size_t at = Below(random, count + 1);
        size = OpenGap(data, size, at);
        std::memcpy(data + kHeader + at * kRecord, copy, kRecord);
        return size;
      }
      break;
    case 4:
      if (count > 1) {  // a record less
        const size_t offset = kHeader + Below(random, count) * kRecord;
        std::memmove(data + offset, data + offset + kRecord, size - offset - kRecord);
        return size - kRecord;
      }
      break;
    case 5:
      if (count > 1) {  // two records change places
        uint8_t* a = data + kHeader + Below(random, count) * kRecord;
        uint8_t* b = data + kHeader + Below(random, count) * kRecord;
        if (a != b) {
          std::swap_ranges(a, a + kRecord, b);
          return size;
        }
      }
      break;
    default:
      break;
  }
  return bytes(data, size, max_size);
}

}  // namespace

size_t MutateRecords(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                     size_t (*bytes)(uint8_t*, size_t, size_t)) {
  const size_t mutated = Mutated(data, size, max_size, seed, bytes);
  if (mutated > 0) data[0] = program::kBytesVersion;  // another would be refused
  return mutated;
}

}  // namespace iommufd_check::cli
