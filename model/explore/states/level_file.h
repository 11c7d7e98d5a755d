// The tallies and the states of a search's levels in a SearchFile, and back.
//
//   PutLevels(levels, &file);
//   RETURN_IF_ERROR(PutStates<State>(frontier, &file));
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/explore/states/frontier.h"
#include "model/explore/states/level_tally.h"
#include "model/explore/work/search_file.h"

namespace iommufd_check::explore {

inline constexpr std::uint64_t kMostLevels = std::uint64_t{1} << 24;

// Calls visit(word) for every counter of a tally, in a fixed order.
template <typename Tally, typename Visit>
void VisitCounters(Tally& tally, Visit visit) {
  visit(tally.discovered);
  visit(tally.transitions);
  visit(tally.dead_ends);
  visit(tally.represented_states);
  visit(tally.represented_transitions);
  visit(tally.hash_sum);
  for (auto& count : tally.armed) visit(count);
  for (auto& count : tally.broken) visit(count);
}

template <typename State>
void PutLevels(const std::vector<LevelTally<State>>& levels, SearchFileWriter* file) {
  file->PutWord(levels.size());
  for (const LevelTally<State>& level : levels) {
    VisitCounters(level, [file](std::uint64_t count) { file->PutWord(count); });
    file->PutWord(level.offender.has_value() ? 1 : 0);
    if (!level.offender.has_value()) continue;
    file->Put(&level.offender->state, sizeof(State));
    file->PutWord(static_cast<std::uint64_t>(level.offender->invariant));
  }
}

// False when they are not what PutLevels wrote. `is_state` tells whether a state is one.
template <typename State, typename IsState>
bool GetLevels(SearchFileReader* file, IsState is_state, std::vector<LevelTally<State>>* levels) {
  const std::uint64_t count = file->Word();
  if (count > kMostLevels || count > file->left()) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    LevelTally<State> level;
    VisitCounters(level, [file](std::uint64_t& word) { word = file->Word(); });
    if (file->Word() != 0) {
      Offender<State> offender;
      file->Get(&offender.state, sizeof(State));
      const std::uint64_t invariant = file->Word();
      if (invariant >= kMaxInvariants || !is_state(offender.state)) return false;
      offender.invariant = static_cast<int>(invariant);
      level.offender = offender;
    }
    levels->push_back(level);
  }
  return true;
}

// At most so many words of a model's memory.
inline constexpr std::uint64_t kMostMemoryWords = 1024;

inline void PutMemory(const std::vector<std::uint64_t>& memory, SearchFileWriter* file) {
  file->PutWord(memory.size());
  for (const std::uint64_t word : memory) file->PutWord(word);
}

inline bool GetMemory(SearchFileReader* file, std::vector<std::uint64_t>* memory) {
  const std::uint64_t count = file->Word();
  if (count > kMostMemoryWords) return false;
  for (std::uint64_t i = 0; i < count; ++i) memory->push_back(file->Word());
  return true;
}

template <typename State>
absl::Status PutStates(const Frontier& frontier, SearchFileWriter* file) {
  return frontier.ForEachBlock(
      [file](const Block& block) { file->Put(block.bytes.get(), block.used); });
}

// `count` states into `frontier`. InvalidArgument when one of them is none.
template <typename State, typename IsState>
absl::Status GetStates(SearchFileReader* file, std::uint64_t count, IsState is_state,
                       Frontier* frontier) {
  while (count > 0) {
    auto block = std::make_unique<Block>();
    for (; count > 0 && block->used + sizeof(State) <= kBlockBytes; --count) {
      State state;
      file->Get(&state, sizeof state);
      if (!is_state(state)) return file->Broken();
      std::memcpy(block->bytes.get() + block->used, &state, sizeof state);
      block->used += sizeof state;
    }
    const absl::Status pushed = frontier->Push(std::move(block));
    if (!pushed.ok()) return pushed;
  }
  return absl::OkStatus();
}

}  // namespace iommufd_check::explore
