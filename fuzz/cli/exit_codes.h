// The exit statuses of iommufd-check, their meaning, and which of two outranks the other.
//
// Nothing done is never a pass: a command that had nothing to do ends with kUsage.
#pragma once

#include <array>
#include <string_view>

namespace iommufd_check::cli {

enum class ExitCode : int {
  kOk = 0,
  kViolation = 1,
  kBudget = 3,
  kDiverged = 5,
  kUsage = 64,
  kBadFile = 65,
  kInternal = 70,
};

struct ExitCodeRow {
  ExitCode code;
  std::string_view meaning;
};

inline constexpr std::array<ExitCodeRow, 7> kExitCodes{{
    {ExitCode::kOk, "the stated work was done and everything held"},
    {ExitCode::kViolation, "an invariant was violated"},
    {ExitCode::kBudget, "the budget ended before the stated bound"},
    {ExitCode::kDiverged, "a replay diverged from what its file expects"},
    {ExitCode::kUsage, "wrong usage, or nothing to do"},
    {ExitCode::kBadFile, "bad or unreadable file"},
    {ExitCode::kInternal, "internal error"},
}};

// When several files or steps end differently, the command ends with the gravest:
// 70 > 65 > 64 > 5 > 1 > 3 > 0. An ended budget is the weakest, since it says nothing was wrong
// yet.
constexpr int Gravity(ExitCode code) {
  switch (code) {
    case ExitCode::kOk:
      return 0;
    case ExitCode::kBudget:
      return 1;
    case ExitCode::kViolation:
      return 2;
    case ExitCode::kDiverged:
      return 3;
    case ExitCode::kUsage:
      return 4;
    case ExitCode::kBadFile:
      return 5;
    case ExitCode::kInternal:
      return 6;
  }
  return 6;
}

constexpr ExitCode Worse(ExitCode a, ExitCode b) { return Gravity(a) >= Gravity(b) ? a : b; }

}  // namespace iommufd_check::cli
