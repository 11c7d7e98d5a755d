// A hash map that can only be asked for a key: what cannot be iterated cannot bring its order,
// which differs between runs, into a result.
//
//   LookupMap<Counter> counters;
//   ++counters[key].value;
#pragma once

#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace iommufd_check::sim {

template <class Value>
class LookupMap {
 public:
  void Clear() { map_.clear(); }
  // The value of the key, made if there is none. References move when another key is added.
  Value& operator[](uint64_t key) { return map_[key]; }
  Value& FindOr(uint64_t key, Value missing) {
    return map_.try_emplace(key, std::move(missing)).first->second;
  }
  // Null: there is none.
  Value* Find(uint64_t key) {
    const auto found = map_.find(key);
    return found == map_.end() ? nullptr : &found->second;
  }
  void Erase(uint64_t key) { map_.erase(key); }

 private:
  absl::flat_hash_map<uint64_t, Value> map_;
};

}  // namespace iommufd_check::sim
