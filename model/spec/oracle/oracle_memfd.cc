// Files of memory and what pinning asks of them (luo_kho.md section 7, io_pagetable.md section 8).
#include <algorithm>

#include "model/sim/check.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec::oracle {
namespace {

constexpr uint64_t kFirstBuffer = 0x7f0000000000;
constexpr uint64_t kBufferDistance = uint64_t{1} << 32;

uint64_t PagesOf(uint64_t bytes) {
  return bytes / mm::kPageSize + (bytes % mm::kPageSize != 0 ? 1 : 0);
}

// All pages of [address, address + length) belong to the buffer in which the first one lies.
bool IsUserMemory(const Limits& limits, uint64_t address, uint64_t length) {
  IOMMUFD_CHECK(length > 0, "an empty range has no first page");
  if (address < kFirstBuffer) return false;
  const uint64_t number = (address - kFirstBuffer) / kBufferDistance;
  const uint64_t offset = (address - kFirstBuffer) % kBufferDistance;
  if (number >= limits.buffer_bytes.size()) return false;
  const uint64_t size = limits.buffer_bytes[number];
  IOMMUFD_CHECK(size % mm::kPageSize == 0, "buffers are whole pages");
  return offset < size && length <= size - offset;
}

// Some page that the file has now is pinned: by LUO, which pins all, or by a mapping whose pages
// were not removed since.
bool IsPinned(const State& state, uint16_t number, const Memfd& memfd) {
  if (memfd.frozen && memfd.size > 0) return true;
  for (const auto& [id, ioas] : state.ioas) {
    for (const auto& [first, area] : ioas.areas) {
      if (!area.is_file || area.memfd != number) continue;
      for (uint64_t i = 0; i < area.versions.size(); ++i) {
        if (area.versions[i] == memfd.VersionOf(area.first_page() + i)) return true;
      }
    }
  }
  return false;
}

}  // namespace

uint64_t UserAddress(uint16_t buffer, uint64_t offset) {
  return kFirstBuffer + buffer * kBufferDistance + offset;
}

// fcntl(F_ADD_SEALS) of Linux 6.12, mm/memfd.c, on a memfd of the default mode, which is
// executable.
Prediction MemfdSeal(State& state, const Limits&, const Call& call) {
  const auto found = state.memfds.find(call.index);
  if (found == state.memfds.end()) return Fails(sim::kEBADF);
  if ((call.seals & ~mm::kKnownSeals) != 0) return Fails(sim::kEINVAL);
  Memfd& memfd = found->second;
  if ((memfd.seals & mm::kSealSeal) != 0) return Fails(sim::kEPERM);
  const bool executable = (call.seals & mm::kSealExec) != 0;
  const uint32_t added = executable ? call.seals | (mm::kKnownSeals & ~mm::kSealSeal) : call.seals;
  const bool newly_unwritable = (added & ~memfd.seals & mm::kSealWrite) != 0;
  if (newly_unwritable && IsPinned(state, call.index, memfd)) return Fails(sim::kEBUSY);
  memfd.seals |= added;
  return {};
}

Prediction MemfdPunchHole(State& state, const Limits&, const Call& call) {
  const auto found = state.memfds.find(call.index);
  if (found == state.memfds.end()) return Fails(sim::kEBADF);
  // vfs_fallocate: both are loff_t.
  if (static_cast<int64_t>(call.offset) < 0) return Fails(sim::kEINVAL);
  if (static_cast<int64_t>(call.length) <= 0) return Fails(sim::kEINVAL);
  if (call.offset + call.length > INT64_MAX) return Fails(sim::kEFBIG);
  Memfd& memfd = found->second;
  if ((memfd.seals & (mm::kSealWrite | mm::kSealFutureWrite)) != 0) return Fails(sim::kEPERM);
  if (memfd.frozen) return Fails(sim::kEPERM);
  // Whole pages go, also the last one when the file ends inside it.
  const uint64_t end = std::min((call.offset + call.length) / mm::kPageSize, PagesOf(memfd.size));
  RemovePages(state, memfd, PagesOf(call.offset), end);
  return {};
}

Prediction MemfdTruncate(State& state, const Limits& limits, const Call& call) {
  const auto found = state.memfds.find(call.index);
  if (found == state.memfds.end()) return Fails(sim::kEBADF);
  if (call.length > limits.max_memfd_bytes) return Fails(sim::kEFBIG);
  Memfd& memfd = found->second;
  if (call.length < memfd.size && (memfd.seals & mm::kSealShrink) != 0) return Fails(sim::kEPERM);
  if (call.length > memfd.size && (memfd.seals & mm::kSealGrow) != 0) return Fails(sim::kEPERM);
  if (call.length == memfd.size) return {};  // no size change, which is what freezing refuses
  if (memfd.frozen) return Fails(sim::kEPERM);
  RemovePages(state, memfd, PagesOf(call.length), PagesOf(memfd.size));
  memfd.size = call.length;
  return {};
}

int Pin(const State& state, const Limits& limits, Area* area) {
  IOMMUFD_CHECK(area->finished, "a half-built area is pinned by whoever builds it");
  IOMMUFD_CHECK(area->start % mm::kPageSize == 0, "domains ask for whole pages");
  IOMMUFD_CHECK(area->length() % mm::kPageSize == 0, "domains ask for whole pages");
  if (!area->is_file) {
    return IsUserMemory(limits, area->start, area->length()) ? 0 : -sim::kEFAULT;
  }
  const Memfd& memfd = state.memfds.at(area->memfd);
  if (area->start > memfd.size || area->length() > memfd.size - area->start) return -sim::kEINVAL;
  area->versions.clear();
  for (uint64_t i = 0; i < area->pages; ++i) {
    area->versions.push_back(memfd.VersionOf(area->first_page() + i));
  }
  return 0;
}

}  // namespace iommufd_check::spec::oracle
