#include "model/explore/work/search_difference.h"

#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace iommufd_check::explore {
namespace {

using Json = nlohmann::ordered_json;

// Deeper than any certificate is; what lies below is dropped while it is read, so that no file
// makes the functions that walk it run out of stack.
constexpr int kGreatestDepth = 8;

Json Read(const std::string& text) {
  return Json::parse(
      text, [](int depth, Json::parse_event_t, Json&) { return depth <= kGreatestDepth; },
      /*allow_exceptions=*/false);
}

std::string Shown(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// "/limits/max_depth" -> "limits.max_depth".
std::string NameOf(const std::string& pointer) {
  std::string name = pointer.substr(1);
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

// Every member with its value, but not the text of a counterexample.
std::map<std::string, std::string> MembersOf(const Json& json) {
  std::map<std::string, std::string> members;
  const Json flat = json.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    const bool is_told =
        absl::StartsWith(pointer, "/counterexample/") && pointer != "/counterexample/invariant";
    if (is_told || absl::StartsWith(pointer, "/difference") || pointer.empty()) continue;
    members[NameOf(pointer)] = Shown(value);
  }
  return members;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SearchDifference(const std::string& before,
                                                          const std::string& name,
                                                          const std::string& now) {
  const Json earlier = Read(before);
  if (!earlier.is_object() || !earlier.contains("model") || !earlier.contains("states")) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": not the certificate of a search; write one with `search --json`"));
  }
  const std::map<std::string, std::string> was = MembersOf(earlier);
  const std::map<std::string, std::string> is = MembersOf(Read(now));
  std::vector<std::string> lines;
  for (const auto& [member, value] : is) {
    const auto old = was.find(member);
    if (old == was.end()) {
      lines.push_back(absl::StrCat(member, " ", value, ", was not there"));
    } else if (old->second != value) {
      lines.push_back(absl::StrCat(member, " ", value, ", was ", old->second));
    }
  }
  for (const auto& [member, value] : was) {
    if (is.count(member) == 0) lines.push_back(absl::StrCat(member, " is gone, was ", value));
  }
  return lines;
}

}  // namespace iommufd_check::explore
