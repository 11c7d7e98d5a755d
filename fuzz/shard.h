// --shard=I/N: a part of the files, the same in every run; the N parts are disjoint and complete.
#pragma once

#include <string>
#include <vector>

namespace iommufd_check::cli {

// Keeps files I, I+N, I+2N, ... of `files`; all when `shard` is empty. Returns what is wrong in one
// sentence, or empty.
std::string KeepShard(const std::string& shard, std::vector<std::string>* files);

}  // namespace iommufd_check::cli
