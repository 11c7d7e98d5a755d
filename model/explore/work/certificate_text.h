// Certificates for people, and what changed from one to the next.
#pragma once

#include <optional>
#include <string>

#include "model/explore/work/certificate.h"

namespace iommufd_check::explore {

std::string RenderText(const Certificate& certificate);

// "exhausted", "sampled", "its parts exhausted", or "NOT exhausted" and why.
std::string ExtentOf(const Certificate& certificate);
// Executions that nobody could judge, as one line; empty when there are none.
std::string NotJudgedLine(const Certificate& certificate);

// One line for each thing that `now` says otherwise than `before`, which was made earlier by the
// same work, maybe on another revision of program or design: coverage, counts, antecedents, fault
// sites, violations. Indented; "  no difference\n" when there is none.
std::string RenderDifference(const Certificate& before, const Certificate& now);

std::string Decimal(uint128 value);
// Empty unless `text` is what Decimal prints.
std::optional<uint128> FromDecimal(const std::string& text);

// Interleavings for each trace, "1.2e+09"; empty when they were not counted.
std::string ReductionFactor(const Certificate& certificate);

}  // namespace iommufd_check::explore
