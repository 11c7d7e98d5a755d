#include "model/program/execute/written.h"

namespace iommufd_check::program {
namespace {

using spec::Only;
using spec::Part;
using spec::PartSet;

// A number for each counter, such that no few of them add up to others.
uint64_t NumberOfCounter(const sim::Event& event) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15u;
  uint64_t x = uint64_t{static_cast<uint16_t>(event.object.kind)} << 24 |
               uint64_t{event.object.number} << 8 | event.detail;
  x = (x + 1) * kOdd;
  return (x ^ x >> 31) * kOdd;
}

// The parts that an object of this kind is seen in, or by which another one is named. Memory is
// seen by its own count of changes.
constexpr PartSet SeenIn(sim::ObjectKind kind) {
  using sim::ObjectKind;
  switch (kind) {
    case ObjectKind::kIommufd:
      return Only(Part::kIommufds);
    case ObjectKind::kIoas:
      return Only(Part::kIoas) | Only(Part::kHwpts) | Only(Part::kDomains);
    case ObjectKind::kArea:
    case ObjectKind::kPages:
      return Only(Part::kIoas) | Only(Part::kMemfds);
    case ObjectKind::kHwpt:
      return Only(Part::kHwpts) | Only(Part::kDevices) | Only(Part::kDomains);
    case ObjectKind::kDomain:
      return Only(Part::kDomains);
    case ObjectKind::kDevice:
      return Only(Part::kDevices);
    case ObjectKind::kMemfd:
      return Only(Part::kMemfds);
    case ObjectKind::kDescriptor:
      return Only(Part::kIommufds) | Only(Part::kSessions);
    case ObjectKind::kSession:
    case ObjectKind::kLuo:
      return Only(Part::kSessions) | Only(Part::kMemfds);
    case ObjectKind::kFlb:
      return Only(Part::kRecords);
    case ObjectKind::kKho:
      return Only(Part::kRegistered);
    case ObjectKind::kFrame:
    case ObjectKind::kBuffer:
    case ObjectKind::kEndpoint:
    case ObjectKind::kIgroup:
    case ObjectKind::kMm:
      return spec::kNoPart;
    default:
      return spec::kAllParts;
  }
}

// The table of an iommufd says which objects there are.
PartSet ChangedBy(const sim::Event& write) {
  constexpr PartSet kObjects =
      Only(Part::kIoas) | Only(Part::kHwpts) | Only(Part::kDevices) | Only(Part::kDomains);
  const bool table = static_cast<sim::Field>(write.detail) == sim::Field::kObjectTable;
  return SeenIn(write.object.kind) | (table ? kObjects : spec::kNoPart);
}

PartSet SaidBy(const sim::Event& note) {
  switch (static_cast<sim::Note>(note.detail)) {
    case sim::Note::kGatePassed:
    case sim::Note::kGateRefused:
    case sim::Note::kUnfilledAreaSeen:
      return spec::kNoPart;
    case sim::Note::kKhoAdd:  // on behalf of the object
    case sim::Note::kKhoDel:
    case sim::Note::kKhoOrderMismatch:
      return Only(Part::kRegistered);
    default:
      return SeenIn(note.object.kind);
  }
}

}  // namespace

PartSet WrittenBy(std::span<const sim::Event> events) {
  PartSet written = spec::kNoPart;
  PartSet counted = spec::kNoPart;
  uint64_t taken = 0;  // the counters that were taken, less those that were given back
  for (const sim::Event& event : events) {
    switch (event.primitive) {
      case sim::Primitive::kRefInc:
        taken += NumberOfCounter(event);
        counted |= SeenIn(event.object.kind);
        break;
      case sim::Primitive::kRefDec:
        taken -= NumberOfCounter(event);
        counted |= SeenIn(event.object.kind);
        break;
      case sim::Primitive::kWrite:
        written |= ChangedBy(event);
        break;
      case sim::Primitive::kNote:
        written |= SaidBy(event);
        break;
      case sim::Primitive::kSplat:  // counters saturate, and who knows
        written = spec::kAllParts;
        break;
      default:
        break;
    }
  }
  return taken == 0 ? written : written | counted;
}

}  // namespace iommufd_check::program
