#include "fuzz/cli/work_flags.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "fuzz/cli/names.h"
#include "model/explore/states/search.h"
#include "model/liveupdate/designs/registry.h"

namespace iommufd_check::cli {

void EngineFlags::AddTo(FlagSet* flags) {
  flags->Add("threads", "N", "workers; the result does not depend on it (default: 1)", &threads);
  flags->Add("shard", "I/N",
             "the Ith (from 0) of N shares; `merge` puts their certificates together", &shard);
  flags->Add("max_seconds", "S", "of the whole command; 0 is no limit (default: 0)", &max_seconds);
  flags->Add("resume", "FILE", "keep what is done there, and go on from it if it exists", &resume);
  flags->Add("previous", "FILE", "also say what differs from these certificates (JSON)", &previous);
  flags->Add("json", "", "print the certificates as JSON", &json);
}

std::string EngineFlags::Problem() {
  if (threads < 1 || threads > explore::kMaxThreads) {
    return absl::StrCat("--threads=", threads, " is out of range; give 1 to ",
                        explore::kMaxThreads);
  }
  if (!(max_seconds >= 0)) return "--max_seconds is a number of seconds, or 0 for no limit";
  if (shard.empty()) return "";
  const size_t slash = shard.find('/');
  if (slash == std::string::npos || !absl::SimpleAtoi(shard.substr(0, slash), &shard_index) ||
      !absl::SimpleAtoi(shard.substr(slash + 1), &shards) || shard_index >= shards) {
    return absl::StrCat("--shard=", shard, " is not I/N with 0 <= I < N");
  }
  return "";
}

void WorkFlags::AddTo(std::string_view default_designs, FlagSet* flags) {
  flags->Add("design", "A,B",
             absl::StrCat("run under each of these (default: ", std::string(default_designs), ")"),
             &design_names);
  engine.AddTo(flags);
  flags->Add("max_executions", "N", "of each certificate; 0 is no limit (default: 0)",
             &max_executions);
  flags->Add("max_memory", "BYTES", "of the process; 0 is no limit (default: 0)", &max_memory);
  flags->Add("programs", "DIR", "write each finding's program there, do not print it", &programs);
  findings.AddTo(flags);
}

std::string WorkFlags::ReadDesigns() {
  for (const std::string& name : design_names) {
    liveupdate::Design* design = liveupdate::FindDesign(name);
    if (design == nullptr) return UnknownDesign(name);
    if (std::find(designs.begin(), designs.end(), design) != designs.end()) {
      return absl::StrCat("design ", name, " is given twice");
    }
    designs.push_back(design);
  }
  return "";
}

std::string WorkFlags::Problem(std::istream& in) {
  std::string problem = findings.Read(in);
  if (problem.empty()) problem = ReadDesigns();
  return problem.empty() ? engine.Problem() : problem;
}

}  // namespace iommufd_check::cli
