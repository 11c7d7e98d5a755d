#include "model/spec/oracle/oracle.h"

#include <algorithm>
#include <initializer_list>

#include "model/sim/check.h"
#include "model/sim/errno.h"
#include "model/spec/oracle/oracle_leaves.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec {
namespace {

using sim::Errno;
using Kind = Call::Kind;
using Errnos = std::initializer_list<Errno>;

bool Contains(Errnos errnos, int result) {
  return std::any_of(errnos.begin(), errnos.end(), [&](Errno e) { return result == -e; });
}

// Answers other than of a copy that faulted.
bool IsAnswer(Kind kind, int result) {
  using namespace sim;
  switch (kind) {
#define A(...)
#define OPERATION(id, name, creates, through, traits, weight, faults, arguments, errnos) \
  case Kind::k##id:                                                                      \
    return Contains({errnos}, result);
#include "model/uapi/operations.def"
    case Kind::kCount:
      break;
  }
  IOMMUFD_CHECK(false, "a call of an unknown kind");
}

}  // namespace

Prediction oracle::Apply(State& state, const Limits& limits, const Call& call) {
  switch (call.kind) {
#define A(...)
#define OPERATION(id, ...) \
  case Kind::k##id:        \
    return oracle::id(state, limits, call);
#include "model/uapi/operations.def"
    case Kind::kCount:
      break;
  }
  IOMMUFD_CHECK(false, "a call of an unknown kind");
}

std::string ReplyDifference(const Prediction& predicted, const Reply& reply) {
  const auto answer = [](int result) {
    return result == 0 ? std::string("0") : std::string(sim::ErrnoName(result));
  };
  if (reply.result != predicted.result) {
    return "the call answers " + answer(reply.result) + ", documented is " +
           answer(predicted.result);
  }
  const Prediction wanted = predicted.result == 0 ? predicted : Prediction{predicted.result};
  if (reply.created_id != wanted.created_id) {
    return "the new object has id " + uapi::NumberText(reply.created_id) +
           ", the lowest free one is " + uapi::NumberText(wanted.created_id);
  }
  if (reply.iova != wanted.iova) {
    return "the call answers iova " + oracle::Hex(reply.iova) + ", documented is " +
           oracle::Hex(wanted.iova);
  }
  if (reply.unmapped != wanted.unmapped) {
    return "the call answers that " + oracle::Hex(reply.unmapped) +
           " bytes were unmapped, documented is " + oracle::Hex(wanted.unmapped);
  }
  if (reply.session == wanted.session) return "";
  return "the new session has number " + std::to_string(reply.session) +
         ", the lowest free one is " + std::to_string(wanted.session);
}

void Oracle::Restart(const Limits& limits, const Snapshot& observed) {
  limits_ = limits;
  state_ = oracle::StateOf(observed);
}

Prediction Oracle::Apply(const Call& call) {
  const Prediction prediction = oracle::Apply(state_, limits_, call);
  IOMMUFD_CHECK(prediction.result <= 0, "calls answer 0 or a negative errno");
  IOMMUFD_CHECK(prediction.result == 0 || IsAnswer(call.kind, prediction.result),
                "a predicted errno is a documented one");
  return prediction;
}

void Oracle::ApplyFailed(const Call& call, int result, bool answer_lost) {
  IOMMUFD_CHECK(result < 0, "a call that failed answers a negative errno");
  if (answer_lost && uapi::SpecOf(call.kind).Has(uapi::kKeepsEffect))
    oracle::Apply(state_, limits_, call);
}

bool Oracle::MayAnswer(Call::Kind kind, int result, LostCopy lost) {
  IOMMUFD_CHECK(result < 0, "success is always possible");
  if (lost == LostCopy::kReply)
    return uapi::SpecOf(kind).Has(uapi::kReplies) && result == -sim::kEFAULT;
  if (lost == LostCopy::kArguments)
    return uapi::SpecOf(kind).Has(uapi::kIoctl) && result == -sim::kEFAULT;
  return IsAnswer(kind, result);
}

std::string Oracle::Compare(const Snapshot& observed) const {
  return oracle::Difference(state_, observed);
}

}  // namespace iommufd_check::spec
