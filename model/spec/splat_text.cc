#include "model/spec/splat_text.h"

#include "model/spec/findings.h"

namespace iommufd_check::spec {

using sim::Splat;

namespace {

bool OfPage(const sim::Event& event) {
  const auto splat = static_cast<Splat>(event.detail);
  return splat == Splat::kBadFrame || splat == Splat::kForeignFrame ||
         splat == Splat::kBadPageState || (splat == Splat::kUseAfterFree && event.value != 0);
}

std::string Printed(const sim::Event& event) {
  const auto splat = static_cast<Splat>(event.detail);
  const auto function = static_cast<sim::Fn>(event.spare);
  const auto condition = static_cast<sim::Condition>(event.mode);
  std::string text(sim::Name(splat));
  if (condition != sim::Condition::kNone) {
    text += "_ON(" + std::string(sim::Name(condition)) + ")";
  }
  if (function == sim::Fn::kNone || AboutLocks(splat)) return text;
  return std::string(sim::Name(function)) + ": " + text;
}

}  // namespace

std::string SplatText(const sim::Event& event, const std::optional<mm::FreedBy>& freed_by) {
  std::string text = Printed(event);
  if (event.object.kind != sim::ObjectKind::kNone) text += ": " + Named(event.object);
  if (!OfPage(event)) return text;
  text += ", page " + Hex(static_cast<uint64_t>(event.value));
  if (!freed_by.has_value()) return text;
  const std::string task = freed_by->task == 0 ? "main" : std::string(1, 'A' + freed_by->task - 1);
  return text + ", which was a " + std::string(mm::Name(freed_by->owner)) +
         " page until operation " + std::to_string(freed_by->operation) + ", of " + task +
         ", freed it";
}

}  // namespace iommufd_check::spec
