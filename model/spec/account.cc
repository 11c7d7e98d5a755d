#include "model/spec/account.h"

#include <algorithm>

namespace iommufd_check::spec {

using sim::Note;
using sim::ObjectKind;

void Account::Follow(const sim::Event& event) {
  const uint16_t number = event.object.number;
  switch (static_cast<Note>(event.detail)) {
    case Note::kKhoAdd:
      registered[static_cast<uint64_t>(event.value)] = event.object;
      return;
    case Note::kKhoDel:
      registered.erase(static_cast<uint64_t>(event.value));
      return;
    case Note::kDomainOfIoas:
      domain_ioas[number] = static_cast<uint16_t>(event.value);
      return;
    case Note::kDomainFreed:
      domain_ioas.erase(number);
      return;
    case Note::kImmutableSet:
      immutable.insert(number);
      return;
    case Note::kImmutableClear:
      immutable.erase(number);
      return;
    case Note::kNumberShared:
      if (event.object.kind == ObjectKind::kIoas) ++outgoing[number];
      return;
    case Note::kObjectFreed:
      if (event.object.kind != ObjectKind::kIoas) return;
      if (const auto old = outgoing.find(number); old != outgoing.end()) {
        if (--old->second == 0) outgoing.erase(old);
      } else {
        immutable.erase(number);
      }
      return;
    case Note::kMark:
      marks[number] = static_cast<uint64_t>(event.value);
      return;
    case Note::kMarkGone:
      marks.erase(number);
      return;
    case Note::kPreserveBegin:
      preserving[event.task] = number;
      return;
    case Note::kPreserveEnd:
      if (event.value == 0) marks_frozen.insert(number);
      preserving[event.task].reset();
      return;
    case Note::kUnpreserveBegin:
      marks_frozen.erase(number);
      return;
    case Note::kDomainPreserved:
      preserved_domains.insert(number);
      return;
    case Note::kDomainUnpreserved:
      preserved_domains.erase(number);
      return;
    default:
      return;
  }
}

bool Account::IsPreserved(uint16_t domain) const {
  return preserved_domains.contains(domain) || HasRegistered(domain);
}

bool Account::HasRegistered(uint16_t domain) const {
  const sim::ObjectRef wanted{ObjectKind::kDomain, domain};
  return std::any_of(registered.begin(), registered.end(),
                     [&](const auto& entry) { return entry.second == wanted; });
}

uint16_t Account::IoasOf(uint16_t domain) const {
  const auto it = domain_ioas.find(domain);
  return it == domain_ioas.end() ? 0 : it->second;
}

}  // namespace iommufd_check::spec
