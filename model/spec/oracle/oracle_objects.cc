// Ids, devices, HWPTs and the end of objects (objects.md sections 2-7, uapi.md 4.1, 4.2, 4.12).
#include <algorithm>

#include "model/sim/check.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec::oracle {
namespace {

bool IsAttachedTo(const State& state, uint32_t hwpt) {
  return std::any_of(state.devices.begin(), state.devices.end(),
                     [&](const auto& device) { return device.second.attached == hwpt; });
}

bool IsBound(const State& state, uint16_t endpoint) {
  return std::any_of(state.devices.begin(), state.devices.end(),
                     [&](const auto& device) { return device.second.endpoint == endpoint; });
}

// Somebody besides the table holds it (objects.md section 4).
bool HasUsers(const State& state, const Limits& limits, uint32_t id) {
  if (state.devices.contains(id)) return true;  // its driver
  if (state.ioas.contains(id)) return state.HwptsOn(id) > 0;
  IOMMUFD_CHECK(state.hwpts.contains(id), "an id names an IOAS, a HWPT or a device");
  using uapi::Contract;
  const bool held = limits.contract.destroy_preserved == Contract::DestroyPreserved::kRefused;
  return IsAttachedTo(state, id) || (held && state.HwptPreserved(id));
}

}  // namespace

Prediction IoasAlloc(State& state, const Limits&, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  const uint32_t id = state.FreeId(call.iommufd);
  state.ioas[id] = Ioas{};
  IOMMUFD_CHECK(state.HwptsOn(id) == 0, "no HWPT outlives its IOAS");
  return Prediction{.created_id = id};
}

Prediction DeviceBind(State& state, const Limits& limits, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  if (call.index >= limits.endpoints) return Fails(sim::kENODEV);
  if (IsBound(state, call.index)) return Fails(sim::kEBUSY);
  const uint32_t id = state.FreeId(call.iommufd);
  state.devices[id] = Device{.endpoint = call.index};
  return Prediction{.created_id = id};
}

// Through the device's own descriptor, which works as long as the device is bound.
Prediction DeviceUnbind(State& state, const Limits&, const Call& call) {
  if (state.devices.erase(call.id) == 0) return Fails(sim::kENOENT);
  IOMMUFD_CHECK(FileOf(state, call).context, "a bound device keeps its context");
  ReleaseIfUnused(state, call.iommufd);
  return {};
}

Prediction DeviceAttach(State& state, const Limits&, const Call& call) {
  const auto device = state.devices.find(call.id);
  if (device == state.devices.end()) return Fails(sim::kENOENT);
  if (!state.Exists(call.id2)) return Fails(sim::kENOENT);
  if (!state.hwpts.contains(call.id2)) return Fails(sim::kEINVAL);
  if (device->second.attached != 0) return Fails(sim::kEBUSY);
  device->second.attached = call.id2;
  return {};
}

Prediction DeviceDetach(State& state, const Limits&, const Call& call) {
  const auto device = state.devices.find(call.id);
  if (device == state.devices.end()) return Fails(sim::kENOENT);
  device->second.attached = 0;
  return {};
}

Prediction HwptAlloc(State& state, const Limits& limits, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  if (!state.devices.contains(call.id)) return Fails(sim::kENOENT);
  if (state.hwpts.contains(call.id2)) return Fails(sim::kEOPNOTSUPP);  // nested
  if (!state.ioas.contains(call.id2)) return Fails(sim::kEINVAL);
  const int error = AddDomain(state, limits, call.id2);
  if (error != 0) return Prediction{.result = error};
  const uint32_t id = state.FreeId(call.iommufd);
  state.hwpts[id] = Hwpt{.ioas = call.id2};
  IOMMUFD_CHECK(!state.HwptPreserved(id), "a new HWPT is not marked");
  return Prediction{.created_id = id};
}

Prediction Destroy(State& state, const Limits& limits, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  if (!state.Exists(call.id)) return Fails(sim::kENOENT);
  if (HasUsers(state, limits, call.id)) return Fails(sim::kEBUSY);
  const auto hwpt = state.hwpts.find(call.id);
  if (hwpt == state.hwpts.end()) {
    state.ioas.erase(call.id);
    return {};
  }
  const uint32_t ioas_id = hwpt->second.ioas;
  state.hwpts.erase(hwpt);
  DomainGone(state, ioas_id);
  return {};
}

Prediction CloseIommufd(State& state, const Limits&, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  FileOf(state, call).fd_open = false;
  ReleaseIfUnused(state, call.iommufd);
  return {};
}

}  // namespace iommufd_check::spec::oracle
