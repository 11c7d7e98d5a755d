#include "model/spec/invariants.h"

#include <array>

#include "model/sim/check.h"

namespace iommufd_check::spec {
namespace {

struct Row {
  std::string_view id, name, when, sentence;
};

constexpr std::array<Row, kInvariants> kRows{{
#define X(id, name, when, sentence) {#id, name, when, sentence},
#include "model/spec/invariants.def"
#undef X
}};

const Row& RowOf(Invariant invariant) {
  IOMMUFD_CHECK(invariant < Invariant::kCount, "no such invariant");
  return kRows[static_cast<size_t>(invariant)];
}

}  // namespace

std::string_view IdOf(Invariant invariant) { return RowOf(invariant).id; }
std::string_view NameOf(Invariant invariant) { return RowOf(invariant).name; }
std::string_view WhenOf(Invariant invariant) { return RowOf(invariant).when; }
std::string_view SentenceOf(Invariant invariant) { return RowOf(invariant).sentence; }

std::optional<Invariant> InvariantFromName(std::string_view name) {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].id == name || kRows[i].name == name) return static_cast<Invariant>(i);
  }
  return std::nullopt;
}

}  // namespace iommufd_check::spec
