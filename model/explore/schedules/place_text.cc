#include "model/explore/schedules/place_text.h"

namespace iommufd_check::explore {
namespace {

std::string TextOf(sim::ObjectKind kind, sim::Field field) {
  return std::string(sim::Name(kind)) + ": " + std::string(sim::Name(field));
}

}  // namespace

std::vector<std::string> TextsOf(const sim::PlaceSet& places) {
  std::vector<std::string> texts;
  places.ForEach(
      [&](sim::ObjectKind kind, sim::Field field) { texts.push_back(TextOf(kind, field)); });
  return texts;
}

bool AddPlace(const std::string& text, sim::PlaceSet* places) {
  for (int kind = 0; kind < sim::Count<sim::ObjectKind>(); ++kind) {
    for (int field = 0; field < sim::Count<sim::Field>(); ++field) {
      const auto k = static_cast<sim::ObjectKind>(kind);
      const auto f = static_cast<sim::Field>(field);
      if (TextOf(k, f) != text) continue;
      places->Add(k, f);
      return true;
    }
  }
  return false;
}

}  // namespace iommufd_check::explore
