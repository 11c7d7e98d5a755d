// A Snapshot made of parts of two.
#pragma once

#include "model/spec/snapshot.h"

namespace iommufd_check::spec {

inline void CopyPart(Part part, const Snapshot& from, Snapshot* to) {
  switch (part) {
    case Part::kIommufds:
      to->iommufds = from.iommufds;
      break;
    case Part::kIoas:
      to->ioas = from.ioas;
      break;
    case Part::kHwpts:
      to->hwpts = from.hwpts;
      break;
    case Part::kDevices:
      to->devices = from.devices;
      break;
    case Part::kDomains:
      to->domains = from.domains;
      break;
    case Part::kMemfds:
      to->memfds = from.memfds;
      break;
    case Part::kSessions:
      to->sessions = from.sessions;
      break;
    case Part::kRegistered:
      to->registered = from.registered;
      break;
    case Part::kRecords:
      to->flb_count = from.flb_count;
      to->flb_present = from.flb_present;
      to->domain_records = from.domain_records;
      break;
    case Part::kCount:
      break;
  }
}

}  // namespace iommufd_check::spec
