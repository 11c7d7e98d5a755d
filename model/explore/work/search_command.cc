#include "model/explore/work/search_command.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "model/explore/states/engine.h"
#include "model/explore/states/preserve_model.h"
#include "model/explore/states/toy_model.h"
#include "model/explore/world/world_search.h"
#include "model/sim/check.h"
#include "model/sim/reflect.h"

namespace iommufd_check::explore {
namespace {

absl::StatusOr<SearchOptions> OptionsOf(const SearchRequest& request) {
  SearchOptions options;
  options.threads = request.threads;
  options.symmetry = request.symmetry;
  options.limits = {request.max_depth, request.max_states, request.max_memory_bytes};
  options.spill_folder = request.spill_folder;
  options.stop_at_violation = !request.keep_going;
  switch (request.fingerprint_bits) {
    case 0:
      options.keys = KeyKind::kExact;
      return options;
    case 64:
      options.keys = KeyKind::kFingerprint64;
      return options;
    case 128:
      options.keys = KeyKind::kFingerprint128;
      return options;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("--fingerprint_bits=", request.fingerprint_bits,
                       " is not offered; give 64 or 128, or 0 for exact keys"));
  }
}

// Of everything that a kept search stands for.
std::uint64_t IdentityOf(const Choice& choice, bool symmetry, KeyKind keys) {
  constexpr std::uint64_t kMeaning = 2;  // Raised when states or keys of a model become others.
  sim::WordSink sink;
  sink.Add(kMeaning);
  for (const std::string& word : {choice.model, choice.variant, choice.plant, choice.design}) {
    sink.Add(word);
  }
  for (const auto& [name, value] : choice.parameters) {
    sink.Add(name);
    sink.Add(value);
  }
  sink.Add(choice.operations);
  sink.Add(choice.tolerated);
  sink.Add(choice.only);
  sink.Add(symmetry);
  sink.Add(keys);
  return sim::HashWords(sink.words()).low;
}

absl::StatusOr<SearchOutcome> SearchChosen(const Choice& choice, const SearchOptions& options,
                                           ProgressSink* progress) {
  const auto parameter = [&choice](const char* name) { return choice.parameters.at(name); };
  if (choice.model == "toy") {
    const auto plant = ToyModel::PlantNamed(choice.plant).value_or(ToyModel::Plant::kNone);
    return Search(ToyModel(parameter("workers"), parameter("pages"), plant), options, progress);
  }
  if (choice.model == "world") return SearchWorld(choice, options, progress);
  IOMMUFD_CHECK(choice.model == "preserve", "every known model is searched");
  const auto plant = PreserveModel::PlantNamed(choice.plant).value_or(PreserveModel::Plant::kNone);
  return Search(PreserveModel(parameter("mappers"), parameter("hwpts"),
                              *PreserveModel::VariantNamed(choice.variant), plant),
                options, progress);
}

}  // namespace

absl::StatusOr<SearchReport> RunSearch(const SearchRequest& request, ProgressSink* progress) {
  absl::StatusOr<Choice> choice = Choose(request.choice);
  if (!choice.ok()) return choice.status();
  absl::StatusOr<SearchOptions> options = OptionsOf(request);
  if (!options.ok()) return options.status();
  if (choice->model == "world") options = WorldOptions(*options);
  if (!options.ok()) return options.status();
  options->keeping = {.path = request.resume,
                      .identity = IdentityOf(*choice, request.symmetry, options->keys),
                      .due = request.due};
  options->pulse = request.pulse;
  absl::StatusOr<SearchOutcome> outcome = SearchChosen(*choice, *options, progress);
  if (!outcome.ok()) return outcome.status();
  SearchReport report;
  report.choice = *std::move(choice);
  if (report.choice.model == "world") {
    report.alphabet = WorldAlphabet(ScopeOf(report.choice)).size();
  }
  report.symmetry = request.symmetry;
  report.max_depth = options->limits.max_depth;
  report.depth_is_stated = request.max_depth != kNoLimit;
  report.max_states = request.max_states;
  report.max_memory_bytes = request.max_memory_bytes;
  report.outcome = *std::move(outcome);
  return report;
}

}  // namespace iommufd_check::explore
