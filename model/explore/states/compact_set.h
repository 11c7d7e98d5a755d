// A set of keys for the visited states of a search: open addressing over cache-line buckets, each
// entry holding only what its bucket does not already tell (set_shape.h).
//
// Threads: any number of Sessions at once, each used by one thread. Everything else, and the
// reading of totals, needs that no Session lives.
//
// Invariants:
//  1. A bucket's entries are filled in order and never change or move until the table grows.
//  2. A key lies in the first bucket from its home on that had room, so a bucket that is not full
//     ends the look-up. A key that found none in reach is in a sorted set beside the table.
//  3. A writer holds the bucket's lock bit; the entry is complete before the count that covers it
//     is published, so readers need no lock.
//
//   CompactSet<std::uint64_t> set(64, 1 << 30);
//   CompactSet<std::uint64_t>::Session session(&set);
//   session.Prefetch(key);            // Some dozens of keys ahead hides the memory's latency.
//   bool is_new = session.Insert(key);
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "model/explore/states/page_buffer.h"
#include "model/explore/states/set_shape.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

// The payload holds the low byte of every entry, then the rest of every entry: a look-up compares
// eight low bytes at a time and seldom has to look at a rest that is not the one it seeks.
struct alignas(kBucketBytes) Bucket {
  std::uint8_t payload[kBucketPayloadBytes];
  std::atomic<std::uint32_t> control;  // Number of entries, and the writer's lock bit.
};
static_assert(sizeof(Bucket) == kBucketBytes, "a bucket is one cache line");

// Fetching a line that another thread has written, only to ask for it again in order to write,
// takes two round trips. Compilers emit the instruction that asks at once only for newer processors
// than the baseline, though older ones ignore it.
inline void PrefetchForWriting(const Bucket* bucket) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*bucket));
#else
  __builtin_prefetch(bucket, 1);
#endif
}

// One allocation of buckets in a shape. Key is std::uint64_t (up to 64 bits) or uint128.
template <typename Key>
class BucketTable {
 public:
  explicit BucketTable(const SetShape& shape);

  const SetShape& shape() const { return shape_; }
  // Whether the key was absent; it is present afterwards. Any number of threads at once.
  bool Insert(Key key) { return insert_(*this, key); }
  // Inserts every key of `from`, and gives `from`'s memory back on the way, with that many threads.
  // REQUIRES: this table is empty, and nobody else uses either.
  void TakeAll(BucketTable* from, int threads);
  const std::set<Key>& strays() const { return strays_->keys; }
  void Prefetch(Key key) const { PrefetchForWriting(&buckets()[Home(key)]); }

  // Calls visit(bucket, keys, count) for one bucket after another, which is nearly the keys' order.
  template <typename Visit>
  void ForEachBucket(Visit visit) const {
    ForEachBucketFrom(0, shape_.buckets, visit);
  }

 private:
  static constexpr std::uint32_t kLocked = 1u << 31;

  enum class Outcome { kNew, kPresent, kFull };
  // Keys all of whose buckets in reach were full.
  struct Strays {
    std::mutex mutex;
    std::set<Key> keys;
  };

  Bucket* buckets() const { return reinterpret_cast<Bucket*>(pages_.data()); }
  std::uint64_t Home(Key key) const;
  // The least keys of the kMaxDistance + 1 homes from which a key can have come to a bucket.
  using HomeStarts = std::array<Key, kMaxDistance + 1>;

  // For the keys whose homes are in [first, last), wherever within reach they lie.
  template <typename Visit>
  void ForEachBucketFrom(std::uint64_t first, std::uint64_t last, Visit visit) const;
  void TakeRange(BucketTable* from, std::uint64_t first, std::uint64_t last);
  template <int kEntryBytes>
  static bool InsertEntry(BucketTable& table, Key key);
  template <int kEntryBytes>
  static Outcome InsertInto(Bucket& bucket, Key entry);
  template <int kEntryBytes>
  static std::uint32_t DecodeBucket(const BucketTable& table, std::uint64_t bucket,
                                    std::uint64_t first, std::uint64_t last,
                                    const HomeStarts& starts, Key* keys);
  template <int kEntryBytes>
  static void Append(BucketTable& table, std::uint64_t end, const Key* keys, std::uint32_t count);
  template <int kEntryBytes = 2>
  void ChooseFunctions();

  SetShape shape_;
  PageBuffer pages_;
  Key remainder_mask_;
  // The functions above for the shape's entry size.
  bool (*insert_)(BucketTable&, Key) = nullptr;
  std::uint32_t (*decode_)(const BucketTable&, std::uint64_t, std::uint64_t, std::uint64_t,
                           const HomeStarts&, Key*) = nullptr;
  void (*append_)(BucketTable&, std::uint64_t, const Key*, std::uint32_t) = nullptr;
  std::unique_ptr<Strays> strays_ = std::make_unique<Strays>();
};

template <typename Key>
class CompactSet {
 public:
  // REQUIRES: 1 <= key_bits <= 8 * sizeof(Key).
  // Up to `threads` threads at a time move the keys when the table grows.
  CompactSet(int key_bits, std::uint64_t max_bytes, int threads = 1);

  // One thread's access. While any lives the table does not grow, except from within an Insert of
  // the only one, so a session should last for some thousand insertions and not be held across
  // waiting.
  class Session {
   public:
    explicit Session(CompactSet* set);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void Prefetch(Key key) const { set_->table_.Prefetch(key); }
    // Whether the key was absent; it is present afterwards.
    bool Insert(Key key);

   private:
    void Publish();

    CompactSet* set_;
    std::uint64_t inserted_ = 0;  // Not yet added to set_->size_.
  };

  std::uint64_t size() const { return size_.load(std::memory_order_relaxed); }
  // Whether the set would have grown beyond max_bytes. Insertions still work, ever more slowly.
  bool out_of_room() const { return out_of_room_.load(std::memory_order_relaxed); }
  std::uint64_t strays() const { return table_.strays().size(); }
  const SetShape& shape() const { return table_.shape(); }
  // The largest number of keys that fits into max_bytes.
  std::uint64_t capacity() const { return largest_.limit; }

  // REQUIRES: no Session lives.
  template <typename Visit>
  void ForEach(Visit visit) const {
    table_.ForEachBucket([&visit](std::uint64_t, const Key* keys, std::uint32_t count) {
      for (std::uint32_t i = 0; i < count; ++i) visit(keys[i]);
    });
    for (const Key& key : table_.strays()) visit(key);
  }

 private:
  void GrowIfStill(std::uint64_t buckets);

  const int threads_;
  const SetShape largest_;
  BucketTable<Key> table_;
  // On other cache lines than the table, which every look-up reads.
  alignas(128) std::shared_mutex growth_;  // Sessions share it; growing takes it alone.
  std::atomic<std::uint64_t> size_ = 0;
  std::atomic<bool> growth_wanted_ = false;  // Asks new sessions to wait, so that growth can start.
  std::atomic<bool> out_of_room_ = false;
};

extern template class BucketTable<std::uint64_t>;
extern template class BucketTable<uint128>;
extern template class CompactSet<std::uint64_t>;
extern template class CompactSet<uint128>;

// Implementation of what has to be inlined.

template <typename Key>
inline std::uint64_t BucketTable<Key>::Home(Key key) const {
  std::uint64_t top;  // The key's 64 highest bits, zeros appended if it has fewer.
  if constexpr (sizeof(Key) == 8) {
    top = key << (64 - shape_.key_bits);
  } else {
    top = static_cast<std::uint64_t>(key >> (shape_.key_bits - 64));
  }
  return static_cast<std::uint64_t>((static_cast<uint128>(top) * shape_.buckets) >> 64);
}

template <typename Key>
template <typename Visit>
void BucketTable<Key>::ForEachBucketFrom(std::uint64_t first, std::uint64_t last,
                                         Visit visit) const {
  // The inverse of Home. The first 64-bit prefix that the multiplication sends to a bucket is
  // bucket * 2^64 / buckets, rounded up; quotient and rest are stepped along.
  const auto step = static_cast<std::uint64_t>((static_cast<uint128>(1) << 64) / shape_.buckets);
  const std::uint64_t step_rest = -shape_.buckets * step;
  uint128 prefix = (static_cast<uint128>(first) << 64) / shape_.buckets;
  auto rest = static_cast<std::uint64_t>((static_cast<uint128>(first) << 64) % shape_.buckets);

  HomeStarts starts = {};
  Key keys[kBucketPayloadBytes];
  for (std::uint64_t at = first; at < last + kMaxDistance; ++at) {
    if (at < last) {
      const uint128 rounded_up = prefix + (rest != 0);
      Key& start = starts[at % starts.size()];
      if constexpr (sizeof(Key) == 8) {
        const int dropped = 64 - shape_.key_bits;
        start =
            static_cast<Key>((rounded_up + (static_cast<uint128>(1) << dropped) - 1) >> dropped);
      } else {
        start = rounded_up << (shape_.key_bits - 64);
      }
      prefix += step;
      rest += step_rest;
      if (rest >= shape_.buckets) {
        rest -= shape_.buckets;
        ++prefix;
      }
    }
    visit(at, keys, decode_(*this, at, first, last, starts, keys));
  }
}

template <typename Key>
inline bool CompactSet<Key>::Session::Insert(Key key) {
  constexpr std::uint64_t kPublishEvery = 256;
  if (!set_->table_.Insert(key)) return false;
  if (++inserted_ == kPublishEvery) Publish();
  return true;
}

}  // namespace iommufd_check::explore
