// Which findings are meant: an invariant, an invariant at an operation, or more parts of an
// identity (identity.h), each of which narrows it down.
//
//   I19                      every I19, whatever the operation
//   lock-discipline          the same, by name
//   I19@luo_preserve         every I19 of that operation
//   I37@map_file:ioas:iopt_abort_area:warn.immutable
//
// What is left out at the end is free; `*` leaves a part free in the middle, `-` wants it missing.
//
//   absl::StatusOr<FindingFilter> filter = FindingFilter::Parse({"I19", "I20@lu_mark"});
//   filter->Matches(identity);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/program/identity.h"

namespace iommufd_check::program {

class FindingPattern {
 public:
  // ERRORS: InvalidArgument, one sentence that names the part that is unknown and what there is.
  static absl::StatusOr<FindingPattern> Parse(std::string_view text);

  bool Matches(const Identity& identity) const;
  // As it was given, with the invariant's id.
  const std::string& text() const { return text_; }
  // Of an identity's spelling, that identity: what is left out is missing. ERRORS: InvalidArgument
  // when there is no operation or a part is free.
  absl::StatusOr<Identity> AsIdentity() const;

 private:
  std::string text_;
  spec::Invariant invariant_ = spec::Invariant::kCount;
  // Empty: any. The innermost optional of the operation is Identity's own: the exit.
  std::optional<std::optional<OpCode>> operation_;
  std::optional<sim::ObjectKind> object_;
  std::optional<sim::Fn> function_;
  std::optional<sim::Splat> splat_;
  std::optional<sim::Condition> condition_;
};

class FindingFilter {
 public:
  // ERRORS: as FindingPattern::Parse, of the first that is wrong.
  static absl::StatusOr<FindingFilter> Parse(const std::vector<std::string>& patterns);

  bool Matches(const Identity& identity) const;
  bool empty() const { return patterns_.empty(); }
  // The patterns in order, each once.
  std::vector<std::string> texts() const;
  std::string text() const;  // joined by commas

 private:
  std::vector<FindingPattern> patterns_;
};

// Which findings count. The others are tolerated: counted, but no violation.
struct FindingPolicy {
  FindingFilter tolerate;
  FindingFilter only;  // empty: everything

  bool Wants(const Identity& identity) const {
    return !tolerate.Matches(identity) && (only.empty() || only.Matches(identity));
  }
  bool empty() const { return tolerate.empty() && only.empty(); }
  // "tolerate I19,I20; only I05": what certificates that merge have in common. Empty for all.
  std::string text() const;
};

}  // namespace iommufd_check::program
