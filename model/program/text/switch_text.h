// Switches and the acts that they are anchored to, as programs spell them.
//
//   switch B.1 before kcalloc#2 -> A             about to make the second call of kcalloc
//   switch A.1 after unlock ioas.iova_rwsem#1 -> B
//   switch A.1 before access hwpt.users#3 -> B   read, written, counted: all accesses are alike
//   switch A.1 after wait pages.mutex#1 -> B     found it taken; `wait queue` is to be woken
//   switch A.1 before begin -> B                 also `after end`, where a task has ended, too
//   switch A.1 before lock#2 -> B                whatever lock; so are unlock, call, access and
//   wait
//
// Names are those of reports with '.' for '->' and '_' for blanks, without numbers of objects.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/program/program.h"
#include "model/program/text/parse_state.h"

namespace iommufd_check::program {

// "lock ioas.mutex", "kcalloc", "access hwpt.users", "lock", "begin".
std::string ActText(const sim::Act& act);

// "A.1 before lock ioas.mutex#2 -> B".
std::string SwitchText(const Program& program, const sim::Switch& change);

// What follows the label of a switch: from the side to before "->".
bool ParseAnchor(ParseState& state, sim::Switch* change);

}  // namespace iommufd_check::program
