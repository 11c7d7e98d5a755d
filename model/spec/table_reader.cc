#include "model/spec/table_reader.h"

#include <algorithm>

namespace iommufd_check::spec {
namespace {

constexpr uint64_t kReadable = 0x1;
constexpr uint64_t kWritable = 0x2;
constexpr int kFrameShift = 12;
constexpr int kSlotBits = 9;  // 512 entries
constexpr uint64_t kFrameBits = (uint64_t{1} << 40) - 1;  // bits 12 to 51 of an entry

mm::Pfn Target(uint64_t entry) { return entry >> kFrameShift & kFrameBits; }
bool IsPresent(uint64_t entry) { return (entry & (kReadable | kWritable)) != 0; }

// One table after another, level by level: `level` is a list of (table, IOVA of its first byte).
using Level = std::vector<std::pair<mm::Pfn, mm::Iova>>;

Level Below(const Frames& frames, const Level& level, int span_shift) {
  Level below;
  std::vector<std::pair<uint64_t, uint64_t>> words;
  for (const auto& [table, base] : level) {
    frames.Words(table, &words);
    for (const auto& [slot, entry] : words) {
      if (IsPresent(entry)) below.emplace_back(Target(entry), base + (slot << span_shift));
    }
  }
  return below;
}

Level InUse(const Frames& frames, Level level) {
  const auto gone = std::remove_if(level.begin(), level.end(), [&](const auto& entry) {
    return frames.Owner(entry.first) == mm::FrameOwner::kFree;
  });
  level.erase(gone, level.end());
  return level;
}

}  // namespace

void ReadTables(const Frames& frames, mm::Pfn top, std::vector<mm::Pfn>* tables) {
  tables->clear();
  Level level = InUse(frames, {{top, 0}});
  for (int depth = 2;; --depth) {
    for (const auto& [table, base] : level) tables->push_back(table);
    if (depth == 0) break;
    level = InUse(frames, Below(frames, level, kFrameShift + depth * kSlotBits));
  }
  std::sort(tables->begin(), tables->end());
  tables->erase(std::unique(tables->begin(), tables->end()), tables->end());
}

void ReadLeaves(const Frames& frames, mm::Pfn top, std::vector<LeafView>* leaves) {
  leaves->clear();
  Level level = InUse(frames, {{top, 0}});
  for (int depth = 2; depth > 0; --depth) {
    level = InUse(frames, Below(frames, level, kFrameShift + depth * kSlotBits));
  }
  std::vector<std::pair<uint64_t, uint64_t>> words;
  for (const auto& [table, base] : level) {
    frames.Words(table, &words);
    for (const auto& [slot, entry] : words) {
      if (!IsPresent(entry)) continue;
      leaves->push_back(
          {base + (slot << kFrameShift), Target(entry), entry & (kReadable | kWritable)});
    }
  }
}

}  // namespace iommufd_check::spec
