#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

struct Looked {
  std::string mark_changed;  // by another task, since this preserve looked at a mark last
};

class MarkSetFrozen final : public PerCall<Looked> {
 public:
  // A mark is v1's bit, or the XA_MARK of the HWPT's entry in the table.
  void Listen(Listeners* to) const override {
    to->On<&MarkSetFrozen::OnLook>(Listeners::ReadOf{sim::Field::kHwptBits});
    to->On<&MarkSetFrozen::OnLook>(Listeners::ReadOf{sim::Field::kObjectTable});
    to->On<&MarkSetFrozen::OnMark>(sim::Note::kMark);
    to->On<&MarkSetFrozen::OnGone>(sim::Note::kMarkGone);
    to->On<&MarkSetFrozen::OnBegin>(sim::Note::kPreserveBegin);
    to->On<&MarkSetFrozen::OnEnd>(sim::Note::kPreserveEnd);
  }

 private:
  void OnLook(const sim::Event& event, const Evidence&, Ruling) {
    if (event.object.kind == sim::ObjectKind::kHwpt) CallOf(event).mark_changed.clear();
  }

  void OnMark(const sim::Event& event, const Evidence& seen, Ruling rule) {
    const auto token = static_cast<uint64_t>(event.value);
    const auto it = seen.account.marks.find(event.object.number);
    rule.Arm();
    if (it != seen.account.marks.end() && it->second == token) return;
    OnChange(event, seen, "hwpt " + Id(event.object.number) + " is marked with token " + N(token),
             rule);
  }
  void OnGone(const sim::Event& event, const Evidence& seen, Ruling rule) {
    rule.Arm();
    if (!seen.account.marks.contains(event.object.number)) return;
    OnChange(event, seen, "marked hwpt " + Id(event.object.number) + " goes away", rule);
  }

  // A preserve may still look again, or fail; then nothing was wrong with the change.
  void OnChange(const sim::Event& event, const Evidence& seen, const std::string& text,
                Ruling rule) {
    if (seen.exiting) return;
    const auto iommufd = static_cast<uint16_t>(uapi::IommufdOf(event.object.number));
    if (seen.account.marks_frozen.contains(iommufd)) {
      rule.Violate(event.object, text + " while the iommufd is preserved");
    }
    for (size_t other = 0; other < calls().size(); ++other) {
      std::string& changed = calls()[other].mark_changed;
      const bool preserves = seen.account.preserving[other] == iommufd;
      if (other != event.task && preserves && changed.empty()) changed = text;
    }
  }

  void OnBegin(const sim::Event& event, const Evidence&, Ruling) { CallOf(event) = {}; }
  void OnEnd(const sim::Event& event, const Evidence&, Ruling rule) {
    const std::string& changed = CallOf(event).mark_changed;
    if (event.value == 0) {
      rule.Require(changed.empty(), event.object,
                   [&] { return changed + " after the preserve has looked at the marks"; });
    }
    CallOf(event) = {};
  }
};

}  // namespace

std::unique_ptr<Check> NewI12() { return std::make_unique<MarkSetFrozen>(); }

}  // namespace iommufd_check::spec
