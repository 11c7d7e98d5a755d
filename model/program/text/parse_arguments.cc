// The argument list of an operation in text form (ParseArguments of parse_state.h).
#include <algorithm>
#include <array>
#include <bitset>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/program/designs.h"
#include "model/program/text/parse_state.h"
#include "model/program/text/spelling.h"
#include "model/program/text/vocabulary_text.h"
#include "model/program/widths.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

// "ioas, hwpt or device".
std::string KindsWithId() {
  std::vector<std::string> names;
  for (int i = 0; i < static_cast<int>(ResultKind::kCount); ++i) {
    const auto result = static_cast<ResultKind>(i);
    if (Accepts(ArgumentKind::kObject, result)) names.emplace_back(Name(result));
  }
  IOMMUFD_CHECK(names.size() > 1, "several kinds of objects have ids");
  const std::string last = names.back();
  names.pop_back();
  return absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
}

// What may stand for an argument of this kind, as a hint in messages.
std::string Hint(const ArgumentSpec& spec) {
  switch (FormOf(spec.kind)) {
    case Form::kObject:
      if (spec.kind == ArgumentKind::kObject) {
        return absl::StrCat("a variable of kind ", KindsWithId(), ", or an object id");
      }
      return absl::StrCat("a variable of kind ", std::string(KindWord(spec.kind)),
                          " or an object id");
    case Form::kMemfd:
    case Form::kBuffer:
    case Form::kIndex:
    case Form::kIommufd:
      return "an index";
    case Form::kFile:
      return "memfd=N, iommufd or iommufd=N";
    case Form::kNumber:
      return TakesAuto(spec.kind) ? "a number or auto" : "a number";
    case Form::kProt:
      return "r, w, rw or none";
    case Form::kSeals:
      return "seals joined with '|', or none";
    case Form::kName:
      return "a name in quotes";
  }
  return "a value";
}

bool IsKindOfFile(std::string_view word) { return word == "memfd" || word == "iommufd"; }

// One argument list. Holds what is known of it while it is read.
class ArgumentList {
 public:
  ArgumentList(ParseState& state, const Token& name, Operation* operation)
      : state_(state), name_(name), operation_(operation), spec_(SpecOf(operation->code)) {}

  bool Parse();

 private:
  bool ParseOne();
  bool FindNamed(const Token& word, size_t* index);
  bool FindPositional(const Token& first, size_t* index);
  bool ParseValue(size_t index, const Token& first);
  bool ParseObject(const ArgumentSpec& spec, const Token& first, Argument* argument);
  bool ParseFile(const Token& first, uint64_t* value);
  bool ParseBootIndex(const Token& first, std::string_view what, uint32_t count, uint64_t* value);
  bool ParseNumber(const ArgumentSpec& spec, const Token& first, Argument* argument);
  bool FitsDesign(const ArgumentSpec& spec, const Token& first, uint64_t value);
  bool ParseProt(const Token& first, uint64_t* value);
  bool ParseSeals(const Token& first, uint64_t* value);
  bool ParseName(const Token& first);
  bool FillDefaults();
  bool WrongValue(const ArgumentSpec& spec, const Token& token);

  ParseState& state_;
  const Token name_;
  Operation* const operation_;
  const OperationSpec& spec_;
  std::bitset<kMaxArguments> given_;
  size_t positional_ = 0;
  bool named_ = false;
};

bool ArgumentList::Parse() {
  while (!state_.PeekIs(")")) {
    if (!ParseOne()) return false;
    if (state_.PeekIs(")")) break;
    if (!state_.ExpectSymbol(",", "between two arguments or ')' after the last")) return false;
    if (state_.PeekIs(")")) {
      return state_.Fail(state_.Peek(), "argument missing after ','; add it or remove the ','");
    }
  }
  state_.Take();
  return FillDefaults();
}

bool ArgumentList::ParseOne() {
  const Token first = state_.Take();
  size_t index = 0;
  const bool named = first.kind == TokenKind::kWord && state_.PeekIs("=");
  if (named ? !FindNamed(first, &index) : !FindPositional(first, &index)) return false;
  IOMMUFD_CHECK(index < spec_.arguments.size(), "an argument of the operation");
  if (given_[index]) {
    return state_.Fail(first, absl::StrCat("argument '", std::string(spec_.arguments[index].name),
                                           "' is given twice; keep one of them"));
  }
  given_[index] = true;
  const bool is_file = spec_.arguments[index].kind == ArgumentKind::kFile;
  // memfd=N is the value of a file argument, wherever it stands, not the name of an argument.
  if (named && is_file && IsKindOfFile(first.text)) {
    positional_ = std::max(positional_, index + 1);
    return ParseValue(index, first);
  }
  if (!named) return ParseValue(index, first);
  named_ = true;
  state_.Take();
  return ParseValue(index, state_.Take());
}

bool ArgumentList::FindNamed(const Token& word, size_t* index) {
  std::vector<std::string_view> known;
  for (size_t i = 0; i < spec_.arguments.size(); ++i) {
    const ArgumentSpec& spec = spec_.arguments[i];
    *index = i;
    if (word.text == spec.name) return true;
    if (spec.kind == ArgumentKind::kFile && IsKindOfFile(word.text)) return true;
    known.push_back(spec.name);
  }
  const std::string unknown =
      absl::StrCat(std::string(spec_.name), " has no argument ", Quoted(word.text), "; ");
  if (known.empty()) return state_.Fail(word, absl::StrCat(unknown, "it takes none, write '()'"));
  return state_.Fail(word, absl::StrCat(unknown, Suggestion(word.text, known)));
}

bool ArgumentList::FindPositional(const Token& first, size_t* index) {
  if (first.kind == TokenKind::kNewline || first.kind == TokenKind::kEnd) {
    return state_.Fail(first, absl::StrCat("unexpected ", Shown(first),
                                           "; close the arguments with ')' on the same line"));
  }
  // The iommufd of a call has a name wherever it is written.
  const auto count = static_cast<size_t>(
      std::count_if(spec_.arguments.begin(), spec_.arguments.end(),
                    [](const ArgumentSpec& spec) { return spec.kind != ArgumentKind::kIommufd; }));
  if (positional_ >= count) {
    return state_.Fail(
        first, absl::StrCat("too many arguments; ", std::string(spec_.name), " takes ", count));
  }
  if (named_) {
    return state_.Fail(first, absl::StrCat("argument ", Shown(first),
                                           " without a name after a named one; write name=value"));
  }
  *index = positional_++;
  return true;
}

bool ArgumentList::WrongValue(const ArgumentSpec& spec, const Token& token) {
  for (const ArgumentSpec& other : spec_.arguments) {
    if (token.kind != TokenKind::kWord || token.text != other.name) continue;
    return state_.Fail(token, absl::StrCat("argument ", Quoted(token.text),
                                           " without a value; put '=' and the value after it"));
  }
  return state_.Fail(token, absl::StrCat("unexpected ", Shown(token), " for argument '",
                                         std::string(spec.name), "'; write ", Hint(spec)));
}

bool ArgumentList::ParseValue(size_t index, const Token& first) {
  const ArgumentSpec& spec = spec_.arguments[index];
  Argument& argument = operation_->arguments[index];
  const Boot& boot = state_.program.boot;
  switch (FormOf(spec.kind)) {
    case Form::kObject:
      return ParseObject(spec, first, &argument);
    case Form::kMemfd:
      return ParseBootIndex(first, "memfd", boot.memfds, &argument.value);
    case Form::kBuffer:
      return ParseBootIndex(first, "buffer", boot.buffers, &argument.value);
    case Form::kIndex:
      return ParseBootIndex(first, "device", boot.devices, &argument.value);
    case Form::kFile:
      return ParseFile(first, &argument.value);
    case Form::kNumber:
      return ParseNumber(spec, first, &argument);
    case Form::kProt:
      return ParseProt(first, &argument.value);
    case Form::kSeals:
      return ParseSeals(first, &argument.value);
    case Form::kName:
      return ParseName(first);
    case Form::kIommufd:
      if (!ParseBootIndex(first, "iommufd", boot.iommufds, &argument.value)) return false;
      argument.value = WrittenIommufd(argument.value);
      return true;
  }
  return WrongValue(spec, first);
}

bool ArgumentList::ParseObject(const ArgumentSpec& spec, const Token& first, Argument* argument) {
  if (first.kind == TokenKind::kNumber) {
    return state_.ReadNumber(first, "an object id", kMaxObjectId, &argument->value);
  }
  if (first.kind != TokenKind::kWord) return WrongValue(spec, first);
  const auto found = state_.variables.find(first.text);
  if (found == state_.variables.end()) {
    std::vector<std::string_view> known;
    for (const auto& [name, variable] : state_.variables) {
      if (Accepts(spec.kind, variable.kind)) known.push_back(name);
    }
    const std::string_view nearest = Nearest(first.text, known);
    return state_.Fail(
        first,
        absl::StrCat("undefined variable ", Quoted(first.text), "; ",
                     nearest.empty() ? "define it on an earlier line"
                                     : absl::StrCat("did you mean '", std::string(nearest), "'?")));
  }
  const Variable& variable = found->second;
  if (!Accepts(spec.kind, variable.kind)) {
    return state_.Fail(first, absl::StrCat("variable ", Quoted(first.text), " is of kind ",
                                           std::string(Name(variable.kind)), "; argument '",
                                           std::string(spec.name), "' takes ", Hint(spec)));
  }
  if (PhaseOf(variable.task) > PhaseOf(operation_->task)) {
    return state_.Fail(first, absl::StrCat("variable ", Quoted(first.text), " is defined in ",
                                           TaskName(variable.task), ", which runs after ",
                                           TaskName(operation_->task), "; define it before"));
  }
  argument->variable = variable.operation;
  return true;
}

bool ArgumentList::ParseFile(const Token& first, uint64_t* value) {
  if (first.kind == TokenKind::kWord && first.text == "iommufd") {
    *value = kFileIommufd;
    if (!state_.PeekIs("=")) return true;
    state_.Take();
    uint64_t index = 0;
    if (!ParseBootIndex(state_.Take(), "iommufd", state_.program.boot.iommufds, &index)) {
      return false;
    }
    *value = FileIommufd(index);
    return true;
  }
  if (first.kind == TokenKind::kWord && first.text == "memfd") {
    if (!state_.ExpectSymbol("=", "after 'memfd', as in memfd=0")) return false;
    return ParseBootIndex(state_.Take(), "memfd", state_.program.boot.memfds, value);
  }
  return WrongValue({"file", ArgumentKind::kFile, kRequired}, first);
}

bool ArgumentList::ParseBootIndex(const Token& first, std::string_view what, uint32_t count,
                                  uint64_t* value) {
  if (!state_.ReadNumber(
          first, absl::StrCat("the index of ", what == "iommufd" ? "an " : "a ", std::string(what)),
          UINT64_MAX, value)) {
    return false;
  }
  if (*value < count) return true;
  return state_.Fail(
      first, absl::StrCat("there is no ", std::string(what), " ", *value, "; the boot line has ",
                          std::string(what), "s=", count, ", counted from 0"));
}

// A design that is not known, or not named, takes what any design takes.
bool ArgumentList::FitsDesign(const ArgumentSpec& spec, const Token& first, uint64_t value) {
  const liveupdate::Design* design = DesignNamed(state_.program.design);
  if (design == nullptr) return true;
  const auto index = static_cast<size_t>(&spec - spec_.arguments.data());
  const uint64_t most = LargestArgument(operation_->code, index, *design);
  if (value <= most) return true;
  return state_.Fail(first,
                     absl::StrCat("argument ", Quoted(spec.name), " of ", std::string(spec_.name),
                                  " is wider than design ", state_.program.design,
                                  " carries; write at most 0x", absl::Hex(most)));
}

bool ArgumentList::ParseNumber(const ArgumentSpec& spec, const Token& first, Argument* argument) {
  if (TakesAuto(spec.kind) && first.kind == TokenKind::kWord && first.text == "auto") {
    argument->automatic = true;
    return true;
  }
  if (first.kind != TokenKind::kNumber) return WrongValue(spec, first);
  if (!state_.ReadNumber(first, spec.name, UINT64_MAX, &argument->value)) return false;
  return FitsDesign(spec, first, argument->value);
}

bool ArgumentList::ParseProt(const Token& first, uint64_t* value) {
  for (uint64_t prot = 0; prot <= kMaxProt; ++prot) {
    if (first.kind == TokenKind::kWord && first.text == ProtName(prot)) {
      *value = prot;
      return true;
    }
  }
  return WrongValue({"prot", ArgumentKind::kProt, kRequired}, first);
}

bool ArgumentList::ParseSeals(const Token& first, uint64_t* value) {
  if (first.kind == TokenKind::kWord && first.text == "none") return true;
  Token token = first;
  for (;;) {
    if (token.kind != TokenKind::kWord) {
      return WrongValue({"seals", ArgumentKind::kSeals, kRequired}, token);
    }
    const std::optional<uint64_t> seal = SealFromName(token.text);
    if (!seal) {
      return state_.Fail(token, absl::StrCat("unknown seal ", Quoted(token.text), "; ",
                                             Suggestion(token.text, SealNames())));
    }
    if (*value & *seal) {
      return state_.Fail(
          token, absl::StrCat("seal ", Quoted(token.text), " is given twice; keep one of them"));
    }
    *value |= *seal;
    if (!state_.PeekIs("|")) return true;
    state_.Take();
    token = state_.Take();
  }
}

bool ArgumentList::ParseName(const Token& first) {
  if (first.kind != TokenKind::kString) {
    return WrongValue({"name", ArgumentKind::kName, kRequired}, first);
  }
  IOMMUFD_CHECK(first.text.size() >= 2, "the lexer keeps the quotes");
  const std::string_view body = first.text.substr(1, first.text.size() - 2);
  std::string name;
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '\\') ++i;
    name += body[i];
  }
  if (name.size() > kMaxNameBytes) {
    return state_.Fail(first, absl::StrCat("name of ", name.size(), " bytes; at most ",
                                           kMaxNameBytes, " fit, shorten it"));
  }
  operation_->name = std::move(name);
  return true;
}

bool ArgumentList::FillDefaults() {
  for (size_t i = 0; i < spec_.arguments.size(); ++i) {
    const ArgumentSpec& spec = spec_.arguments[i];
    if (given_[i]) continue;
    if (!spec.fallback.has_value()) {
      return state_.Fail(name_, absl::StrCat(std::string(spec_.name), " lacks argument '",
                                             std::string(spec.name), "'; write ", Hint(spec)));
    }
    operation_->arguments[i].value = *spec.fallback;
    if (spec.kind != ArgumentKind::kBuffer && spec.kind != ArgumentKind::kIndex) continue;
    // A default index is as good as a written one, so it must exist too.
    const bool buffer = spec.kind == ArgumentKind::kBuffer;
    const Boot& boot = state_.program.boot;
    if (*spec.fallback < (buffer ? boot.buffers : boot.devices)) continue;
    return state_.Fail(name_, absl::StrCat("there is no ", buffer ? "buffer " : "device ",
                                           *spec.fallback, "; the boot line has ",
                                           buffer ? "buffers" : "devices", "=0, raise it"));
  }
  return true;
}

}  // namespace

bool ParseArguments(ParseState& state, const Token& name, Operation* operation) {
  return ArgumentList(state, name, operation).Parse();
}

}  // namespace iommufd_check::program
