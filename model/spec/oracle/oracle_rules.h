// The rules of the oracle: one function per system call, from the state before to the answer and
// the state after. Nothing fails here but for the reasons that the specification gives.
//
// Checks stand in the order in which the specification numbers them.
#pragma once

#include "model/sim/errno.h"
#include "model/spec/oracle/oracle.h"
#include "model/spec/oracle/oracle_state.h"

namespace iommufd_check::spec::oracle {

// The iommufd that the call is made on.
inline Iommufd& FileOf(State& state, const Call& call) { return state.iommufds[call.iommufd]; }

inline Prediction Fails(sim::Errno error) { return Prediction{.result = -error}; }

// One for each row: IoasAlloc(state, limits, call) and so on. Objects and devices (objects.md;
// uapi.md 4.1, 4.2, 4.12) are in oracle_objects.cc, areas (uapi.md 4.5, 4.6, 4.8; io_pagetable.md
// sections 2-7) in oracle_ioas.cc, files of memory (luo_kho.md section 7) in oracle_memfd.cc, live
// update (luo_kho.md section 3; what revisions differ in: the design's contract) in oracle_luo.cc.
#define A(...)
#define OPERATION(id, ...) Prediction id(State& state, const Limits& limits, const Call& call);
#include "model/uapi/operations.def"

// Map and unmap in the steps between which other calls come in (io_pagetable.md sections 3 and 5);
// the descriptor is open. Steps 1 to 3 of a map: the area takes its IOVA, unfinished.
Prediction MapInsert(State& state, const Call& call);
// Steps 4 and 5: its pages are pinned and it is published, or it goes again. 0 or a negative errno.
int MapFill(State& state, const Limits& limits, uint32_t ioas_id, Iova iova);
Prediction UnmapBegin(const State& state, const Call& call);
struct UnmapProgress {
  int result = 0;      // negative: the call ends with it
  uint64_t bytes = 0;  // that went
  bool done = false;
  Iova next = 0;  // where the next step begins, when not done
};
// One area: the lowest of the call's range that is not below `from`. It is taken apart first (what
// UnmapTake left is unfinished) and out of the tree then.
UnmapProgress UnmapNext(State& state, const Call& call, Iova from);
// The first half alone: marks the area and returns as UnmapNext does, `next` being its first IOVA
// when there is one to erase. The second half: bytes that went.
UnmapProgress UnmapTake(State& state, const Call& call, Iova from);
UnmapProgress UnmapErase(State& state, const Call& call, Iova first);
Prediction UnmapEnd(const Call& call, uint64_t bytes);
// A domain joins the IOAS: 0, or a negative errno and nothing changes.
int AddDomain(State& state, const Limits& limits, uint32_t ioas_id);
// To be called when the HWPT is out of the state.
void DomainGone(State& state, uint32_t ioas_id);

// Pins the pages of an area, or says why they cannot be (io_pagetable.md section 8, Backings).
int Pin(const State& state, const Limits& limits, Area* area);
uint64_t UserAddress(uint16_t buffer, uint64_t offset);

// The release of a session whose descriptor is closed, file by file, last first; the session goes
// with its last step, which returns true.
bool ReleaseStep(State& state, uint16_t session);
// Does a preserve of the iommufd take effect only after a map that is in flight here?
bool PreserveWaits(const State& state, const Limits& limits, const Call& call);

// The state that is behind what is observed: oracle_restart.cc.
State StateOf(const Snapshot& observed);
// The first difference, or empty; with `leaves` also of what the domains map: oracle_compare.cc.
std::string Difference(const State& state, const Snapshot& observed, bool leaves = true);

// The rule of the call's kind: oracle.cc.
Prediction Apply(State& state, const Limits& limits, const Call& call);

}  // namespace iommufd_check::spec::oracle
