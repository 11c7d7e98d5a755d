#include "model/sim/errno.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

class MarkContract final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&MarkContract::OnReturn>();
    to->On<&MarkContract::OnUnexplained>();
  }

 private:
  void OnReturn(const Returned& returned, const Evidence&, Ruling rule) const {
    const bool wrong = !returned.answer_difference.value_or("").empty();
    if (IsMark(returned.call)) {
      rule.Arm();
      if (wrong) rule.Violate({}, *returned.answer_difference);
    } else if (wrong && returned.call.kind == Call::Kind::kDestroy &&
               returned.reply.result == -sim::kEBUSY) {
      const HwptView* hwpt = returned.now->FindHwpt(returned.call.id);
      if (hwpt != nullptr && hwpt->marked) {
        rule.Violate({}, "a mark prevents the destroy of its hwpt");
      }
    }
  }

  void OnUnexplained(const Unexplained& answer, const Evidence&, Ruling rule) const {
    if (IsMark(answer.call)) rule.Violate({}, answer.why);
  }
};

}  // namespace

std::unique_ptr<Check> NewI13() { return std::make_unique<MarkContract>(); }

}  // namespace iommufd_check::spec
