// What a call answers where one order puts it, against what it did answer (linearize_search.h).
#include <algorithm>

#include "model/sim/errno.h"
#include "model/spec/oracle/linearize_search.h"

namespace iommufd_check::spec::linearize {
namespace {

// How many numbers from `lowest`, the one that was predicted and is free for that, below `got`.
template <class Taken>
uint32_t FreeBelow(uint32_t lowest, uint32_t got, Taken taken) {
  uint32_t free = 1;
  for (uint32_t n = lowest + 1; n < got; ++n) free += taken(n) ? 0 : 1;
  return free;
}

}  // namespace

Prediction Search::Apply(State& state, size_t i, bool keeps_file) const {
  const Call& call = calls_[i].call;
  if (!OnIommufd(call.kind) && call.kind != Kind::kLuoPreserve) {
    return oracle::Apply(state, limits_, call);
  }
  // The descriptor was open when the call began.
  oracle::Iommufd& file = oracle::FileOf(state, call);
  const bool fd_open = file.fd_open;
  const auto session = state.sessions.find(call.session);
  const bool luo = call.kind == Kind::kLuoPreserve && session != state.sessions.end();
  const bool closed = luo && session->second.closed;
  if (closes_iommufd_ && OnIommufd(call.kind)) file.fd_open = true;
  if (closes_session_ && luo) session->second.closed = false;
  oracle::Iommufd& kept = keeps_file ? state.iommufds[call.file.index] : file;
  const bool kept_open = kept.fd_open;
  if (keeps_file) kept.fd_open = true;
  const Prediction predicted = oracle::Apply(state, limits_, call);
  kept.fd_open = kept_open;
  file.fd_open = fd_open;
  if (luo) session->second.closed = closed;
  return predicted;
}

bool Search::MoveCreated(State& state, size_t i, Prediction* predicted) const {
  const uint32_t got = calls_[i].reply.created_id;
  const uint32_t lowest = predicted->created_id;
  if (got == lowest || got == 0) return got == lowest;
  if (state.Exists(got) || got < lowest) return false;
  const auto taken = [&](uint32_t id) { return state.Exists(id); };
  if (FreeBelow(lowest, got, taken) > held_[i]) return false;
  const auto move = [&](auto& objects) {
    auto node = objects.extract(lowest);
    if (node.empty()) return;
    node.key() = got;
    objects.insert(std::move(node));
  };
  move(state.ioas);
  move(state.hwpts);
  move(state.devices);
  predicted->created_id = got;
  return true;
}

bool Search::Matches(State& state, size_t i, Prediction predicted) {
  const PastCall& past = calls_[i];
  if (past.reply_lost) return predicted.result == 0;
  if (predicted.result != past.reply.result) return false;
  if (predicted.result != 0) return true;
  if (predicted.created_id != 0 && !MoveCreated(state, i, &predicted)) return false;
  const uint16_t got = past.reply.session;
  if (predicted.session != kNoSession && got != predicted.session) {
    const bool free = got != kNoSession && !state.sessions.contains(got);
    if (!free || got < predicted.session) return false;
    const auto taken = [&](uint32_t n) {
      return state.sessions.contains(static_cast<uint16_t>(n));
    };
    if (FreeBelow(predicted.session, got, taken) > held_[i]) return false;
    auto node = state.sessions.extract(predicted.session);
    node.key() = got;
    state.sessions.insert(std::move(node));
    predicted.session = got;
  }
  return ReplyDifference(predicted, past.reply).empty();
}

}  // namespace iommufd_check::spec::linearize
