#include "model/mm/machine.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::mm {

using sim::FaultSite;
using sim::Task;

namespace {

// i_size is read without a lock, and the page cache has its own.
constexpr uint8_t kByTheFile = sim::kAccessMarked;

PageMap::iterator Position(PageMap& map, uint32_t index) {
  return std::lower_bound(map.begin(), map.end(), index,
                          [](const auto& entry, uint32_t i) { return entry.first < i; });
}

// The frame of page `index`, allocated when it is a hole; nothing when memory is exhausted.
std::optional<Pfn> Populate(Task& t, PhysMemory& phys, PageMap& map, uint32_t index,
                            FrameOwner owner) {
  const auto it = Position(map, index);
  if (it != map.end() && it->first == index) return it->second;
  const std::optional<Pfn> pfn = phys.Alloc(t, owner);
  if (pfn.has_value()) map.insert(it, {index, *pfn});
  return pfn;
}

// Drops pages with first <= index < end from the page cache.
void DropPages(Task& t, PhysMemory& phys, PageMap& map, uint32_t first, uint32_t end) {
  const auto begin = Position(map, first);
  auto it = begin;
  for (; it != map.end() && it->first < end; ++it) phys.Put(t, it->second);
  map.erase(begin, it);
}

int PinRange(Task& t, PhysMemory& phys, PageMap& map, uint32_t first, uint32_t count,
             FrameOwner owner, std::vector<Pfn>* out) {
  const size_t before = out->size();
  for (uint32_t i = 0; i < count; ++i) {
    const std::optional<Pfn> pfn = Populate(t, phys, map, first + i, owner);
    if (!pfn.has_value()) {
      for (size_t k = before; k < out->size(); ++k) phys.Unpin(t, (*out)[k]);
      out->resize(before);
      return -sim::kENOMEM;
    }
    phys.Pin(t, *pfn);
    out->push_back(*pfn);
  }
  return 0;
}

}  // namespace

Pfn Lookup(const PageMap& map, uint32_t index) {
  const auto it = std::lower_bound(map.begin(), map.end(), index,
                                   [](const auto& entry, uint32_t i) { return entry.first < i; });
  return it != map.end() && it->first == index ? it->second : 0;
}

namespace {

// mm/memfd.c: memfd_tag_pins. The pages of the page cache that somebody has pinned.
std::vector<Pfn> PinnedPages(Task& t, Machine& mm, MemfdHandle h) {
  View k{t, mm};
  std::vector<Pfn> pinned;
  for (const auto& [index, pfn] : Read(k, h, &Memfd::state, kByTheFile).pages) {
    t.Place(sim::ObjectKind::kFrame, sim::Field::kPins);
    if (mm.phys.ReadPins(t, pfn) > 0) pinned.push_back(pfn);
  }
  return pinned;
}

// mm/memfd.c: memfd_wait_for_pins. Waits a while for the pages that are pinned now, not for those
// pinned meanwhile. LOCKS: inode lock held, so the pages stay in the page cache.
int WaitForPins(Task& t, Machine& mm, MemfdHandle h) {
  const std::vector<Pfn> tagged = PinnedPages(t, mm, h);
  if (tagged.empty()) return 0;
  might_sleep(t, Ref(h));  // schedule_timeout_killable: whoever runs meanwhile may unpin
  for (const Pfn pfn : PinnedPages(t, mm, h)) {
    if (std::find(tagged.begin(), tagged.end(), pfn) != tagged.end()) return -sim::kEBUSY;
  }
  return 0;
}

// mm/memfd.c: memfd_add_seals, from F_SEAL_SEAL on. Memfds have the default mode, 0777.
int AddSealsLocked(Task& t, Machine& mm, MemfdHandle h, uint32_t seals) {
  View k{t, mm};
  const uint32_t present = Read(k, h, &Memfd::state, kByTheFile).seals;
  if ((present & kSealSeal) != 0) return -sim::kEPERM;
  if ((seals & kSealExec) != 0) seals |= kSealShrink | kSealGrow | kSealWrite | kSealFutureWrite;
  if ((seals & kSealWrite) != 0 && (present & kSealWrite) == 0) {
    const int error = WaitForPins(t, mm, h);
    if (error != 0) return error;
  }
  Update(k, h, &Memfd::state, [&](MemfdState& state) { state.seals |= seals; }, kByTheFile);
  return 0;
}

}  // namespace

int memfd_add_seals(Task& t, Machine& mm, MemfdHandle h, uint32_t seals) {
  if ((seals & ~kKnownSeals) != 0) return -sim::kEINVAL;
  const sim::LockId lock = Get(t, mm, h).inode_lock;
  mutex_lock(t, lock);
  const int error = AddSealsLocked(t, mm, h, seals);
  mutex_unlock(t, lock);
  return error;
}

int memfd_punch_hole(Task& t, Machine& mm, MemfdHandle h, uint64_t offset, uint64_t length) {
  if (offset > kMaxFileOffset || length == 0 || length > kMaxFileOffset) return -sim::kEINVAL;
  if (offset + length > kMaxFileOffset) return -sim::kEFBIG;
  const sim::LockId lock = Get(t, mm, h).inode_lock;
  View k{t, mm};
  mutex_lock(t, lock);
  const int error = Update(
      k, h, &Memfd::state,
      [&](MemfdState& state) {
        if (state.frozen || (state.seals & (kSealWrite | kSealFutureWrite)) != 0) {
          return -sim::kEPERM;
        }
        // Only whole pages leave the page cache; partial ones are zeroed in place.
        const uint64_t bytes = (state.size + kPageSize - 1) & ~(kPageSize - 1);
        const uint64_t end = std::min(offset + length, bytes) >> kPageShift;
        const uint64_t first = (std::min(offset, bytes) + kPageSize - 1) >> kPageShift;
        if (first < end) {
          DropPages(t, mm.phys, state.pages, static_cast<uint32_t>(first),
                    static_cast<uint32_t>(end));
        }
        return 0;
      },
      kByTheFile);
  mutex_unlock(t, lock);
  return error;
}

int memfd_truncate(Task& t, Machine& mm, MemfdHandle h, uint64_t size) {
  if (size > Machine::kMaxMemfdBytes) return -sim::kEFBIG;
  const sim::LockId lock = Get(t, mm, h).inode_lock;
  View k{t, mm};
  mutex_lock(t, lock);
  const int error = Update(
      k, h, &Memfd::state,
      [&](MemfdState& state) {
        if ((state.frozen && size != state.size) ||
            (size < state.size && (state.seals & kSealShrink) != 0) ||
            (size > state.size && (state.seals & kSealGrow) != 0)) {
          return -sim::kEPERM;
        }
        const uint64_t first = (size + kPageSize - 1) >> kPageShift;
        DropPages(t, mm.phys, state.pages, static_cast<uint32_t>(first), UINT32_MAX);
        state.size = size;
        return 0;
      },
      kByTheFile);
  mutex_unlock(t, lock);
  return error;
}

void Release(View& k, MemfdHandle h) {
  Update(
      k, h, &Memfd::state,
      [&](MemfdState& state) { DropPages(k.t, k.mm.phys, state.pages, 0, UINT32_MAX); },
      kByTheFile);
  lock_destroy(k, h, &Memfd::inode_lock);
  k.mm.memfds.Free(h);
}

int memfd_pin_folios(Task& t, Machine& mm, MemfdHandle h, uint32_t first, uint32_t count,
                     std::vector<Pfn>* out, LastPage last_page) {
  if (const int error = fail(t, FaultSite::kMemfdPinFolios, Ref(h))) return error;
  // The page cache has its own lock, and i_size is read without one.
  View k{t, mm};
  return Update(
      k, h, &Memfd::state,
      [&](MemfdState& state) {
        const uint64_t reach = last_page == LastPage::kWhole ? 0 : kPageSize - 1;
        const uint64_t pages = (state.size + reach) >> kPageShift;
        if (uint64_t{first} + count > pages) return -sim::kEINVAL;
        return PinRange(t, mm.phys, state.pages, first, count, FrameOwner::kMemfdData, out);
      },
      kByTheFile);
}

int pin_user_pages(Task& t, Machine& mm, uint64_t address, uint32_t count, std::vector<Pfn>* out) {
  if (const int error = fail(t, FaultSite::kPinUserPages)) return error;
  for (size_t i = 0; i < mm.buffers.size(); ++i) {
    Buffer& buffer = mm.buffers[i];
    const uint64_t base = UserAddressOf(static_cast<uint16_t>(i));
    if (address < base || address - base >= buffer.size) continue;
    if (((address - base) >> kPageShift) + count > buffer.size >> kPageShift) return -sim::kEFAULT;
    const uint32_t first = static_cast<uint32_t>((address - base) >> kPageShift);
    const sim::ObjectRef ref{sim::ObjectKind::kBuffer, static_cast<uint16_t>(i)};
    // mm/gup.c: taken for pages that are not there, and lockdep is told so for all.
    down_read(t, mm.mmap_lock);
    const int error = Update(
        t, buffer.pages, ref,
        [&](PageMap& pages) {
          return PinRange(t, mm.phys, pages, first, count, FrameOwner::kUserMemory, out);
        },
        kByTheFile);
    up_read(t, mm.mmap_lock);
    return error;
  }
  return -sim::kEFAULT;
}

void account_locked_pages(Task& t, Machine& mm, int64_t pages) {
  const auto how = pages < 0 ? sim::Primitive::kRefDec : sim::Primitive::kRefInc;
  mm.locked_pages.Raw() += pages;
  t.Record(how, {sim::ObjectKind::kBuffer, 0}, static_cast<int>(sim::Field::kLockedPages),
           mm.locked_pages.Peek());
}

void unpin_pages(Task& t, Machine& mm, const std::vector<Pfn>& pfns) {
  for (Pfn pfn : pfns) {
    t.Place(sim::ObjectKind::kFrame, sim::Field::kPins);
    mm.phys.Unpin(t, pfn);
  }
}

}  // namespace iommufd_check::mm
