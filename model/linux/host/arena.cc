#include "model/linux/host/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "model/sim/check.h"

namespace iommufd_check::linux_host {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kRedZone = 32;  // on either side; the front one begins with the object's number
constexpr unsigned char kRedByte = 0xbb;
constexpr unsigned char kFreedByte = 0x6b;

bool IsFilled(const char* bytes, size_t count, unsigned char with) {
  return std::all_of(bytes, bytes + count,
                     [&](char byte) { return static_cast<unsigned char>(byte) == with; });
}

size_t RoundUp(size_t value, size_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace

void* MapAt(uintptr_t address, size_t bytes) {
  void* wanted = reinterpret_cast<void*>(address);
  void* got = mmap(wanted, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == wanted) return got;
  if (got != MAP_FAILED) munmap(got, bytes);
  return nullptr;
}

void Unmap(void* memory, size_t bytes) {
  if (memory != nullptr) munmap(memory, bytes);
}

Arena::Arena(int slot) : memory_(static_cast<char*>(MapAt(AddressOf(slot), kBytes))) {
  IOMMUFD_CHECK(slot >= 0 && slot < kSlots, "slots are numbered from 0");
}

Arena::~Arena() { Unmap(memory_, kBytes); }

void* Arena::Allocate(size_t bytes, size_t alignment, Site site) {
  IOMMUFD_CHECK(std::has_single_bit(alignment) && alignment <= kPage, "alignments of objects");
  if (bytes > kBytes) return nullptr;
  const size_t offset = RoundUp(top_ + kRedZone, std::max<size_t>(alignment, 16));
  const size_t end = RoundUp(offset + bytes, 16) + kRedZone;
  if (end > kBytes) return nullptr;
  std::memset(At(top_), kRedByte, offset - top_);
  std::memset(At(offset), 0, bytes);
  std::memset(At(offset + bytes), kRedByte, end - offset - bytes);
  const uint64_t number = objects_.size();
  std::memcpy(At(offset - kRedZone), &number, sizeof(number));
  objects_.push_back({.offset = offset, .bytes = bytes, .allocated = site});
  top_ = end;
  return At(offset);
}

const Arena::Object* Arena::Find(const void* object) const {
  const char* begin = static_cast<const char*>(object);
  if (begin < memory_ + kRedZone || begin >= memory_ + top_) return nullptr;
  uint64_t number = 0;
  std::memcpy(&number, begin - kRedZone, sizeof(number));
  if (number >= objects_.size()) return nullptr;
  const Object& found = objects_[number];
  return At(found.offset) == begin ? &found : nullptr;
}

size_t Arena::SizeOf(const void* object) const {
  const Object* found = Find(object);
  return found == nullptr ? 0 : found->bytes;
}

bool Arena::Intact(const Object& object) const {
  const char* begin = At(object.offset);
  const size_t number = static_cast<size_t>(&object - objects_.data());
  const size_t number_bytes = sizeof(uint64_t);
  uint64_t stored = 0;
  std::memcpy(&stored, begin - kRedZone, number_bytes);
  if (stored != number) return false;
  if (!IsFilled(begin - kRedZone + number_bytes, kRedZone - number_bytes, kRedByte)) return false;
  if (!IsFilled(begin + object.bytes, kRedZone, kRedByte)) return false;
  return object.live || IsFilled(begin, object.bytes, kFreedByte);
}

Arena::Freed Arena::Free(const void* object, Site site) {
  const Object* found = Find(object);
  if (found == nullptr) return Freed::kNoObject;
  if (!found->live) return Freed::kTwice;
  if (!Intact(*found)) return Freed::kDamaged;
  Object& freed = objects_[static_cast<size_t>(found - objects_.data())];
  freed.live = false;
  freed.freed = site;
  std::memset(At(freed.offset), kFreedByte, freed.bytes);
  return Freed::kOk;
}

const Arena::Object* Arena::Damage() const {
  const auto damaged = std::find_if(objects_.begin(), objects_.end(),
                                    [&](const Object& object) { return !Intact(object); });
  return damaged == objects_.end() ? nullptr : &*damaged;
}

std::vector<Arena::Object> Arena::NewObjects() const {
  std::vector<Object> found;
  const auto first = objects_.begin() + static_cast<ptrdiff_t>(kept_objects_.size());
  std::copy_if(first, objects_.end(), std::back_inserter(found),
               [](const Object& object) { return object.live; });
  return found;
}

std::vector<Arena::Object> Arena::MissingObjects() const {
  std::vector<Object> found;
  for (size_t i = 0; i < kept_objects_.size(); ++i) {
    if (kept_objects_[i].live && !objects_[i].live) found.push_back(objects_[i]);
  }
  return found;
}

void Arena::Keep() {
  kept_.assign(memory_, memory_ + top_);
  kept_objects_ = objects_;
}

void Arena::Reset() {
  IOMMUFD_CHECK(!kept_objects_.empty(), "there is a state to come back to");
  IOMMUFD_CHECK(kept_.size() <= top_, "an arena only grows");
  std::memcpy(memory_, kept_.data(), kept_.size());
  top_ = kept_.size();
  objects_ = kept_objects_;
}

uint64_t Arena::Digest(uint64_t seed) const {
  uint64_t digest = XXH3_64bits_withSeed(memory_, top_, seed);
  for (const Object& object : objects_) {
    const uint64_t fields[] = {object.offset, object.bytes, object.live ? 1u : 0u};
    digest = XXH3_64bits_withSeed(fields, sizeof(fields), digest);
  }
  return digest;
}

void Arena::Clear() {
  top_ = 0;
  objects_.clear();
  kept_.clear();
  kept_objects_.clear();
}

}  // namespace iommufd_check::linux_host
