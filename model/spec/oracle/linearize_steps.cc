// What one step of a call does (linearize_search.h).
#include <algorithm>

#include "model/sim/errno.h"
#include "model/spec/oracle/linearize_search.h"

namespace iommufd_check::spec::linearize {
void Search::Step(const Node& node, size_t i, std::vector<Node>* next) {
  if (node.progress[i].phase == Phase::kNew) return Enter(node, i, next);
  Act(node, i, next);
}

// The descriptor is looked up when the call begins, and keeps its file until the call ends. It
// matters only when somebody closes one, or has before.
void Search::Enter(const Node& node, size_t i, std::vector<Node>* next) {
  const Call& call = calls_[i].call;
  const uapi::Through through = uapi::SpecOf(call.kind).through;
  const bool session = closes_session_ && call.kind == Kind::kLuoPreserve;
  const bool preserved = PreservesClosing(call);
  Node entered = node;
  entered.progress[i].phase = Phase::kEntered;
  oracle::Iommufd& file = oracle::FileOf(entered.state, call);
  const bool matters = closes_iommufd_ || !file.fd_open;
  const bool iommufd = through == uapi::Through::kIommufd && matters;
  // A device that is bound keeps the context, whatever becomes of the descriptor.
  const bool device = through == uapi::Through::kDevice && matters && file.context;
  if (!iommufd && !device && !session && !preserved) return Act(entered, i, next);
  bool open = !iommufd || file.fd_open;
  if (session) {
    const auto found = entered.state.sessions.find(call.session);
    open = found != entered.state.sessions.end() && !found->second.closed;
  }
  if (open) {
    if (iommufd || device) {
      ++file.holders;
      entered.progress[i].keeps_context = true;
    }
    if (preserved) KeepFile(entered, i, next);
    next->push_back(std::move(entered));
    return;
  }
  foretold_[i].insert(-sim::kEBADF);
  if (calls_[i].reply.result == -sim::kEBADF) Finish(node, i, next);
}

// What is to be preserved is looked up later than the session: now at the earliest, and else when
// the call takes effect.
void Search::KeepFile(Node node, size_t i, std::vector<Node>* next) {
  oracle::Iommufd& file = node.state.iommufds[calls_[i].call.file.index];
  if (!file.fd_open) return;
  ++file.holders;
  node.progress[i].keeps_file = true;
  next->push_back(std::move(node));
}

void Search::Act(const Node& node, size_t i, std::vector<Node>* next) {
  const PastCall& past = calls_[i];
  const bool middle = node.progress[i].phase != Phase::kEntered;
  if (oracle::FailedWithoutEffect(past)) return StepFailed(node, i, next);
  switch (past.call.kind) {
    case Kind::kMap:
    case Kind::kMapFile:
    case Kind::kIoasCopy:
      StepMap(node, i, next);
      break;
    case Kind::kUnmap:
      StepUnmap(node, i, next);
      break;
    case Kind::kDestroy:
      StepDestroy(node, i, next);
      break;
    case Kind::kDeviceUnbind:
      StepUnbind(node, i, next);
      break;
    case Kind::kLuoCloseSession:
      StepClose(node, i, next);
      break;
    default:
      StepWhole(node, i, next);
  }
  const bool between =
      past.call.kind == Kind::kUnmap && node.progress[i].phase == Phase::kMiddle;  // two areas
  if (transient_[i] && (!middle || between)) Finish(node, i, next);
}

// A call with an injected failure has no effect in the end. On its way a map held its IOVA, and a
// HWPT had its domain in the IOAS.
void Search::StepFailed(const Node& node, size_t i, std::vector<Node>* next) {
  const Call& call = calls_[i].call;
  Node changed = node;
  Progress& progress = changed.progress[i];
  if (progress.phase == Phase::kMiddle || progress.phase == Phase::kErasing) {
    if (IsMap(call.kind)) return Erase(std::move(changed), i, next);
    if (--changed.state.leaving[call.id2] == 0) {
      changed.state.leaving.erase(call.id2);
      oracle::DomainGone(changed.state, call.id2);
    }
    return Finish(std::move(changed), i, next);
  }
  StopFailed(node, i, next);
  if (call.kind == Kind::kIoasCopy && progress.phase == Phase::kEntered) {
    return StepTake(node, i, next);
  }
  if (IsMap(call.kind)) {
    progress.held = Insert(changed.state, i).held;
    if (progress.held.bytes == 0) return;
  } else if (call.kind == Kind::kHwptAlloc && changed.state.ioas.contains(call.id2)) {
    if (oracle::AddDomain(changed.state, limits_, call.id2) != 0) return;
    ++changed.state.leaving[call.id2];
  } else {
    return;
  }
  progress.phase = Phase::kMiddle;
  next->push_back(std::move(changed));
}

// It fails before it has shown anything.
void Search::StopFailed(Node node, size_t i, std::vector<Node>* next) {
  if (node.progress[i].phase == Phase::kTaken) oracle::CopyDrop(node.state, i);
  Finish(std::move(node), i, next);
}

// A copy takes its slices, and its source may change from then on.
void Search::StepTake(const Node& node, size_t i, std::vector<Node>* next) {
  const PastCall& past = calls_[i];
  Node changed = node;
  const int error = oracle::CopyTake(changed.state, past.call, i);
  if (error == 0) {
    changed.progress[i].phase = Phase::kTaken;
    next->push_back(std::move(changed));
    return;
  }
  foretold_[i].insert(error);
  if (!past.failed && error == past.reply.result) Finish(node, i, next);
}

oracle::Insertion Search::Insert(State& state, size_t i) const {
  const Call& call = calls_[i].call;
  return call.kind == Kind::kIoasCopy ? oracle::CopyInsert(state, call, i)
                                      : oracle::MapInsert(state, call);
}

// A map that fails takes its areas out one by one.
void Search::Erase(Node node, size_t i, std::vector<Node>* next) {
  Progress& progress = node.progress[i];
  if (progress.held.bytes > 0) oracle::EraseHeld(node.state, calls_[i].call, &progress.held);
  if (progress.held.bytes == 0) return Finish(std::move(node), i, next);
  progress.phase = Phase::kErasing;
  next->push_back(std::move(node));
}

void Search::StepMap(const Node& node, size_t i, std::vector<Node>* next) {
  const PastCall& past = calls_[i];
  Node changed = node;
  Progress& progress = changed.progress[i];
  const int wanted = past.reply_lost ? 0 : past.reply.result;
  if (progress.phase == Phase::kErasing) return Erase(std::move(changed), i, next);
  if (progress.phase == Phase::kEntered && past.call.kind == Kind::kIoasCopy) {
    return StepTake(node, i, next);
  }
  if (progress.phase != Phase::kMiddle) {
    const oracle::Insertion inserted = Insert(changed.state, i);
    progress.held = inserted.held;
    if (inserted.result != 0) {
      foretold_[i].insert(inserted.result);
      if (inserted.result != wanted) return;
      if (progress.held.bytes == 0) return Finish(std::move(changed), i, next);
      progress.phase = Phase::kErasing;
    } else {
      if (wanted == 0 && !past.reply_lost && progress.held.iova != past.reply.iova) return;
      progress.phase = Phase::kMiddle;
    }
    next->push_back(std::move(changed));
    return;
  }
  const bool immutable = changed.state.IoasPreserved(past.call.id);
  if (wanted == -sim::kEBUSY && (transient_[i] || immutable)) {
    return Erase(std::move(changed), i, next);
  }
  const int error = oracle::MapFill(changed.state, limits_, past.call, progress.held);
  foretold_[i].insert(error);
  if (error != wanted) return;
  if (error != 0) return Erase(std::move(changed), i, next);
  Finish(std::move(changed), i, next);
}

void Search::StepUnmap(const Node& node, size_t i, std::vector<Node>* next) {
  const PastCall& past = calls_[i];
  const int wanted = past.reply_lost ? 0 : past.reply.result;
  Node changed = node;
  Progress& progress = changed.progress[i];
  if (progress.phase == Phase::kEntered) {
    const Prediction begun = oracle::UnmapBegin(changed.state, past.call);
    if (begun.result != 0) {
      foretold_[i].insert(begun.result);
      if (begun.result == wanted) Finish(node, i, next);
      return;
    }
    progress.phase = Phase::kMiddle;
    progress.from = past.call.iova;
  }
  if (progress.phase == Phase::kErasing) {
    Node unpinned = node;
    if (oracle::UnmapUnpin(unpinned.state, past.call, progress.from)) {
      next->push_back(std::move(unpinned));
    }
    const auto step = oracle::UnmapErase(changed.state, past.call, progress.from);
    return EndUnmap(std::move(changed), i, step, next);
  }
  if (!meets_areas_[i]) {
    const auto step = oracle::UnmapNext(changed.state, past.call, progress.from);
    return EndUnmap(std::move(changed), i, step, next);
  }
  const auto taken = oracle::UnmapTake(changed.state, past.call, progress.from);
  if (taken.done) return EndUnmap(std::move(changed), i, taken, next);
  progress.phase = Phase::kErasing;
  progress.from = taken.next;
  next->push_back(std::move(changed));
}

// The call goes on behind the area of `step`, or ends.
void Search::EndUnmap(Node node, size_t i, const oracle::UnmapProgress& step,
                      std::vector<Node>* next) {
  const PastCall& past = calls_[i];
  const int wanted = past.reply_lost ? 0 : past.reply.result;
  Progress& progress = node.progress[i];
  progress.phase = Phase::kMiddle;
  progress.bytes += step.bytes;
  progress.from = step.next;
  if (!step.done) {
    next->push_back(std::move(node));
    return;
  }
  Prediction end = oracle::UnmapEnd(past.call, progress.bytes);
  if (step.result != 0) end = Prediction{.result = step.result};
  foretold_[i].insert(end.result);
  const bool same = end.result == wanted &&
                    (past.reply_lost || wanted != 0 || end.unmapped == past.reply.unmapped);
  if (same) Finish(std::move(node), i, next);
}

void Search::StepDestroy(const Node& node, size_t i, std::vector<Node>* next) {
  const PastCall& past = calls_[i];
  Node changed = node;
  Progress& progress = changed.progress[i];
  if (progress.phase == Phase::kMiddle) {  // the domain leaves the IOAS
    const auto ioas = static_cast<uint32_t>(progress.bytes);
    if (--changed.state.leaving[ioas] == 0) changed.state.leaving.erase(ioas);
    oracle::DomainGone(changed.state, ioas);
    return Finish(std::move(changed), i, next);
  }
  const auto hwpt = changed.state.hwpts.find(past.call.id);
  const uint32_t ioas = hwpt == changed.state.hwpts.end() ? 0 : hwpt->second.ioas;
  if (ioas != 0) ++changed.state.leaving[ioas];
  const Prediction predicted = Apply(changed.state, i, false);
  foretold_[i].insert(predicted.result);
  if (predicted.result != past.reply.result) return;
  if (predicted.result != 0) return Finish(node, i, next);
  if (HoldsIoas(node, past.call.id)) return;  // whoever is in the middle holds it
  if (ioas == 0) return Finish(std::move(changed), i, next);
  progress.phase = Phase::kMiddle;
  progress.bytes = ioas;
  answered_[i] = true;
  next->push_back(std::move(changed));
}

// The device is detached first; it is found until nobody holds a short reference (objects.md
// section 7, unbind).
void Search::StepUnbind(const Node& node, size_t i, std::vector<Node>* next) {
  const auto device = node.state.devices.find(calls_[i].call.id);
  const bool attached = device != node.state.devices.end() && device->second.attached != 0;
  if (attached && node.progress[i].phase == Phase::kEntered && calls_[i].reply.result == 0) {
    Node detached = node;
    detached.state.devices.at(calls_[i].call.id).attached = 0;
    detached.progress[i].phase = Phase::kMiddle;
    next->push_back(std::move(detached));
    return;
  }
  StepWhole(node, i, next);
}

void Search::StepClose(const Node& node, size_t i, std::vector<Node>* next) {
  const PastCall& past = calls_[i];
  Node changed = node;
  Progress& progress = changed.progress[i];
  if (progress.phase == Phase::kReleasing) {
    if (HoldsSession(node, past.call.session)) return;
    if (!oracle::ReleaseStep(changed.state, past.call.session)) {
      next->push_back(std::move(changed));
      return;
    }
    return Finish(std::move(changed), i, next);
  }
  const auto session = changed.state.sessions.find(past.call.session);
  const bool open = session != changed.state.sessions.end() && !session->second.closed;
  foretold_[i].insert(open ? 0 : -sim::kEBADF);
  if (!open) {
    if (past.reply.result == -sim::kEBADF) Finish(node, i, next);
    return;
  }
  if (past.reply.result != 0) return;
  session->second.closed = true;
  progress.phase = Phase::kReleasing;
  answered_[i] = true;
  next->push_back(std::move(changed));
}

void Search::StepWhole(const Node& node, size_t i, std::vector<Node>* next) {
  if (Waits(node, i)) return;
  Node changed = node;
  const Prediction predicted = Apply(changed.state, i, node.progress[i].keeps_file);
  foretold_[i].insert(predicted.result);
  if (Matches(changed.state, i, predicted)) Finish(std::move(changed), i, next);
}

// A preserve that waits for a map comes after it.
bool Search::Waits(const Node& node, size_t i) const {
  const Call& call = calls_[i].call;
  if (call.kind != Kind::kLuoPreserve) return false;
  State entered = node.state;  // its session was open when it began
  const auto session = entered.sessions.find(call.session);
  if (closes_session_ && session != entered.sessions.end()) session->second.closed = false;
  if (node.progress[i].keeps_file) entered.iommufds[call.file.index].fd_open = true;
  return oracle::PreserveWaits(entered, limits_, call);
}

bool Search::HoldsSession(const Node& node, uint16_t session) const {
  for (size_t k = 0; k < calls_.size(); ++k) {
    const bool inside = node.progress[k].phase == Phase::kEntered;
    if (inside && calls_[k].call.kind == Kind::kLuoPreserve && calls_[k].call.session == session) {
      return true;
    }
  }
  return false;
}

bool Search::HoldsIoas(const Node& node, uint32_t ioas) const {
  for (size_t k = 0; k < calls_.size(); ++k) {
    const Phase phase = node.progress[k].phase;
    if (phase != Phase::kMiddle && phase != Phase::kErasing) continue;
    const Call& call = calls_[k].call;
    const bool names = IsMap(call.kind) || call.kind == Kind::kUnmap;
    if (names && call.id == ioas) return true;
    if (call.kind == Kind::kHwptAlloc && call.id2 == ioas) return true;
  }
  return false;
}

}  // namespace iommufd_check::spec::linearize
