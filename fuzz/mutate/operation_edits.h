// Edits of what a program does: its operations, their tasks and arguments, the machine that boots.
//
// Each changes *program by choices of `draw` and returns false when there was nothing to change.
// Which operations and arguments there are, how often each is drawn and what it needs say the rows
// of operations.def; the values of arguments are those of the byte form (byte_layout.h), so both
// ways to make a program have one idea of what is interesting.
//
// Variables stay such that each names an object that can exist (Definers below); that they form no
// cycle across tasks, and that the program keeps within limits, is for the caller to ask.
#pragma once

#include <cstddef>
#include <vector>

#include "fuzz/mutate/draw.h"
#include "fuzz/mutate/limits.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

// A new operation, with what creates the objects that it needs where there are none.
bool InsertOperation(program::Program* program, const Limits& limits, Draw& draw);
// The same in `task`.
bool InsertInto(program::Program* program, uint8_t task, Draw& draw);
bool DeleteOperation(program::Program* program, const Limits& limits, Draw& draw);
// Once more, in any task.
bool DuplicateOperation(program::Program* program, const Limits& limits, Draw& draw);
// To another place in its task.
bool ReorderOperation(program::Program* program, const Limits& limits, Draw& draw);
// To another task, with its faults and switches.
bool MoveToTask(program::Program* program, const Limits& limits, Draw& draw);

// An argument names another object that it accepts.
bool RewireObject(program::Program* program, const Limits& limits, Draw& draw);
// A number becomes one at a boundary, or one or a page less or more than it was.
bool NudgeNumber(program::Program* program, const Limits& limits, Draw& draw);
// All arguments of one operation anew.
bool RedrawArguments(program::Program* program, const Limits& limits, Draw& draw);
// One field of the boot line.
bool ChangeBoot(program::Program* program, const Limits& limits, Draw& draw);

// Adds operations of `other`, of one task or in a row, with their faults and switches. What they
// name among themselves stays; what else they name becomes an object of *program of that kind.
bool Splice(program::Program* program, const program::Program& other, const Limits& limits,
            Draw& draw);

// Operations whose result an argument of that kind may name in an operation of `task` that stands
// at `index` or comes to stand there: of earlier phases, of its own task before, and with
// `of_other_tasks` also of those beside it.
std::vector<uint16_t> Definers(const program::Program& program, size_t index, uint8_t task,
                               program::ArgumentKind kind, bool of_other_tasks);

}  // namespace iommufd_check::cli
