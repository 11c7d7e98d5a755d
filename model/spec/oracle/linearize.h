// Linearizability of the calls of one program: are the answers of calls that overlapped, and the
// state that they leave, those of some order of them?
//
// Orders respect real time: a call that ended before another began comes first. Most calls take
// effect at one instant; those that the specification describes in steps (a map holds its IOVA
// before its pages are there, a copy has left its source by then, an unmap goes area by area, a
// session is released file by file, the domain of a HWPT outlives its id) are searched step by
// step. Answers that are documented only while another call is on its way are in Transient. Depth
// first, with the states seen before remembered (Wing and Gong, Lowe).
//
// A violation here has no order at all: when the search gives up, it says so and accuses nobody.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/spec/oracle/oracle.h"

namespace iommufd_check::spec {

// Is the call made on an iommufd (and not through the descriptor of a device)?
inline bool OnIommufd(Call::Kind kind) {
  return uapi::SpecOf(kind).through == uapi::Through::kIommufd;
}

// A call that has ended. `begin` and `end` are instants of one clock, all different.
struct PastCall {
  Call call;
  Reply reply;
  uint64_t begin = 0;
  uint64_t end = 0;
  bool failed = false;      // a failure was injected into it
  bool reply_lost = false;  // namely that of copy_to_user

  bool Overlaps(const PastCall& other) const { return begin < other.end && other.begin < end; }
};

struct Linearization {
  enum class Verdict : uint8_t {
    kExplained,
    kUnexplained,
    kNotJudged,  // the budget ended
  };
  Verdict verdict = Verdict::kExplained;
  size_t call = 0;     // kUnexplained: the one to report
  std::string detail;  // kUnexplained: a clause
  uint64_t nodes = 0;  // that the search visited
};

inline constexpr uint64_t kLinearizationNodes = 20000;

// `before`: the oracle's state before all of them; `after`: what the machine shows after all.
// REQUIRES: no other call in between.
Linearization Linearize(const Limits& limits, const oracle::State& before,
                        const std::vector<PastCall>& calls, const Snapshot& after,
                        uint64_t max_nodes = kLinearizationNodes);

// Do the calls, one whole call after the other in the order in which they ended, answer and leave
// that? Then Linearize finds kExplained, since this is one of its orders: the one it looks at
// first, at a fraction of the cost. False says nothing.
bool ExplainedInOrder(const Limits& limits, const oracle::State& before,
                      const std::vector<PastCall>& calls, const Snapshot& after);

namespace oracle {

// The call had an injected failure and no effect in the end.
bool FailedWithoutEffect(const PastCall& past);

// Is the negative answer of calls[i] documented by what an overlapping call is about to do or to
// undo, with no effect of its own? Each rule stands with its source in transient.cc.
bool Transient(const std::vector<PastCall>& calls, size_t i);

// How many ids (or session numbers) above the lowest free one calls[i] may get, since others hold
// one that they are about to give back.
uint32_t HeldByOthers(const std::vector<PastCall>& calls, size_t i);

}  // namespace oracle
}  // namespace iommufd_check::spec
