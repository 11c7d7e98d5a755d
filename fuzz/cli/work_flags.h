// The flags that explore and sweep share: threads, shards, budgets, resumption, comparison.
#pragma once

#include <cstdint>
#include <istream>
#include <string>

#include "fuzz/cli/finding_flags.h"
#include "fuzz/cli/flag_set.h"

namespace iommufd_check::cli {

struct WorkFlags {
  std::string design;
  int threads = 1;
  std::string shard;            // "I/N"
  uint64_t max_executions = 0;  // of each program; 0: no limit, as in the next two
  double max_seconds = 0;       // of the whole command
  uint64_t max_memory = 0;      // bytes, of the process
  std::string resume;
  std::string previous;
  std::string programs;  // a folder
  bool json = false;
  FindingFlags findings;

  // Of `shard`, once Problem is empty.
  uint32_t shard_index = 0;
  uint32_t shards = 1;

  void AddTo(FlagSet* flags);
  // Reads `shard`, and `findings` from files or from `in`. What is wrong, in one sentence, or
  // empty.
  std::string Problem(std::istream& in);
};

}  // namespace iommufd_check::cli
