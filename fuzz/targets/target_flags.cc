#include "fuzz/targets/target_flags.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "fuzz/cli/exit_codes.h"
#include "fuzz/cli/flag_set.h"
#include "fuzz/cli/names.h"
#include "model/liveupdate/designs/registry.h"

namespace iommufd_check::cli {
namespace {

void Parse(const std::string& target, const FlagSet& known, int argc, char** argv) {
  std::vector<std::string> flags;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]).starts_with("--")) flags.emplace_back(argv[i]);
  }
  const std::string problem = known.Parse(flags, &files);
  if (problem.empty()) return;
  std::fprintf(stderr, "%s: %s\n", target.c_str(), problem.c_str());
  std::exit(static_cast<int>(ExitCode::kUsage));
}

}  // namespace

void RefuseFlags(const std::string& target, int argc, char** argv) {
  Parse(target, FlagSet{}, argc, argv);
}

liveupdate::Design* DesignOfFlags(const std::string& target, int argc, char** argv) {
  std::string name(kDefaultDesign);
  FlagSet known;
  known.Add("design", "NAME", "whose layouts are read", &name);
  Parse(target, known, argc, argv);
  liveupdate::Design* const design = liveupdate::FindDesign(name);
  if (design != nullptr) return design;
  std::fprintf(stderr, "%s: %s\n", target.c_str(), UnknownDesign(name).c_str());
  std::exit(static_cast<int>(ExitCode::kUsage));
}

}  // namespace iommufd_check::cli
