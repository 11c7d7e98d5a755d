#include "model/program/finding_pattern.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "model/program/text/spelling.h"

namespace iommufd_check::program {
namespace {

constexpr std::string_view kExit = "exit";
constexpr std::string_view kAny = "*";
constexpr std::string_view kMissing = "-";

std::vector<std::string> OperationNames() {
  std::vector<std::string> names;
  for (const OpCode code : uapi::AllOperations()) {
    names.emplace_back(SpecOf(code).name);
  }
  names.emplace_back(kExit);
  return names;
}

// The names of an enum, in order, as NameOf spells them.
template <class Enum, class NameOf>
std::vector<std::string> NamesOf(const NameOf& name_of) {
  std::vector<std::string> names;
  for (int i = 0; i < sim::Count<Enum>(); ++i) {
    names.emplace_back(name_of(static_cast<Enum>(i)));
  }
  return names;
}

// The index of `word` in `known`; a sentence when it is not there.
absl::StatusOr<int> IndexOf(const char* what, std::string_view word,
                            const std::vector<std::string>& known, std::string_view whole) {
  const auto found = std::find(known.begin(), known.end(), word);
  if (found != known.end()) return static_cast<int>(found - known.begin());
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string where = word == whole ? "" : absl::StrCat(" in '", std::string(whole), "'");
  return absl::InvalidArgumentError(absl::StrCat("unknown ", what, " '", std::string(word), "'",
                                                 where, "; ", Suggestion(word, views)));
}

template <class Enum>
absl::Status Read(const char* what, std::string_view word, const std::vector<std::string>& known,
                  std::string_view whole, std::optional<Enum>* out) {
  if (word == kAny) return absl::OkStatus();
  const absl::StatusOr<int> index = IndexOf(what, word, known, whole);
  if (!index.ok()) return index.status();
  *out = static_cast<Enum>(*index);
  return absl::OkStatus();
}

absl::Status ReadSplat(std::string_view word, std::string_view whole,
                       std::optional<sim::Splat>* splat, std::optional<sim::Condition>* condition) {
  if (word == kMissing) {
    *splat = sim::Splat::kCount;
    *condition = sim::Condition::kNone;
    return absl::OkStatus();
  }
  const size_t dot = word.find('.');
  const auto name_of = [](auto value) { return sim::Slug(value); };
  const absl::Status read =
      Read("splat", word.substr(0, dot), NamesOf<sim::Splat>(name_of), whole, splat);
  if (!read.ok() || dot == std::string_view::npos) return read;
  return Read("condition", word.substr(dot + 1), NamesOf<sim::Condition>(name_of), whole,
              condition);
}

std::vector<std::string> ObjectNames() {
  auto names = NamesOf<sim::ObjectKind>([](sim::ObjectKind kind) { return sim::Name(kind); });
  names[0] = kMissing;
  return names;
}

absl::Status ReadOperation(std::string_view word, std::string_view whole,
                           std::optional<std::optional<OpCode>>* out) {
  if (word == kAny) return absl::OkStatus();
  if (word == kExit) {
    out->emplace();
    return absl::OkStatus();
  }
  std::optional<OpCode> code;
  const absl::Status read = Read("operation", word, OperationNames(), whole, &code);
  if (read.ok()) *out = code;
  return read;
}

}  // namespace

absl::StatusOr<FindingPattern> FindingPattern::Parse(std::string_view text) {
  FindingPattern pattern;
  const size_t at = text.find('@');
  const std::string_view name = text.substr(0, at);
  const std::optional<spec::Invariant> invariant = spec::InvariantFromName(name);
  if (!invariant.has_value()) {
    std::vector<std::string> known;
    for (int i = 0; i < spec::kInvariants; ++i) {
      known.emplace_back(spec::IdOf(static_cast<spec::Invariant>(i)));
    }
    return IndexOf("invariant", name, known, text).status();
  }
  pattern.invariant_ = *invariant;
  pattern.text_ = std::string(spec::IdOf(*invariant));
  if (at == std::string_view::npos) return pattern;
  const std::string rest(text.substr(at + 1));
  absl::StrAppend(&pattern.text_, "@", rest);
  const std::vector<std::string> parts = absl::StrSplit(rest, ':');
  if (parts.size() > 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", std::string(text), "' has more than operation:object:function:splat"));
  }
  absl::Status read = ReadOperation(parts[0], text, &pattern.operation_);
  if (read.ok() && parts.size() > 1) {
    read = Read("kind of object", parts[1], ObjectNames(), text, &pattern.object_);
  }
  if (read.ok() && parts.size() > 2) {
    const auto names = NamesOf<sim::Fn>([](sim::Fn function) { return sim::Name(function); });
    read = Read("function", parts[2], names, text, &pattern.function_);
  }
  if (read.ok() && parts.size() > 3) {
    read = ReadSplat(parts[3], text, &pattern.splat_, &pattern.condition_);
  }
  if (!read.ok()) return read;
  return pattern;
}

bool FindingPattern::Matches(const Identity& identity) const {
  return invariant_ == identity.invariant &&
         (!operation_.has_value() || *operation_ == identity.operation) &&
         (!object_.has_value() || *object_ == identity.object) &&
         (!function_.has_value() || *function_ == identity.function) &&
         (!splat_.has_value() || *splat_ == identity.splat) &&
         (!condition_.has_value() || *condition_ == identity.condition);
}

absl::StatusOr<Identity> FindingPattern::AsIdentity() const {
  if (!operation_.has_value() || text_.find('*') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text_, "' means several findings, not one"));
  }
  return Identity{.invariant = invariant_,
                  .operation = *operation_,
                  .object = object_.value_or(sim::ObjectKind::kNone),
                  .function = function_.value_or(sim::Fn::kNone),
                  .splat = splat_.value_or(sim::Splat::kCount),
                  .condition = condition_.value_or(sim::Condition::kNone)};
}

absl::StatusOr<FindingFilter> FindingFilter::Parse(const std::vector<std::string>& patterns) {
  FindingFilter filter;
  for (const std::string& text : patterns) {
    absl::StatusOr<FindingPattern> pattern = FindingPattern::Parse(text);
    if (!pattern.ok()) return pattern.status();
    filter.patterns_.push_back(*std::move(pattern));
  }
  return filter;
}

bool FindingFilter::Matches(const Identity& identity) const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const FindingPattern& pattern) { return pattern.Matches(identity); });
}

std::vector<std::string> FindingFilter::texts() const {
  std::vector<std::string> texts;
  for (const FindingPattern& pattern : patterns_) texts.push_back(pattern.text());
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

std::string FindingFilter::text() const { return absl::StrJoin(texts(), ","); }

std::string FindingPolicy::text() const {
  std::string text;
  if (!tolerate.empty()) absl::StrAppend(&text, "tolerate ", tolerate.text());
  if (!only.empty()) absl::StrAppend(&text, text.empty() ? "" : "; ", "only ", only.text());
  return text;
}

}  // namespace iommufd_check::program
