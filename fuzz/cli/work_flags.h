// The flags of whatever runs long: threads, shards, budgets, resumption, comparison.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "fuzz/cli/finding_flags.h"
#include "fuzz/cli/flag_set.h"
#include "model/liveupdate/design.h"

namespace iommufd_check::cli {

// What every engine takes.
struct EngineFlags {
  int threads = 1;
  std::string shard;       // "I/N"
  double max_seconds = 0;  // of the whole command; 0: no limit
  std::string resume;
  std::string previous;
  bool json = false;

  // Of `shard`, once Problem is empty.
  uint32_t shard_index = 0;
  uint32_t shards = 1;

  void AddTo(FlagSet* flags);
  // Reads `shard`. What is wrong, in one sentence, or empty.
  std::string Problem();
};

// What engines take that run programs under designs.
struct WorkFlags {
  EngineFlags engine;
  std::vector<std::string> design_names;
  uint64_t max_executions = 0;  // of each certificate; 0: no limit, as in the next
  uint64_t max_memory = 0;      // bytes, of the process
  std::string programs;         // a folder
  FindingFlags findings;

  // Of `design_names`, once Problem is empty.
  std::vector<liveupdate::Design*> designs;

  // `default_designs` says what is meant when none is named.
  void AddTo(std::string_view default_designs, FlagSet* flags);
  // Reads everything, `findings` from files or from `in`. What is wrong, in one sentence, or empty.
  std::string Problem(std::istream& in);

 private:
  std::string ReadDesigns();
};

}  // namespace iommufd_check::cli
