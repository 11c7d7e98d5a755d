#include "model/explore/world/world_search.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "model/explore/states/engine.h"
#include "model/explore/world/world_model.h"
#include "model/program/designs.h"
#include "model/program/finding_pattern.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

WorldScope ScopeOf(const Choice& choice) {
  WorldScope scope;
  for (const std::string& name : choice.operations) {
    scope.operations.push_back(*program::OpCodeFromName(name));
  }
  scope.devices = choice.parameters.at("devices");
  scope.hwpts = choice.parameters.at("hwpts");
  scope.memfds = choice.parameters.at("memfds");
  scope.regions = choice.parameters.at("regions");
  scope.tokens = choice.parameters.at("tokens");
  scope.sessions = choice.parameters.at("sessions");
  scope.iommufds = choice.parameters.at("iommufds");
  return scope;
}

absl::StatusOr<SearchOptions> WorldOptions(const SearchOptions& given) {
  SearchOptions options = given;
  if (options.keys == KeyKind::kExact) options.keys = KeyKind::kFingerprint128;
  if (options.limits.max_depth == kNoLimit) options.limits.max_depth = WorldModel::kMaxDepth;
  if (options.limits.max_depth > WorldModel::kMaxDepth) {
    return absl::InvalidArgumentError(absl::StrCat("max_depth=", options.limits.max_depth,
                                                   " of model world is out of range; give at most ",
                                                   WorldModel::kMaxDepth));
  }
  return options;
}

absl::StatusOr<SearchOutcome> SearchWorld(const Choice& choice, const SearchOptions& options,
                                          ProgressSink* progress) {
  liveupdate::Design* design = program::DesignNamed(choice.design);
  IOMMUFD_CHECK(design != nullptr, "a choice names a known design");
  const auto tolerate = program::FindingFilter::Parse(choice.tolerated);
  const auto only = program::FindingFilter::Parse(choice.only);
  IOMMUFD_CHECK(tolerate.ok() && only.ok(), "a choice names known findings");
  return Search(WorldModel(*design, ScopeOf(choice), {*tolerate, *only}), options, progress);
}

}  // namespace iommufd_check::explore
