// What the kernel's own checks print, as a clause for findings.
#pragma once

#include <optional>
#include <string>

#include "model/mm/types.h"
#include "model/sim/event.h"

namespace iommufd_check::spec {

// Lockdep's: about the use of locks, whatever they guard.
constexpr bool AboutLocks(sim::Splat splat) { return splat < sim::Splat::kFreeLockedLock; }

// "iopt_abort_area: WARN_ON(immutable): ioas 1"; of a page, also which and who freed it. What
// speaks of locks names no function. REQUIRES: the event is a kSplat.
std::string SplatText(const sim::Event& event, const std::optional<mm::FreedBy>& freed_by);

}  // namespace iommufd_check::spec
