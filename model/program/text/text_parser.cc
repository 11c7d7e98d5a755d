// ParseProgram of text_codec.h: the lines of a program.
#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/program/text/parse_plan.h"
#include "model/program/text/parse_state.h"
#include "model/program/text/spelling.h"
#include "model/program/text/text_codec.h"
#include "model/program/text/vocabulary_text.h"
#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::program {
namespace {

constexpr std::array<std::string_view, 7> kDirectives = {"format", "design", "boot", "fault",
                                                         "switch", "expect", "also"};

bool IsDirective(std::string_view word) {
  return std::find(kDirectives.begin(), kDirectives.end(), word) != kDirectives.end();
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file_name) : state_(text, file_name) {}

  absl::StatusOr<Program> Parse();

 private:
  bool ParseLine();
  bool ParseSection(const Token& name);
  bool ParseDirective(const Token& word);
  bool ParseFormat(const Token& word);
  bool ParseDesign(const Token& word);
  bool ParseBoot(const Token& word);
  bool ParseOperation(const Token& first);
  bool CheckVariable(const Token& name);
  bool ParseExpectedErrno(Operation* operation);
  bool DefineVariable(const Token& name, const Operation& operation);
  bool ParseExpect();
  bool ParseAlso();
  bool CheckWord(const Token& word);
  bool CheckBeforeOperations(const Token& word, bool* seen);

  bool Fail(const Token& where, std::string message) {
    return state_.Fail(where, std::move(message));
  }

  ParseState state_;
  PlanParser plan_{state_};
  std::optional<uint8_t> task_;
  bool format_seen_ = false;
  bool design_seen_ = false;
  bool boot_seen_ = false;
};

absl::StatusOr<Program> Parser::Parse() {
  if (state_.lexer.title().size() > kMaxTitleBytes) {
    Fail({}, absl::StrCat("leading comment of more than ", kMaxTitleBytes,
                          " bytes; put an empty line into it"));
    return state_.status();
  }
  while (state_.Peek().kind != TokenKind::kEnd) {
    if (!ParseLine()) return state_.status();
  }
  SortOperations(&state_.program);
  if (!plan_.Resolve()) return state_.status();
  state_.program.title = state_.lexer.title();
  IOMMUFD_CHECK(state_.status().ok(), "an error ends the parse");
  IOMMUFD_CHECK(FirstProblem(state_.program).empty(), "what the parser accepts is valid");
  return std::move(state_.program);
}

bool Parser::ParseLine() {
  Token word;
  if (!state_.ExpectWord("a section, a directive or an operation", &word)) return false;
  if (state_.PeekIs(":")) return ParseSection(word);
  if (IsDirective(word.text) && !state_.PeekIs("=")) return ParseDirective(word);
  return ParseOperation(word);
}

bool Parser::ParseSection(const Token& name) {
  task_ = TaskFromName(name.text);
  if (!task_) {
    constexpr std::array<std::string_view, 2> kNames = {"main", "finally"};
    const std::string_view nearest = Nearest(name.text, kNames);
    return Fail(name, absl::StrCat("unknown section ", Quoted(name.text), "; ",
                                   nearest.empty() ? "sections are main, A to G and finally"
                                                   : Suggestion(name.text, kNames)));
  }
  state_.Take();
  return state_.ExpectLineEnd("a section");
}

bool Parser::ParseDirective(const Token& word) {
  if (word.text == "format") return ParseFormat(word) && state_.ExpectLineEnd("the format");
  if (word.text == "design") return ParseDesign(word) && state_.ExpectLineEnd("the design");
  if (word.text == "boot") return ParseBoot(word);
  if (word.text == "fault") return plan_.ParseFault() && state_.ExpectLineEnd("a fault");
  if (word.text == "switch") return plan_.ParseSwitch() && state_.ExpectLineEnd("a switch");
  if (word.text == "expect") return ParseExpect() && state_.ExpectLineEnd("an expectation");
  IOMMUFD_CHECK(word.text == "also", "one branch for each directive");
  return ParseAlso();
}

bool Parser::CheckBeforeOperations(const Token& word, bool* seen) {
  if (*seen) {
    return Fail(word, absl::StrCat("second ", Quoted(word.text), " line; keep one of them"));
  }
  *seen = true;
  if (state_.program.operations.empty()) return true;
  return Fail(word, absl::StrCat(Quoted(word.text),
                                 " after an operation; move it above the first section"));
}

bool Parser::CheckWord(const Token& word) {
  if (IsWord(word.text)) return true;
  return Fail(word,
              absl::StrCat("unsuitable name ", Quoted(word.text),
                           "; start it with a letter and use at most ", kMaxWordBytes, " bytes"));
}

// Without the line the present format is meant, so that nobody has to write it.
bool Parser::ParseFormat(const Token& word) {
  if (!CheckBeforeOperations(word, &format_seen_)) return false;
  const Token number = state_.Peek();
  uint64_t format = 0;
  if (!state_.ExpectNumber("the format", UINT32_MAX, &format)) return false;
  if (format == kTextFormat) return true;
  return Fail(number, absl::StrCat("format ", format, ", and this program reads ", kTextFormat,
                                   format < kTextFormat
                                       ? "; turn the file into that with iommufd-check convert"
                                       : "; use the program that wrote it, or a later one"));
}

bool Parser::ParseDesign(const Token& word) {
  if (!CheckBeforeOperations(word, &design_seen_)) return false;
  Token name;
  if (!state_.ExpectWord("the name of a design", &name) || !CheckWord(name)) return false;
  state_.program.design = std::string(name.text);
  return true;
}

bool Parser::ParseBoot(const Token& word) {
  if (!CheckBeforeOperations(word, &boot_seen_)) return false;
  const std::span<const BootField> fields = BootFields();
  std::vector<bool> given(fields.size(), false);
  while (state_.Peek().kind == TokenKind::kWord) {
    const Token name = state_.Take();
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const BootField& f) { return f.name == name.text; });
    if (field == fields.end()) {
      std::vector<std::string_view> known;
      for (const BootField& f : fields) known.push_back(f.name);
      return Fail(name, absl::StrCat("unknown boot field ", Quoted(name.text), "; ",
                                     Suggestion(name.text, known)));
    }
    const size_t index = static_cast<size_t>(field - fields.begin());
    if (given[index]) {
      return Fail(name, absl::StrCat("boot field ", Quoted(name.text),
                                     " is given twice; keep one of them"));
    }
    given[index] = true;
    uint64_t value = 0;
    if (!state_.ExpectSymbol("=", "after the name of a boot field")) return false;
    if (!state_.ExpectNumber(field->name, field->most, &value)) return false;
    state_.program.boot.*(field->member) = static_cast<uint32_t>(value);
  }
  return state_.ExpectLineEnd("the boot fields");
}

bool Parser::CheckVariable(const Token& name) {
  const bool plain = name.text.find_first_of("-.") == std::string_view::npos;
  if (!plain || IsDirective(name.text) || TaskFromName(name.text)) {
    return Fail(name, absl::StrCat(Quoted(name.text),
                                   " cannot name a variable; use letters, digits and _, and no "
                                   "word of the language"));
  }
  const auto earlier = state_.variables.find(name.text);
  if (earlier == state_.variables.end()) return true;
  return Fail(name, absl::StrCat("variable ", Quoted(name.text), " is already defined in line ",
                                 earlier->second.line, "; choose another name"));
}

bool Parser::ParseOperation(const Token& first) {
  Token name = first;
  const bool defines = state_.PeekIs("=");
  if (defines) {
    if (!CheckVariable(first)) return false;
    state_.Take();
    if (!state_.ExpectWord("an operation", &name)) return false;
  }
  const std::optional<OpCode> code = OpCodeFromName(name.text);
  if (!code) {
    std::vector<std::string_view> known(OperationNames().begin(), OperationNames().end());
    if (!defines) known.insert(known.end(), kDirectives.begin(), kDirectives.end());
    const std::string_view nearest = Nearest(name.text, known);
    return Fail(name, absl::StrCat("unknown operation ", Quoted(name.text), "; ",
                                   nearest.empty() ? Suggestion(name.text, OperationNames())
                                                   : Suggestion(name.text, known)));
  }
  if (!task_) {
    return Fail(name, absl::StrCat("operation ", Quoted(name.text),
                                   " before any section; put 'main:' above it"));
  }
  std::vector<Operation>& operations = state_.program.operations;
  if (operations.size() >= kMaxOperations) {
    return Fail(name, absl::StrCat("more than ", kMaxOperations,
                                   " operations; end the program before this line"));
  }
  Operation operation;
  operation.code = *code;
  operation.task = *task_;
  if (!state_.ExpectSymbol("(", "after the name of an operation")) return false;
  if (!ParseArguments(state_, name, &operation)) return false;
  if (!ParseExpectedErrno(&operation)) return false;
  if (defines && !DefineVariable(first, operation)) return false;
  operations.push_back(std::move(operation));
  return state_.ExpectLineEnd("an operation");
}

bool Parser::ParseExpectedErrno(Operation* operation) {
  if (state_.Peek().kind != TokenKind::kArrow) return true;
  state_.Take();
  const Token token = state_.Take();
  const bool readable = token.kind == TokenKind::kWord || token.kind == TokenKind::kNumber;
  if (readable) operation->expected_errno = sim::ErrnoFromName(token.text);
  if (operation->expected_errno) return true;
  if (token.kind != TokenKind::kWord) {
    return Fail(token, absl::StrCat("unexpected ", Shown(token),
                                    " after '->'; write 0 or the name of an errno"));
  }
  return Fail(token, absl::StrCat("unknown errno ", Quoted(token.text), "; ",
                                  Suggestion(token.text, ErrnoNames())));
}

bool Parser::DefineVariable(const Token& name, const Operation& operation) {
  const OperationSpec& spec = SpecOf(operation.code);
  if (spec.result == ResultKind::kNone) {
    return Fail(name, absl::StrCat(std::string(spec.name), " creates nothing; remove '",
                                   std::string(name.text), " ='"));
  }
  const auto index = static_cast<uint16_t>(state_.program.operations.size());
  state_.variables.emplace(name.text, Variable{index, spec.result, operation.task, name.line});
  return true;
}

bool Parser::ParseExpect() {
  Token word;
  if (!state_.ExpectWord("'violation'", &word)) return false;
  if (word.text != "violation") {
    return Fail(word, absl::StrCat("unknown word ", Quoted(word.text), "; write 'violation'"));
  }
  Token id;
  if (!state_.ExpectWord("the id of an invariant", &id) || !CheckWord(id)) return false;
  if (state_.program.expected.size() >= kMaxExpected) {
    return Fail(id, absl::StrCat("more than ", kMaxExpected, " expectations; remove some"));
  }
  ExpectedViolation expected{std::string(id.text), std::nullopt};
  if (state_.Peek().kind == TokenKind::kWord) {
    const Token operation = state_.Take();
    expected.operation = OpCodeFromName(operation.text);
    if (!expected.operation) {
      return Fail(operation, absl::StrCat("unknown operation ", Quoted(operation.text), "; ",
                                          Suggestion(operation.text, OperationNames())));
    }
  }
  state_.program.expected.push_back(std::move(expected));
  return true;
}

bool Parser::ParseAlso() {
  do {
    Token id;
    if (!state_.ExpectWord("the id of an invariant", &id) || !CheckWord(id)) return false;
    if (state_.program.also.size() >= kMaxAlso) {
      return Fail(id, absl::StrCat("more than ", kMaxAlso, " companions; remove some"));
    }
    state_.program.also.emplace_back(id.text);
  } while (state_.Peek().kind == TokenKind::kWord);
  return state_.ExpectLineEnd("the companions");
}

}  // namespace

absl::StatusOr<Program> ParseProgram(std::string_view text, std::string_view file_name) {
  return Parser(text, file_name).Parse();
}

}  // namespace iommufd_check::program
