#include "model/spec/table_reader.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace iommufd_check::spec {
namespace {

constexpr uint64_t kReadable = 0x1;
constexpr uint64_t kWritable = 0x2;
constexpr int kFrameShift = 12;
constexpr int kSlotBits = 9;                              // 512 entries
constexpr uint64_t kFrameBits = (uint64_t{1} << 40) - 1;  // bits 12 to 51 of an entry

mm::Pfn Target(uint64_t entry) { return entry >> kFrameShift & kFrameBits; }
bool IsPresent(uint64_t entry) { return (entry & (kReadable | kWritable)) != 0; }

// Tables of one level: each with the IOVA of its first byte.
using Level = absl::InlinedVector<std::pair<mm::Pfn, mm::Iova>, 8>;

class Walk {
 public:
  explicit Walk(const Frames& frames) : frames_(frames) {}

  // Calls visit(what the entry points to, its IOVA, the entry) for each present entry of the
  // level, whose entries map 2^span_shift bytes each.
  template <class Visit>
  void ForEachEntry(const Level& level, int span_shift, Visit&& visit) {
    for (const auto& [table, base] : level) {
      frames_.Words(table, &words_);
      for (const auto& [slot, entry] : words_) {
        if (IsPresent(entry)) visit(Target(entry), base + (slot << span_shift), entry);
      }
    }
  }
  Level Below(const Level& level, int span_shift) {
    Level below;
    ForEachEntry(level, span_shift, [&](mm::Pfn table, mm::Iova base, uint64_t) {
      if (InUse(table)) below.emplace_back(table, base);
    });
    return below;
  }
  bool InUse(mm::Pfn table) const { return frames_.Owner(table) != mm::FrameOwner::kFree; }

 private:
  const Frames& frames_;
  std::vector<std::pair<uint64_t, uint64_t>> words_;
};

}  // namespace

void ReadTables(const Frames& frames, mm::Pfn top, std::vector<mm::Pfn>* tables,
                std::vector<LeafView>* leaves) {
  tables->clear();
  if (leaves != nullptr) leaves->clear();
  Walk walk(frames);
  if (!walk.InUse(top)) return;
  Level level{{top, 0}};
  for (int depth = 2;; --depth) {
    for (const auto& [table, base] : level) tables->push_back(table);
    if (depth == 0) break;
    level = walk.Below(level, kFrameShift + depth * kSlotBits);
  }
  if (leaves != nullptr) {
    walk.ForEachEntry(level, kFrameShift, [&](mm::Pfn pfn, mm::Iova iova, uint64_t entry) {
      leaves->push_back({iova, pfn, entry & (kReadable | kWritable)});
    });
  }
  std::sort(tables->begin(), tables->end());
  tables->erase(std::unique(tables->begin(), tables->end()), tables->end());
}

}  // namespace iommufd_check::spec
