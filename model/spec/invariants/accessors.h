// Which concurrent tasks have read, and which have written, a field or an object.
#pragma once

#include <cstdint>

#include "model/sim/event.h"
#include "model/sim/lookup_map.h"

namespace iommufd_check::spec {

struct Accessors {
  uint8_t readers = 0;  // bit t: task t
  uint8_t writers = 0;
};
using AccessorMap = sim::LookupMap<Accessors>;

inline uint8_t TaskBit(const sim::Event& event) { return static_cast<uint8_t>(1u << event.task); }

// The key of an object; those of its fields are behind it.
inline uint64_t KeyOf(sim::ObjectRef object) {
  return uint64_t{static_cast<uint16_t>(object.kind)} << 32 | uint64_t{object.number} << 16;
}

}  // namespace iommufd_check::spec
