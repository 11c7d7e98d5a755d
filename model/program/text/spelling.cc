#include "model/program/text/spelling.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

// No known word is longer, so a longer one is near none. It also bounds the work per message.
constexpr size_t kLongest = 40;

size_t Distance(std::string_view a, std::string_view b) {
  IOMMUFD_CHECK(a.size() <= kLongest, "words are bounded");
  IOMMUFD_CHECK(b.size() <= kLongest, "words are bounded");
  using Row = std::array<size_t, kLongest + 1>;
  Row before_last{}, last{}, row{};
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before_last = last;
    last = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string Lower(std::string_view text) {
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

}  // namespace

std::string_view Nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > kLongest) return {};
  const std::string lower = Lower(word);
  std::string_view best;
  size_t best_distance = SIZE_MAX;
  for (const std::string_view candidate : known) {
    if (candidate.size() > kLongest) continue;
    const size_t distance = Distance(lower, Lower(candidate));
    const size_t longer = std::max(word.size(), candidate.size());
    const size_t allowed = std::min(std::max<size_t>(1, longer / 3), longer - 1);
    if (distance > allowed || distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string Suggestion(std::string_view word, std::span<const std::string_view> known) {
  if (const std::string_view nearest = Nearest(word, known); !nearest.empty()) {
    return absl::StrCat("did you mean '", std::string(nearest), "'?");
  }
  std::string all = "use one of";
  for (const std::string_view candidate : known) {
    absl::StrAppend(&all, candidate == known.front() ? " " : ", ", std::string(candidate));
  }
  return all;
}

}  // namespace iommufd_check::program
