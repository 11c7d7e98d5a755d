#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

void RequireUsers(sim::ObjectRef object, uint32_t users, uint32_t holders, Ruling rule) {
  rule.Require(users == holders, object, [&] {
    return Named(object) + " has users " + N(users) + " and " + N(holders) + " holders";
  });
}

void CheckUsers(const Snapshot& now, Ruling rule) {
  for (const IoasView& ioas : now.ioas) {
    uint32_t holders = 1;
    for (const HwptView& hwpt : now.hwpts) holders += hwpt.ioas == ioas.id ? 1 : 0;
    RequireUsers(IoasRef(ioas.id), ioas.users, holders, rule);
  }
  for (const HwptView& hwpt : now.hwpts) {
    uint32_t holders = 1 + (hwpt.preserved ? 1 : 0);
    for (const DeviceView& device : now.devices) holders += device.attached == hwpt.id ? 1 : 0;
    RequireUsers(HwptRef(hwpt.id), hwpt.users, holders, rule);
  }
  for (const DeviceView& device : now.devices) {
    RequireUsers(DeviceRef(device.id), device.users, 2 + (device.attached != 0 ? 1 : 0), rule);
  }
}

void RequireFile(sim::ObjectRef object, uint32_t refs, uint32_t holders, Ruling rule) {
  rule.Require(refs == holders, object, [&] {
    return "the file of " + std::string(sim::Name(object.kind)) + " " + N(object.number) + " has " +
           N(refs) + " references and " + N(holders) + " holders";
  });
}

// How many sessions preserve an iommufd of those that `counts` says.
template <class Counts>
uint32_t Preserved(const Snapshot& now, Counts counts) {
  uint32_t preserved = 0;
  ForEachPreservedIommufd(
      now, [&](const FileView& file) { preserved += counts(file.file.index) ? 1 : 0; });
  return preserved;
}

void CheckFiles(const Snapshot& now, Ruling rule) {
  for (const IommufdView& iommufd : now.iommufds) {
    uint32_t holders = iommufd.fds;
    for (const DeviceView& device : now.devices) {
      holders += uapi::IommufdOf(device.id) == iommufd.number ? 1 : 0;
    }
    holders += Preserved(now, [&](uint16_t index) { return index == iommufd.number; });
    RequireFile(IommufdRef(iommufd.number), iommufd.refs, holders, rule);
  }
  for (const MemfdView& memfd : now.memfds) {
    RequireFile(MemfdRef(memfd.number), memfd.refs, memfd.holders, rule);
  }
  for (const SessionView& session : now.sessions) {
    RequireFile(SessionRef(session.number), session.refs, session.fds, rule);
  }
}

class ReferenceBalance final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->OnRest<&ReferenceBalance::AtRest>(kAllParts &
                                          ~(Only(Part::kDomains) | Only(Part::kRegistered)));
  }

 private:
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    CheckUsers(now, rule);
    const uint32_t preserved = Preserved(now, [](uint16_t) { return true; });
    rule.Require(now.flb_count == preserved && now.flb_present == (preserved > 0), kFlbRef, [&] {
      return "the FLB has count " + N(now.flb_count) + " for " + N(preserved) +
             " preserved iommufd files";
    });
    CheckFiles(now, rule);
  }
};

}  // namespace

std::unique_ptr<Check> NewI24() { return std::make_unique<ReferenceBalance>(); }

}  // namespace iommufd_check::spec
