// The rules of the oracle: one function per system call, from the state before to the answer and
// the state after. Nothing fails here but for the reasons that the specification gives.
//
// Checks stand in the order in which the specification numbers them.
#pragma once

#include "model/sim/errno.h"
#include "model/spec/oracle.h"
#include "model/spec/oracle_state.h"

namespace iommufd_check::spec::oracle {

inline Prediction Fails(sim::Errno error) { return Prediction{.result = -error}; }

// Objects and devices (objects.md; uapi.md 4.1, 4.2, 4.12): oracle_objects.cc.
Prediction IoasAlloc(State& state);
Prediction DeviceBind(State& state, const Limits& limits, const Call& call);
Prediction DeviceUnbind(State& state, const Call& call);
Prediction DeviceAttach(State& state, const Call& call);
Prediction DeviceDetach(State& state, const Call& call);
Prediction HwptAlloc(State& state, const Limits& limits, const Call& call);
Prediction Destroy(State& state, const Call& call);
Prediction CloseIommufd(State& state);

// Areas (uapi.md 4.5, 4.6, 4.8; io_pagetable.md sections 2-7): oracle_ioas.cc.
Prediction Map(State& state, const Limits& limits, const Call& call);
Prediction Unmap(State& state, const Call& call);
// A domain joins the IOAS: 0, or a negative errno and nothing changes.
int AddDomain(State& state, const Limits& limits, uint32_t ioas_id);
// To be called when the HWPT is out of the state.
void DomainGone(State& state, uint32_t ioas_id);

// Files of memory (luo_kho.md section 7): oracle_memfd.cc.
Prediction MemfdSeal(State& state, const Call& call);
Prediction MemfdPunchHole(State& state, const Call& call);
Prediction MemfdTruncate(State& state, const Limits& limits, const Call& call);
// Pins the pages of an area, or says why they cannot be (io_pagetable.md section 8, Backings).
int Pin(const State& state, const Limits& limits, Area* area);
uint64_t UserAddress(uint16_t buffer, uint64_t offset);

// Live update (luo_kho.md section 3; the contract of the reference design): oracle_luo.cc.
Prediction LuoCreateSession(State& state, const Call& call);
Prediction LuoPreserve(State& state, const Call& call);
Prediction LuoCloseSession(State& state, const Call& call);
Prediction LuMark(State& state, const Call& call);

// The state that is behind what is observed: oracle_restart.cc.
State StateOf(const Snapshot& observed);
// The first difference, or empty: oracle_compare.cc.
std::string Difference(const State& state, const Snapshot& observed);

}  // namespace iommufd_check::spec::oracle
