#include "model/spec/oracle/linearize.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "model/sim/errno.h"
#include "model/spec/oracle/linearize_search.h"

namespace iommufd_check::spec {
namespace linearize {

void Search::Prepare() {
  const size_t n = calls_.size();
  answered_.resize(n);
  foretold_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    by_end_.push_back(i);
    transient_.push_back(oracle::Transient(calls_, i));
    meets_areas_.push_back(std::any_of(calls_.begin(), calls_.end(), [&](const PastCall& other) {
      const bool changes = IsMap(other.call.kind) || other.call.kind == Kind::kUnmap;
      const bool copies = other.call.kind == Kind::kIoasCopy && other.call.id2 == calls_[i].call.id;
      const bool meets = copies || (changes && other.call.id == calls_[i].call.id);
      return &other != &calls_[i] && meets && calls_[i].Overlaps(other);
    }));
    held_.push_back(oracle::HeldByOthers(calls_, i));
    const Kind kind = calls_[i].call.kind;
    closes_iommufd_ = closes_iommufd_ || kind == Kind::kCloseIommufd;
    closes_session_ = closes_session_ || kind == Kind::kLuoCloseSession;
    uint64_t until = calls_[i].end;
    for (const PastCall& other : calls_) {
      if (!calls_[i].Overlaps(other)) continue;
      if (other.call.kind == Kind::kLuoPreserve) until = std::max(until, other.end);
      // Pages are pinned one by one, so a hole may fall between two of them.
      const bool removes =
          other.call.kind == Kind::kMemfdPunchHole || other.call.kind == Kind::kMemfdTruncate;
      if (removes && (IsMap(kind) || kind == Kind::kHwptAlloc)) compare_leaves_ = false;
    }
    release_end_.push_back(until);
  }
  std::sort(by_end_.begin(), by_end_.end(),
            [&](size_t a, size_t b) { return calls_[a].end < calls_[b].end; });
}

// Slices are filled one by one, and areas emptied one by one, so that a copy may share the pages of
// some and pin those of others again.
bool Search::CopyMeetsUnpin() const {
  const auto unpins = [](Kind kind) {
    return kind == Kind::kUnmap || kind == Kind::kDestroy || kind == Kind::kIoasCopy ||
           kind == Kind::kHwptAlloc || kind == Kind::kCloseIommufd || kind == Kind::kDeviceUnbind ||
           kind == Kind::kLuoCloseSession || kind == Kind::kLuoPreserve;
  };
  for (const PastCall& copy : calls_) {
    if (copy.call.kind != Kind::kIoasCopy) continue;
    for (const PastCall& other : calls_) {
      if (&other != &copy && unpins(other.call.kind) && copy.Overlaps(other)) return true;
    }
  }
  return false;
}

// May a page that is pinned be another than the one that would be pinned now?
bool Search::PagesWereRemoved(const State& before) const {
  const auto is_stale = [&](const oracle::Area& area) {
    const auto memfd = before.memfds.find(area.memfd);
    if (memfd == before.memfds.end()) return !area.versions.empty();
    for (size_t i = 0; i < area.versions.size(); ++i) {
      if (area.versions[i] != memfd->second.VersionOf(area.first_page() + i)) return true;
    }
    return false;
  };
  for (const auto& [id, ioas] : before.ioas) {
    for (const auto& [first, area] : ioas.areas) {
      if (is_stale(area)) return true;
    }
  }
  return std::any_of(calls_.begin(), calls_.end(), [](const PastCall& past) {
    return past.call.kind == Kind::kMemfdPunchHole || past.call.kind == Kind::kMemfdTruncate;
  });
}

bool Search::Ready(const Node& node, size_t i) const {
  for (size_t k = 0; k < calls_.size(); ++k) {
    if (k == i || node.progress[k].phase == Phase::kDone) continue;
    const uint64_t end =
        node.progress[k].phase == Phase::kReleasing ? release_end_[k] : calls_[k].end;
    if (end < calls_[i].begin) return false;
  }
  return true;
}

bool Search::Known(const Node& node) {
  std::string phases;
  for (const Progress& each : node.progress) phases.push_back(static_cast<char>(each.phase));
  std::vector<Node>& alike = known_[phases];
  if (std::find(alike.begin(), alike.end(), node) != alike.end()) return true;
  alike.push_back(node);
  return false;
}

bool Search::Finished(const Node& node) {
  std::string difference = oracle::Difference(node.state, after_, compare_leaves_);
  if (difference.empty()) return true;
  if (difference_.empty()) difference_ = std::move(difference);
  return false;
}

// True when an order was found from here.
bool Search::Visit(const Node& node) {
  if (++nodes_ > max_nodes_) gave_up_ = true;
  if (gave_up_) return false;
  bool all_done = true;
  std::vector<Node> next;
  for (const size_t i : by_end_) {
    if (node.progress[i].phase == Phase::kDone) continue;
    all_done = false;
    if (!Ready(node, i)) continue;
    next.clear();
    Step(node, i, &next);
    for (const Node& each : next) {
      if (!Known(each) && Visit(each)) return true;
      if (gave_up_) return false;
    }
  }
  return all_done && Finished(node);
}

void Search::Finish(Node node, size_t i, std::vector<Node>* next) {
  answered_[i] = true;
  const Call& call = calls_[i].call;
  const Progress progress = std::exchange(node.progress[i], Progress{.phase = Phase::kDone});
  const auto put = [&](uint16_t iommufd) {
    --node.state.iommufds[iommufd].holders;
    oracle::ReleaseIfUnused(node.state, iommufd);
  };
  if (progress.keeps_context) put(call.iommufd);
  if (progress.keeps_file) put(call.file.index);
  next->push_back(std::move(node));
}

namespace {

std::string AnswerText(int result) {
  return result == 0 ? "0" : std::string(sim::ErrnoName(result));
}

}  // namespace

// The first call, in the order in which they ended, whose answer no order documents; else the last.
Linearization Search::Accuse() const {
  Linearization found;
  found.verdict = Linearization::Verdict::kUnexplained;
  found.nodes = nodes_;
  for (const size_t i : by_end_) {
    if (answered_[i]) continue;
    found.call = i;
    std::string documented;
    for (const int result : foretold_[i]) {
      documented += (documented.empty() ? "" : " or ") + AnswerText(result);
    }
    const bool errno_differs = foretold_[i].count(calls_[i].reply.result) == 0;
    found.detail = "the call answers " + AnswerText(calls_[i].reply.result);
    if (!errno_differs) found.detail += " with outputs";
    found.detail += " that no order of the overlapping calls documents";
    if (!documented.empty() && errno_differs) found.detail += ", they document " + documented;
    return found;
  }
  found.call = by_end_.back();
  found.detail = difference_.empty()
                     ? "no one order of the " + std::to_string(calls_.size()) +
                           " concurrent calls documents all their answers"
                     : "in no order do the concurrent calls leave this: " + difference_;
  return found;
}

Linearization Search::Run(const State& before) {
  if (CopyMeetsUnpin() && PagesWereRemoved(before)) compare_leaves_ = false;
  Node root{before, std::vector<Progress>(calls_.size())};
  const bool explained = Visit(root);
  if (!explained && !gave_up_) return Accuse();
  Linearization result;
  result.verdict =
      explained ? Linearization::Verdict::kExplained : Linearization::Verdict::kNotJudged;
  result.nodes = nodes_;
  return result;
}

}  // namespace linearize

namespace {

// Has the call written an output that it does not have?
bool WritesForeignOutput(const PastCall& past) {
  const Call::Kind kind = past.call.kind;
  const uapi::OperationSpec& spec = uapi::SpecOf(kind);
  const bool creates = uapi::Accepts(uapi::ArgumentKind::kObject, spec.result);
  const bool maps = spec.Has(uapi::kAddsAreas);
  return (past.reply.created_id != 0 && !creates) || (past.reply.iova != 0 && !maps) ||
         (past.reply.unmapped != 0 && kind != Call::Kind::kUnmap) ||
         (past.reply.session != kNoSession && kind != Call::Kind::kLuoCreateSession);
}

}  // namespace

Linearization Linearize(const Limits& limits, const oracle::State& before,
                        const std::vector<PastCall>& calls, const Snapshot& after,
                        uint64_t max_nodes) {
  if (calls.empty()) return {};
  for (size_t i = 0; i < calls.size(); ++i) {
    if (!WritesForeignOutput(calls[i])) continue;
    return {.verdict = Linearization::Verdict::kUnexplained,
            .call = i,
            .detail = "the call writes an output that it does not have"};
  }
  return linearize::Search(limits, calls, after, max_nodes).Run(before);
}

bool oracle::FailedWithoutEffect(const PastCall& past) {
  const bool keeps = past.reply_lost && uapi::SpecOf(past.call.kind).Has(uapi::kKeepsEffect);
  return past.failed && past.reply.result < 0 && !keeps;
}

namespace {

// A call looks up the descriptor that it is made on before it can fail in another way.
bool DescriptorIsOpen(const oracle::State& state, const Call& call) {
  if (OnIommufd(call.kind)) return state.iommufds[call.iommufd].fd_open;
  return call.kind != Call::Kind::kLuoPreserve || state.sessions.contains(call.session);
}

// The call runs alone. False: not with what it answered.
bool Follow(const Limits& limits, const PastCall& past, oracle::State* state) {
  if (oracle::FailedWithoutEffect(past)) return DescriptorIsOpen(*state, past.call);
  const Prediction predicted = oracle::Apply(*state, limits, past.call);
  if (past.reply_lost) return predicted.result == 0;
  return ReplyDifference(predicted, past.reply).empty();
}

}  // namespace

bool ExplainedInOrder(const Limits& limits, const oracle::State& before,
                      const std::vector<PastCall>& calls, const Snapshot& after) {
  absl::InlinedVector<const PastCall*, 16> by_end;
  for (const PastCall& past : calls) by_end.push_back(&past);
  std::sort(by_end.begin(), by_end.end(),
            [](const PastCall* a, const PastCall* b) { return a->end < b->end; });
  oracle::State state = before;
  for (const PastCall* past : by_end) {
    if (WritesForeignOutput(*past) || !Follow(limits, *past, &state)) return false;
  }
  return oracle::Difference(state, after).empty();
}

}  // namespace iommufd_check::spec
