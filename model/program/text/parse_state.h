// What the parts of the text parser share: the token in hand, the program so far, its variables and
// the first error.
//
// Functions that return bool return false once something failed, and the caller does so too; the
// first failure is kept.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "model/program/program.h"
#include "model/program/text/text_lexer.h"

namespace iommufd_check::program {

struct Variable {
  uint16_t operation = 0;  // in the order of the text
  ResultKind kind = ResultKind::kNone;
  uint8_t task = kMain;
  size_t line = 0;
};

class ParseState {
 public:
  ParseState(std::string_view text, std::string_view file_name);

  const Token& Peek() const { return token_; }
  bool PeekIs(std::string_view symbol) const;
  Token Take();

  // Records "file:line:col: message" unless an error came before. Returns false. A token of kind
  // kError is reported with the lexer's message instead.
  bool Fail(const Token& where, std::string message);
  absl::Status status() const { return status_; }

  // Each consumes one token, which must be of that kind; `what` says what is due there and why, as
  // in "expected ')' after the arguments".
  bool ExpectSymbol(std::string_view symbol, std::string_view why);
  bool ExpectWord(std::string_view what, Token* word);
  bool ExpectLineEnd(std::string_view after);

  // The value of a kNumber token, at most `most`; `what` names it in messages.
  bool ReadNumber(const Token& token, std::string_view what, uint64_t most, uint64_t* value);
  bool ExpectNumber(std::string_view what, uint64_t most, uint64_t* value);

  Lexer lexer;
  Program program;
  std::map<std::string, Variable, std::less<>> variables;

 private:
  std::string file_name_;
  Token token_;
  absl::Status status_;
};

// How messages name a token: 'word', or "end of line".
std::string Shown(const Token& token);

// Reads the arguments of `operation`, whose name is `name`, from behind '(' to behind ')'.
bool ParseArguments(ParseState& state, const Token& name, Operation* operation);

}  // namespace iommufd_check::program
