// What the events so far have said about who is registered, immutable, preserved and marked.
//
// Kept from the event stream alone: it never reads the machine, so that where it and the machine
// differ is a finding. A check hears of an event before the account follows it.
//
// All that earlier calls have to say about later ones is here, and only here (check.h): two runs
// that agree in it and in the World go on alike (boundary.h). IOASes and HWPTs are named as in
// object_id.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "model/sim/event.h"

namespace iommufd_check::spec {

struct Account {
  std::map<uint64_t, sim::ObjectRef> registered;  // pfn -> on whose behalf
  std::set<uint16_t> immutable;                   // IOASes
  // IOASes that left their table, and whose number is another's now: what is said of the number is
  // about that one, and their end says nothing.
  std::map<uint16_t, uint16_t> outgoing;
  std::map<uint16_t, uint16_t> domain_ioas;  // domain number -> IOAS
  std::set<uint16_t> preserved_domains;
  std::map<uint16_t, uint64_t> marks;  // HWPT -> token
  std::set<uint16_t> marks_frozen;     // iommufds
  // By task: the iommufd that its call preserves, between the begin and the end of LUO's part.
  std::array<std::optional<uint16_t>, sim::kMaxTasks> preserving;

  // REQUIRES: the event is a kNote.
  void Follow(const sim::Event& event);

  bool IsImmutable(uint16_t ioas) const { return immutable.contains(ioas); }
  // The domain is preserved, or some table of it is registered.
  bool IsPreserved(uint16_t domain) const;
  bool HasRegistered(uint16_t domain) const;
  // 0: of a domain that no HWPT has.
  uint16_t IoasOf(uint16_t domain) const;

  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("registered", s.registered...);
    v("immutable", s.immutable...);
    v("outgoing", s.outgoing...);
    v("domain_ioas", s.domain_ioas...);
    v("preserved_domains", s.preserved_domains...);
    v("marks", s.marks...);
    v("marks_frozen", s.marks_frozen...);
    v("preserving", s.preserving...);
  }
};

}  // namespace iommufd_check::spec
