#include "model/spec/invariants/accessors.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

std::string_view Marking(bool marked) { return marked ? "marked" : "plain"; }

std::string RaceText(const sim::Event& event, const RaceDetector::Race& race) {
  const bool writes = event.primitive == sim::Primitive::kWrite;
  std::string text(sim::Name(static_cast<sim::Field>(event.detail)));
  text += " of " + Named(event.object) + (writes ? " is written here (" : " is read here (");
  text += Marking((event.mode & sim::kAccessMarked) != 0);
  text += race.other_wrote ? ") and was written (" : ") and was read (";
  text += Marking(race.other_marked);
  return text + ") by another task, and nothing orders the two";
}

class ConflictingLocks final : public OfTasks<AccessorMap> {
 public:
  void Listen(Listeners* to) const override {
    to->On<&ConflictingLocks::OnAccess>(Listeners::AccessOfTask{});
  }

 private:
  // Armed when another task has accessed the field, and one of the two writes.
  void OnAccess(const sim::Event& event, const Evidence& seen, Ruling rule) {
    const bool writes = event.primitive == sim::Primitive::kWrite;
    const uint64_t key = KeyOf(event.object) | (static_cast<uint64_t>(event.detail) + 1);
    Accessors& field = StateFor(event)[key];
    const auto rivals =
        static_cast<uint8_t>(writes ? field.readers | field.writers : field.writers);
    if ((rivals & ~TaskBit(event)) != 0) rule.Arm();
    (writes ? field.writers : field.readers) |= TaskBit(event);
    if (seen.race.has_value()) rule.Violate(event.object, RaceText(event, *seen.race));
  }
};

}  // namespace

std::unique_ptr<Check> NewI20() { return std::make_unique<ConflictingLocks>(); }

}  // namespace iommufd_check::spec
