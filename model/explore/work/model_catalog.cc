#include "model/explore/work/model_catalog.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/explore/states/preserve_model.h"
#include "model/explore/states/preserve_text.h"
#include "model/explore/states/toy_model.h"
#include "model/explore/states/toy_text.h"
#include "model/explore/world/world_alphabet.h"
#include "model/program/designs.h"
#include "model/program/execute/executor.h"
#include "model/program/finding_pattern.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

std::vector<std::string> NamesOf(const std::vector<program::OpCode>& operations) {
  std::vector<std::string> names;
  for (const program::OpCode code : operations) names.emplace_back(program::SpecOf(code).name);
  return names;
}

ModelInfo WorldInfo() {
  constexpr int kMost = kMaxOfEach;
  return {.name = "world",
          .summary = "the whole machine between operations, from an alphabet of them",
          .parameters = {{"devices", 1, 1, kMost, "devices bound"},
                         {"hwpts", 1, 1, kMost, "HWPTs of the one IOAS"},
                         {"memfds", 1, 1, kMost, "memfds to map and preserve"},
                         {"regions", 1, 1, kMost, "ranges of IOVAs to map"},
                         {"tokens", 1, 1, kMost, "tokens to mark HWPTs with"},
                         {"sessions", 1, 1, kMaxSessions, "LUO sessions"},
                         {"iommufds", 1, 1, kMaxWorldIommufds, "open files of /dev/iommu"}},
          .designs = program::DesignNames(),
          .operations = NamesOf(WorldAlphabet::AllOperations()),
          .standard_operations = NamesOf(WorldAlphabet::StandardOperations()),
          .emitted = false};
}

std::vector<ModelInfo> MakeModels() {
  return {
      {.name = "toy",
       .summary = "workers map, unmap, preserve and unpreserve pages under one lock",
       .parameters = {{"workers", 4, 1, ToyModel::kMaxWorkers, "tasks that choose operations"},
                      {"pages", 3, 1, ToyModel::kMaxPages, "pages they operate on"}},
       .variants = {},
       .plants = ToyModel::PlantNames()},
      {.name = "preserve",
       .summary = "the domains of one IOAS are preserved while others map and unmap",
       .parameters = {{"mappers", 2, 1, PreserveModel::kMaxMappers, "tasks that map and unmap"},
                      {"hwpts", 2, 1, PreserveModel::kMaxHwpts, "domains of the IOAS"}},
       .variants = PreserveModel::VariantNames(),
       .plants = PreserveModel::PlantNames()},
      WorldInfo(),
  };
}

const ModelInfo* FindModel(const std::string& name) {
  for (const ModelInfo& model : KnownModels()) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

// "unknown variant 'x' of model preserve; known: a, b".
absl::Status Unknown(const char* what, const std::string& given, const std::string& model,
                     const std::vector<std::string>& known) {
  std::string text = absl::StrCat("unknown ", what, " '", given, "'");
  if (!model.empty()) absl::StrAppend(&text, " of model ", model);
  absl::StrAppend(&text, "; known: ", known.empty() ? "none" : absl::StrJoin(known, ", "));
  return absl::InvalidArgumentError(text);
}

absl::Status FillParameters(const ModelInfo& info, Choice* choice) {
  std::vector<std::string> known;
  for (const ParameterInfo& parameter : info.parameters) known.push_back(parameter.name);
  for (const auto& [name, value] : choice->parameters) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) return Unknown("parameter", name, info.name, known);
    const ParameterInfo& parameter =
        info.parameters[static_cast<std::size_t>(found - known.begin())];
    if (value < parameter.least || value > parameter.greatest) {
      return absl::InvalidArgumentError(absl::StrCat("parameter ", name, "=", value, " of model ",
                                                     info.name, " is out of range; give ",
                                                     parameter.least, " to ", parameter.greatest));
    }
  }
  for (const ParameterInfo& parameter : info.parameters) {
    choice->parameters.emplace(parameter.name, parameter.standard);
  }
  return absl::OkStatus();
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The given operations in the order of the known ones.
absl::Status FillOperations(const ModelInfo& info, Choice* choice) {
  for (const std::string& name : choice->operations) {
    if (!Contains(info.operations, name)) {
      return Unknown("operation", name, info.name, info.operations);
    }
  }
  if (choice->operations.empty()) choice->operations = info.standard_operations;
  std::vector<std::string> sorted;
  for (const std::string& name : info.operations) {
    if (Contains(choice->operations, name)) sorted.push_back(name);
  }
  choice->operations = sorted;
  return absl::OkStatus();
}

// The patterns as they are spelled in certificates, in order, each once.
absl::Status FillFindings(const ModelInfo& info, std::vector<std::string>* patterns) {
  if (!patterns->empty() && info.designs.empty()) {
    return Unknown("finding", patterns->front(), info.name, {});
  }
  std::vector<std::string> texts;
  for (const std::string& given : *patterns) {
    const absl::StatusOr<program::FindingPattern> pattern = program::FindingPattern::Parse(given);
    if (!pattern.ok()) return pattern.status();
    texts.push_back(pattern->text());
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  *patterns = texts;
  return absl::OkStatus();
}

absl::Status NotEmitted(const Choice& choice) {
  std::vector<std::string> emitted;
  for (const ModelInfo& model : KnownModels()) {
    if (model.emitted) emitted.push_back(model.name);
  }
  return Unknown("program", choice.model, "", emitted);
}

ToyModel::Plant ToyPlant(const Choice& choice) {
  return ToyModel::PlantNamed(choice.plant).value_or(ToyModel::Plant::kNone);
}

PreserveModel::Plant PreservePlant(const Choice& choice) {
  return PreserveModel::PlantNamed(choice.plant).value_or(PreserveModel::Plant::kNone);
}

}  // namespace

const std::vector<ModelInfo>& KnownModels() {
  static const std::vector<ModelInfo> kModels = MakeModels();
  return kModels;
}

absl::StatusOr<Choice> Choose(const Choice& given) {
  const ModelInfo* info = FindModel(given.model);
  if (info == nullptr) {
    std::vector<std::string> known;
    for (const ModelInfo& model : KnownModels()) known.push_back(model.name);
    return Unknown("model", given.model, "", known);
  }
  Choice choice = given;
  const absl::Status filled = FillParameters(*info, &choice);
  if (!filled.ok()) return filled;
  if (choice.variant.empty() && !info->variants.empty()) choice.variant = info->variants.front();
  if (!choice.variant.empty() && !Contains(info->variants, choice.variant)) {
    return Unknown("variant", choice.variant, info->name, info->variants);
  }
  if (!choice.plant.empty() && !Contains(info->plants, choice.plant)) {
    return Unknown("plant", choice.plant, info->name, info->plants);
  }
  if (choice.design.empty() && !info->designs.empty()) choice.design = info->designs.back();
  if (!choice.design.empty() && !Contains(info->designs, choice.design)) {
    return Unknown("design", choice.design, info->name, info->designs);
  }
  const absl::Status operations = FillOperations(*info, &choice);
  if (!operations.ok()) return operations;
  const absl::Status tolerated = FillFindings(*info, &choice.tolerated);
  if (!tolerated.ok()) return tolerated;
  const absl::Status only = FillFindings(*info, &choice.only);
  if (!only.ok()) return only;
  return choice;
}

absl::StatusOr<std::string> EmitPromela(const Choice& choice, bool assertions) {
  absl::StatusOr<Choice> chosen = Choose(choice);
  if (!chosen.ok()) return chosen.status();
  if (!FindModel(chosen->model)->emitted) return NotEmitted(*chosen);
  std::map<std::string, int>& of = chosen->parameters;
  if (chosen->model == "toy") {
    return ToyPromela(of["workers"], of["pages"], ToyPlant(*chosen), assertions);
  }
  IOMMUFD_CHECK(chosen->model == "preserve", "every known model is emitted");
  return PreservePromela(of["mappers"], of["hwpts"], *PreserveModel::VariantNamed(chosen->variant),
                         PreservePlant(*chosen), assertions);
}

absl::StatusOr<std::string> EmitMurphi(const Choice& choice, bool assertions, bool symmetry) {
  absl::StatusOr<Choice> chosen = Choose(choice);
  if (!chosen.ok()) return chosen.status();
  if (!FindModel(chosen->model)->emitted) return NotEmitted(*chosen);
  std::map<std::string, int>& of = chosen->parameters;
  if (chosen->model == "toy") {
    return ToyMurphi(of["workers"], of["pages"], ToyPlant(*chosen), assertions, symmetry);
  }
  IOMMUFD_CHECK(chosen->model == "preserve", "every known model is emitted");
  if (symmetry) {
    return absl::InvalidArgumentError(
        "the Murphi program of model preserve has no scalarsets; emit it without --symmetry");
  }
  return PreserveMurphi(of["mappers"], of["hwpts"], *PreserveModel::VariantNamed(chosen->variant),
                        PreservePlant(*chosen), assertions);
}

}  // namespace iommufd_check::explore
