#include "model/spec/snapshot.h"

#include <algorithm>

namespace iommufd_check::spec {
namespace {

template <class View, class Key, class Member>
const View* FindBy(const std::vector<View>& views, Key key, Member member) {
  const auto it = std::find_if(views.begin(), views.end(),
                               [&](const View& view) { return view.*member == key; });
  return it == views.end() ? nullptr : &*it;
}

}  // namespace

const IommufdView* Snapshot::FindIommufd(uint16_t number) const {
  return FindBy(iommufds, number, &IommufdView::number);
}
const IoasView* Snapshot::FindIoas(uint32_t id) const { return FindBy(ioas, id, &IoasView::id); }
const HwptView* Snapshot::FindHwpt(uint32_t id) const { return FindBy(hwpts, id, &HwptView::id); }
const DeviceView* Snapshot::FindDevice(uint32_t id) const {
  return FindBy(devices, id, &DeviceView::id);
}
const DomainView* Snapshot::FindDomain(uint16_t number) const {
  return FindBy(domains, number, &DomainView::number);
}
const MemfdView* Snapshot::FindMemfd(uint16_t number) const {
  return FindBy(memfds, number, &MemfdView::number);
}
const SessionView* Snapshot::FindSession(uint16_t number) const {
  return FindBy(sessions, number, &SessionView::number);
}
bool Snapshot::IsRegistered(Pfn pfn) const {
  const auto it = std::lower_bound(registered.begin(), registered.end(), pfn,
                                   [](const auto& entry, Pfn p) { return entry.first < p; });
  return it != registered.end() && it->first == pfn;
}

}  // namespace iommufd_check::spec
