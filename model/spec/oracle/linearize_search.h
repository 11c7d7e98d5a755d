// The search of linearize.h: a node is a state and how far each call is. linearize.cc walks;
// linearize_steps.cc knows what one step of a call does.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/spec/oracle/linearize.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec::linearize {

using Kind = Call::Kind;
using oracle::State;

// How far one call is.
struct Progress {
  enum class Phase : uint8_t { kNew, kEntered, kTaken, kMiddle, kErasing, kReleasing, kDone };
  Phase phase = Phase::kNew;
  Iova from = 0;               // of an unmap: where it goes on
  uint64_t bytes = 0;          // of an unmap: so far
  oracle::Held held;           // of a map or copy
  bool keeps_file = false;     // of a preserve of an iommufd: it has looked its descriptor up
  bool keeps_context = false;  // the iommufd that it is made on stays until it ends
  friend bool operator==(const Progress&, const Progress&) = default;
};
using Phase = Progress::Phase;

struct Node {
  State state;
  std::vector<Progress> progress;
  friend bool operator==(const Node&, const Node&) = default;
};

class Search {
 public:
  Search(const Limits& limits, const std::vector<PastCall>& calls, const Snapshot& after,
         uint64_t max_nodes)
      : limits_(limits), calls_(calls), after_(after), max_nodes_(max_nodes) {
    Prepare();
  }

  Linearization Run(const State& before);

 private:
  void Prepare();
  bool CopyMeetsUnpin() const;
  bool PagesWereRemoved(const State& before) const;
  bool Visit(const Node& node);
  bool Known(const Node& node);
  bool Finished(const Node& node);
  // May call i take a step: has everything that ended before it began been done?
  bool Ready(const Node& node, size_t i) const;
  // Each puts the nodes that one step of call i leads to into `next`.
  void Step(const Node& node, size_t i, std::vector<Node>* next);
  void Enter(const Node& node, size_t i, std::vector<Node>* next);
  void KeepFile(Node node, size_t i, std::vector<Node>* next);
  void Act(const Node& node, size_t i, std::vector<Node>* next);
  void StepMap(const Node& node, size_t i, std::vector<Node>* next);
  void StepTake(const Node& node, size_t i, std::vector<Node>* next);
  oracle::Insertion Insert(State& state, size_t i) const;
  void Erase(Node node, size_t i, std::vector<Node>* next);
  void StepUnmap(const Node& node, size_t i, std::vector<Node>* next);
  void EndUnmap(Node node, size_t i, const oracle::UnmapProgress& step, std::vector<Node>* next);
  void StepDestroy(const Node& node, size_t i, std::vector<Node>* next);
  void StepUnbind(const Node& node, size_t i, std::vector<Node>* next);
  void StepClose(const Node& node, size_t i, std::vector<Node>* next);
  void StepFailed(const Node& node, size_t i, std::vector<Node>* next);
  void StopFailed(Node node, size_t i, std::vector<Node>* next);
  void StepWhole(const Node& node, size_t i, std::vector<Node>* next);
  bool Waits(const Node& node, size_t i) const;
  // The call preserves an iommufd that somebody closes meanwhile.
  bool PreservesClosing(const Call& call) const {
    return closes_iommufd_ && call.kind == Call::Kind::kLuoPreserve &&
           call.file.kind == mm::FileRef::Kind::kIommufd;
  }
  Prediction Apply(State& state, size_t i, bool keeps_file) const;
  // The answer is the predicted one, ids apart; moves a new object to the id that it got.
  bool Matches(State& state, size_t i, Prediction predicted);
  bool MoveCreated(State& state, size_t i, Prediction* predicted) const;
  void Finish(Node node, size_t i, std::vector<Node>* next);
  bool HoldsSession(const Node& node, uint16_t session) const;
  bool HoldsIoas(const Node& node, uint32_t ioas) const;
  Linearization Accuse() const;

  const Limits& limits_;
  const std::vector<PastCall>& calls_;
  const Snapshot& after_;
  const uint64_t max_nodes_;
  uint64_t nodes_ = 0;
  bool gave_up_ = false;
  bool closes_iommufd_ = false;
  bool closes_session_ = false;
  bool compare_leaves_ = true;
  std::vector<size_t> by_end_;
  std::vector<bool> transient_;
  // Of an unmap: others change areas of its IOAS meanwhile, or copy them.
  std::vector<bool> meets_areas_;
  std::vector<uint32_t> held_;
  std::vector<uint64_t> release_end_;    // of a close: until when the release may take
  std::vector<bool> answered_;           // in some node
  std::vector<std::set<int>> foretold_;  // answers that some node documents
  std::string difference_;               // of the state after an order that explains all answers
  std::map<std::string, std::vector<Node>> known_;  // by the phases of all calls
};

// Puts areas into the first IOAS that the call names.
inline bool IsMap(Call::Kind kind) { return uapi::SpecOf(kind).Has(uapi::kAddsAreas); }

}  // namespace iommufd_check::spec::linearize
