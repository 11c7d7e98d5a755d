#include "model/explore/states/compact_set.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "model/sim/check.h"

namespace iommufd_check::explore {

namespace {

static_assert(std::endian::native == std::endian::little,
              "an entry is the low bytes of a word, taken from its start");

// The words of eight that Holds reads reach beyond the published low bytes, to where a writer may
// be at work; what it finds there is masked out. So that this is no data race, these bytes are
// accessed as atomics, which costs nothing.
std::uint64_t ReadEight(const std::uint8_t* bytes) {
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(bytes), __ATOMIC_RELAXED);
}

// The high bit of each byte that is zero.
std::uint64_t ZeroBytes(std::uint64_t word) {
  constexpr std::uint64_t kLow7 = 0x7f7f7f7f7f7f7f7f;
  return ~(((word & kLow7) + kLow7) | word | kLow7);
}

// Whether one of the first `count` entries of the bucket is `entry`.
template <int kEntryBytes, typename Key>
bool Holds(const Bucket& bucket, std::uint32_t count, Key entry) {
  constexpr std::uint32_t kSlots = kBucketPayloadBytes / kEntryBytes;
  constexpr std::size_t kRestBytes = kEntryBytes - 1;
  const std::uint64_t wanted = static_cast<std::uint8_t>(entry) * 0x0101010101010101u;
  const Key rest = entry >> 8;
  for (std::uint32_t at = 0; at < kSlots; at += 8) {
    if (at >= count) return false;
    std::uint64_t same = ZeroBytes(ReadEight(bucket.payload + at) ^ wanted);
    if (count - at < 8) same &= (std::uint64_t{1} << (8 * (count - at))) - 1;
    for (; same != 0; same &= same - 1) {
      const std::size_t slot = at + static_cast<std::size_t>(std::countr_zero(same)) / 8;
      if (std::memcmp(bucket.payload + kSlots + slot * kRestBytes, &rest, kRestBytes) == 0) {
        return true;
      }
    }
  }
  return false;
}

template <int kEntryBytes, typename Key>
void Write(Bucket& bucket, std::uint32_t slot, Key entry) {
  constexpr std::uint32_t kSlots = kBucketPayloadBytes / kEntryBytes;
  std::uint8_t* rest = bucket.payload + kSlots + slot * std::size_t{kEntryBytes - 1};
  __atomic_store_n(bucket.payload + slot, static_cast<std::uint8_t>(entry), __ATOMIC_RELAXED);
  for (int i = 1; i < kEntryBytes; ++i) {
    __atomic_store_n(rest++, static_cast<std::uint8_t>(entry >> (8 * i)), __ATOMIC_RELAXED);
  }
}

}  // namespace

template <typename Key>
BucketTable<Key>::BucketTable(const SetShape& shape)
    : shape_(shape),
      pages_(shape.bytes()),
      remainder_mask_(static_cast<Key>((static_cast<uint128>(1) << shape.remainder_bits) - 1)) {
  IOMMUFD_CHECK(shape.remainder_bits + kDistanceBits <= 8 * shape.entry_bytes, "an entry fits");
  IOMMUFD_CHECK(shape.key_bits <= static_cast<int>(8 * sizeof(Key)), "a key fits its type");
  ChooseFunctions();
}

template <typename Key>
template <int kEntryBytes>
void BucketTable<Key>::ChooseFunctions() {
  if constexpr (kEntryBytes > static_cast<int>(sizeof(Key))) {
    IOMMUFD_CHECK(false, "an entry is no wider than its key's type");
  } else if (shape_.entry_bytes == kEntryBytes) {
    insert_ = &InsertEntry<kEntryBytes>;
    decode_ = &DecodeBucket<kEntryBytes>;
    append_ = &Append<kEntryBytes>;
  } else {
    ChooseFunctions<kEntryBytes + 1>();
  }
}

template <typename Key>
template <int kEntryBytes>
bool BucketTable<Key>::InsertEntry(BucketTable& table, Key key) {
  Bucket* bucket = &table.buckets()[table.Home(key)];
  Key entry = key & table.remainder_mask_;
  for (std::uint64_t distance = 0; distance <= kMaxDistance; ++distance, ++bucket) {
    const Outcome outcome = InsertInto<kEntryBytes>(*bucket, entry);
    if (outcome != Outcome::kFull) return outcome == Outcome::kNew;
    entry += static_cast<Key>(1) << table.shape_.remainder_bits;
  }
  const std::lock_guard<std::mutex> lock(table.strays_->mutex);
  return table.strays_->keys.insert(key).second;
}

template <typename Key>
template <int kEntryBytes>
typename BucketTable<Key>::Outcome BucketTable<Key>::InsertInto(Bucket& bucket, Key entry) {
  constexpr auto kSlots = static_cast<std::uint32_t>(kBucketPayloadBytes / kEntryBytes);
  std::uint32_t control = bucket.control.load(std::memory_order_acquire);
  for (;;) {
    const std::uint32_t count = control & ~kLocked;
    if (Holds<kEntryBytes>(bucket, count, entry)) return Outcome::kPresent;
    if (count == kSlots) return Outcome::kFull;
    if ((control & kLocked) != 0) {
      // Its writer publishes within a few instructions, and what it publishes may be this entry.
      control = bucket.control.load(std::memory_order_acquire);
      continue;
    }
    if (!bucket.control.compare_exchange_weak(control, control | kLocked,
                                              std::memory_order_acquire)) {
      continue;
    }
    Write<kEntryBytes>(bucket, count, entry);
    bucket.control.store(count + 1, std::memory_order_release);
    return Outcome::kNew;
  }
}

template <typename Key>
template <int kEntryBytes>
std::uint32_t BucketTable<Key>::DecodeBucket(const BucketTable& table, std::uint64_t bucket,
                                             std::uint64_t first, std::uint64_t last,
                                             const HomeStarts& starts, Key* keys) {
  constexpr std::uint32_t kSlots = kBucketPayloadBytes / kEntryBytes;
  constexpr std::size_t kRestBytes = kEntryBytes - 1;
  const Bucket& from = table.buckets()[bucket];
  const std::uint32_t count = from.control.load(std::memory_order_relaxed);
  IOMMUFD_CHECK(count <= kSlots, "no writer is at work, and a bucket holds what it has room for");
  std::uint32_t decoded = 0;
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    Key rest = 0;
    std::memcpy(&rest, from.payload + kSlots + slot * kRestBytes, kRestBytes);
    const Key entry = rest << 8 | from.payload[slot];
    // The remainder may be all of the key, but never all of the word: above it is the distance.
    const auto distance = static_cast<std::uint64_t>(entry >> table.shape_.remainder_bits);
    IOMMUFD_CHECK(distance <= bucket, "a home precedes its overflow");
    const std::uint64_t home = bucket - distance;
    if (home < first || home >= last) continue;
    const Key start = starts[home % starts.size()];
    keys[decoded++] = start + ((entry - start) & table.remainder_mask_);
  }
  return decoded;
}

template <typename Key>
template <int kEntryBytes>
void BucketTable<Key>::Append(BucketTable& table, std::uint64_t end, const Key* keys,
                              std::uint32_t count) {
  constexpr std::uint32_t kSlots = kBucketPayloadBytes / kEntryBytes;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t home = table.Home(keys[i]);
    const std::uint64_t reach = std::min(end, home + kMaxDistance + 1);
    std::uint64_t at = home;
    Key entry = keys[i] & table.remainder_mask_;
    for (; at < reach; ++at, entry += static_cast<Key>(1) << table.shape_.remainder_bits) {
      Bucket& bucket = table.buckets()[at];
      const std::uint32_t used = bucket.control.load(std::memory_order_relaxed);
      if (used == kSlots) continue;
      Write<kEntryBytes>(bucket, used, entry);
      bucket.control.store(used + 1, std::memory_order_relaxed);
      break;
    }
    if (at < reach) continue;
    const std::lock_guard<std::mutex> lock(table.strays_->mutex);
    table.strays_->keys.insert(keys[i]);
  }
}

// The threads share neither homes nor buckets, since Home keeps the order of keys: a key that would
// overflow into the next thread's buckets becomes a stray for now.
template <typename Key>
void BucketTable<Key>::TakeRange(BucketTable* from, std::uint64_t first, std::uint64_t last) {
  constexpr std::uint64_t kReleaseEvery = std::uint64_t{1} << 15;  // Buckets.
  const std::uint64_t end = last == from->shape_.buckets
                                ? shape_.buckets + kMaxDistance
                                : last * shape_.buckets / from->shape_.buckets;
  std::uint64_t released = first + kMaxDistance;  // Before it the neighbour still reads.
  from->ForEachBucketFrom(first, last, [&](std::uint64_t at, const Key* keys, std::uint32_t count) {
    append_(*this, end, keys, count);
    // Nor what is the next neighbour's, who may not have read it yet.
    if ((at + 1) % kReleaseEvery != 0 || at < released || at >= last) return;
    from->pages_.Release(released * kBucketBytes, (at + 1) * kBucketBytes);
    released = at + 1;
  });
}

template <typename Key>
void BucketTable<Key>::TakeAll(BucketTable* from, int threads) {
  constexpr std::uint64_t kWorthAThread = std::uint64_t{1} << 15;  // Buckets.
  const std::uint64_t buckets = from->shape_.buckets;
  IOMMUFD_CHECK(shape_.buckets % buckets == 0, "a range of homes maps to a range of homes");
  const std::uint64_t parts =
      std::clamp<std::uint64_t>(buckets / kWorthAThread, 1, static_cast<std::uint64_t>(threads));
  std::vector<std::thread> helpers;
  for (std::uint64_t part = 1; part < parts; ++part) {
    helpers.emplace_back([this, from, buckets, part, parts] {
      TakeRange(from, buckets * part / parts, buckets * (part + 1) / parts);
    });
  }
  TakeRange(from, 0, buckets / parts);
  for (std::thread& helper : helpers) helper.join();
  // Old strays, and those of the borders between threads.
  std::set<Key> strays = std::move(from->strays_->keys);
  strays.merge(strays_->keys);
  strays_->keys.clear();
  for (const Key& key : strays) append_(*this, shape_.buckets + kMaxDistance, &key, 1);
}

template <typename Key>
CompactSet<Key>::CompactSet(int key_bits, std::uint64_t max_bytes, int threads)
    : threads_(threads),
      largest_(SetShape::ForBytes(key_bits, max_bytes)),
      table_(SetShape::Smallest(key_bits)) {}

template <typename Key>
CompactSet<Key>::Session::Session(CompactSet* set) : set_(set) {
  // Nothing but a hint: a session that slips through only delays the growth by its own length.
  if (set_->growth_wanted_.load(std::memory_order_relaxed)) {
    const std::unique_lock<std::shared_mutex> turn(set_->growth_);
  }
  set_->growth_.lock_shared();
}

template <typename Key>
CompactSet<Key>::Session::~Session() {
  Publish();
  set_->growth_.unlock_shared();
}

template <typename Key>
void CompactSet<Key>::Session::Publish() {
  if (inserted_ == 0) return;
  const std::uint64_t size =
      set_->size_.fetch_add(inserted_, std::memory_order_relaxed) + inserted_;
  inserted_ = 0;
  const SetShape shape = set_->shape();
  if (size <= shape.limit || set_->out_of_room()) return;
  set_->growth_wanted_.store(true, std::memory_order_relaxed);
  set_->growth_.unlock_shared();
  set_->GrowIfStill(shape.buckets);
  set_->growth_.lock_shared();
}

template <typename Key>
void CompactSet<Key>::GrowIfStill(std::uint64_t buckets) {
  const std::unique_lock<std::shared_mutex> alone(growth_);
  growth_wanted_.store(false, std::memory_order_relaxed);
  if (shape().buckets != buckets) return;  // Another thread was first.
  const SetShape next = shape().Next();
  if (next.buckets > largest_.buckets) {
    out_of_room_.store(true, std::memory_order_relaxed);
    return;
  }
  BucketTable<Key> larger(next);
  larger.TakeAll(&table_, threads_);
  table_ = std::move(larger);
}

template class BucketTable<std::uint64_t>;
template class BucketTable<uint128>;
template class CompactSet<std::uint64_t>;
template class CompactSet<uint128>;

}  // namespace iommufd_check::explore
