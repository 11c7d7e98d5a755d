#include "model/sim/event.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace iommufd_check::sim {

void EventLog::Append(const Event& event) {
  events_.push_back(event);
  digest_ = XXH3_64bits_withSeed(&event, sizeof(event), digest_);
}

}  // namespace iommufd_check::sim
