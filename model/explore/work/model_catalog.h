// The models that can be searched by name, and what each lets a caller choose.
//
// Threads: pure functions over constant data.
//
//   absl::StatusOr<Choice> choice = Choose({.model = "toy", .parameters = {{"pages", 2}}});
//   choice->parameters;   // {{"pages", 2}, {"workers", 4}}: what was not given has its default.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace iommufd_check::explore {

struct ParameterInfo {
  std::string name;
  int standard = 0;  // Used when none is given.
  int least = 0;
  int greatest = 0;
  std::string meaning;
};

struct ModelInfo {
  std::string name;
  std::string summary;
  std::vector<ParameterInfo> parameters;
  std::vector<std::string> variants;    // The first is used when none is given.
  std::vector<std::string> plants;      // Assertions that do not hold, to see a counterexample.
  std::vector<std::string> designs;     // The last is used when none is given.
  std::vector<std::string> operations;  // That --operations may keep.
  std::vector<std::string> standard_operations;  // Used when none are given.
  bool emitted = true;                           // As a program for SPIN and Murphi checkers.
};

// In the order in which they are listed for a user.
const std::vector<ModelInfo>& KnownModels();

// One instance of one model. Parameters are sorted by name.
struct Choice {
  std::string model = "toy";
  std::map<std::string, int> parameters;
  std::string variant;
  std::string plant;  // Empty for none.
  // Of model world only.
  std::string design;
  std::vector<std::string> operations;  // Sorted as the model lists them, each once.
  // Findings (program/finding_pattern.h), as patterns with the invariant's id in what Choose
  // returns.
  std::vector<std::string> tolerated;  // These do not count,
  std::vector<std::string> only;       // and, unless it is empty, no others do.
};

// The choice with every default filled in. FAULTS: InvalidArgument that names the unknown or
// unfitting word and lists the known ones.
absl::StatusOr<Choice> Choose(const Choice& given);

// The model as a program for SPIN or for Murphi checkers; see toy_text.h. FAULTS: as Choose, and
// InvalidArgument for a model that is not emitted.
absl::StatusOr<std::string> EmitPromela(const Choice& choice, bool assertions);
absl::StatusOr<std::string> EmitMurphi(const Choice& choice, bool assertions, bool symmetry);

}  // namespace iommufd_check::explore
