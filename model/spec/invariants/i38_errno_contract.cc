#include "model/sim/errno.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

std::string Answer(int result) { return result == 0 ? "0" : std::string(sim::ErrnoName(result)); }

// What holds whatever other tasks and failures do: a failing call answers a documented errno, and
// nothing else.
void CheckFailure(const Returned& returned, Ruling rule) {
  const int result = returned.reply.result;
  if (result >= 0) return;
  const std::string outputs = ReplyDifference(Prediction{.result = result}, returned.reply);
  if (!outputs.empty()) rule.Violate({}, outputs);
  if (!Oracle::MayAnswer(returned.call.kind, result, returned.lost)) {
    rule.Violate({}, "the call answers " + Answer(result) + ", which is documented for no state");
  }
}

// The answers of the mark ioctl are I13's.
class ErrnoContract final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&ErrnoContract::OnReturn>();
    to->On<&ErrnoContract::OnUnexplained>();
  }

 private:
  void OnReturn(const Returned& returned, const Evidence&, Ruling rule) const {
    rule.Arm();
    if (!returned.answer_difference.has_value()) {
      CheckFailure(returned, rule);
    } else if (!returned.answer_difference->empty() && !IsMark(returned.call)) {
      rule.Violate({}, *returned.answer_difference);
    }
    if (!returned.state_difference.empty()) rule.Violate({}, returned.state_difference);
  }

  void OnUnexplained(const Unexplained& answer, const Evidence&, Ruling rule) const {
    if (!IsMark(answer.call)) rule.Violate({}, answer.why);
  }
};

}  // namespace

std::unique_ptr<Check> NewI38() { return std::make_unique<ErrnoContract>(); }

}  // namespace iommufd_check::spec
