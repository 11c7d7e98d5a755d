// The three ways from a state to its key in the visited set, one policy class each.
//
// Threads: immutable after construction.
//
//   ExactKeys<Model> keys(model);
//   CompactSet<ExactKeys<Model>::Key> set(keys.bits(), max_bytes);
#pragma once

#include <xxhash.h>

#include <cstdint>

#include "model/explore/states/key.h"
#include "model/explore/states/model_concept.h"

namespace iommufd_check::explore {

// 128 bits of hash for any model: its own fingerprint, or XXH3 of the state's bytes.
template <SearchModel M>
uint128 WideFingerprint(const M& model, const typename M::State& state) {
  if constexpr (HasFingerprint<M>) {
    return model.Fingerprint(state);
  } else {
    const XXH128_hash_t hash = XXH3_128bits(&state, sizeof state);
    return (static_cast<uint128>(hash.high64) << 64) | hash.low64;
  }
}

template <HasPackedBits M>
class ExactKeys {
 public:
  using Key = std::uint64_t;
  static constexpr bool kExact = true;

  explicit ExactKeys(const M& model) : mixer_(model.PackedBits()) {}
  int bits() const { return mixer_.bits(); }
  Key Of(const M& model, const typename M::State& state) const {
    return mixer_.Mix(model.Packed(state));
  }
  // Whether some state could have it.
  bool IsKey(Key key) const { return bits() == 64 || key >> bits() == 0; }

 private:
  BitMixer mixer_;
};

template <SearchModel M>
class Fingerprints64 {
 public:
  using Key = std::uint64_t;
  static constexpr bool kExact = false;

  explicit Fingerprints64(const M&) {}
  int bits() const { return 64; }
  Key Of(const M& model, const typename M::State& state) const {
    if constexpr (HasFingerprint<M>) {
      return static_cast<Key>(model.Fingerprint(state));
    } else {
      return XXH3_64bits(&state, sizeof state);
    }
  }
  bool IsKey(Key) const { return true; }
};

template <SearchModel M>
class Fingerprints128 {
 public:
  using Key = uint128;
  static constexpr bool kExact = false;

  explicit Fingerprints128(const M&) {}
  int bits() const { return 128; }
  Key Of(const M& model, const typename M::State& state) const {
    return WideFingerprint(model, state);
  }
  bool IsKey(Key) const { return true; }
};

}  // namespace iommufd_check::explore
