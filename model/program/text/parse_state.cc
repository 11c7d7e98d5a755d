#include "model/program/text/parse_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

// The digits of `text` in `base`; nothing when one is not a digit, UINT64_MAX + overflow otherwise.
std::optional<uint64_t> Digits(std::string_view text, unsigned base, bool* overflow) {
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    unsigned digit = base;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A') + 10;
    if (digit >= base) return std::nullopt;
    *overflow = *overflow || __builtin_mul_overflow(value, base, &value) ||
                __builtin_add_overflow(value, digit, &value);
  }
  return value;
}

}  // namespace

std::string Shown(const Token& token) {
  if (token.kind == TokenKind::kNewline) return "end of line";
  if (token.kind == TokenKind::kEnd) return "end of text";
  if (token.kind == TokenKind::kString) return "string";
  return Quoted(token.text);
}

ParseState::ParseState(std::string_view text, std::string_view file_name)
    : lexer(text), file_name_(file_name), token_(lexer.Next()) {}

bool ParseState::PeekIs(std::string_view symbol) const {
  return token_.kind == TokenKind::kSymbol && token_.text == symbol;
}

Token ParseState::Take() { return std::exchange(token_, lexer.Next()); }

bool ParseState::Fail(const Token& where, std::string message) {
  if (!status_.ok()) return false;
  if (where.kind == TokenKind::kError) message = lexer.error();
  IOMMUFD_CHECK(!message.empty(), "an error says what is wrong");
  status_ = absl::InvalidArgumentError(
      absl::StrCat(file_name_, ":", where.line, ":", where.column, ": ", message));
  return false;
}

bool ParseState::ExpectSymbol(std::string_view symbol, std::string_view why) {
  const Token token = Take();
  if (token.kind == TokenKind::kSymbol && token.text == symbol) return true;
  return Fail(token, absl::StrCat("unexpected ", Shown(token), "; put '", std::string(symbol), "' ",
                                  std::string(why)));
}

bool ParseState::ExpectWord(std::string_view what, Token* word) {
  *word = Take();
  if (word->kind == TokenKind::kWord) return true;
  return Fail(*word,
              absl::StrCat("unexpected ", Shown(*word), "; write ", std::string(what), " here"));
}

bool ParseState::ExpectLineEnd(std::string_view after) {
  const Token token = Take();
  if (token.kind == TokenKind::kNewline || token.kind == TokenKind::kEnd) return true;
  return Fail(token, absl::StrCat("unexpected ", Shown(token), " after ", std::string(after),
                                  "; remove it or start a new line"));
}

bool ParseState::ReadNumber(const Token& token, std::string_view what, uint64_t most,
                            uint64_t* value) {
  if (token.kind != TokenKind::kNumber) {
    return Fail(token, absl::StrCat("unexpected ", Shown(token), "; write a number for ",
                                    std::string(what)));
  }
  const bool hex = token.text.starts_with("0x");
  bool overflow = false;
  const auto read = Digits(token.text.substr(hex ? 2 : 0), hex ? 16 : 10, &overflow);
  if (!read) {
    return Fail(token, absl::StrCat("malformed number ", Quoted(token.text),
                                    "; write decimal digits, or 0x and hex digits"));
  }
  if (overflow || *read > most) {
    return Fail(token, absl::StrCat("number ", Quoted(token.text), " is out of range; ",
                                    std::string(what), " is at most ", most));
  }
  *value = *read;
  return true;
}

bool ParseState::ExpectNumber(std::string_view what, uint64_t most, uint64_t* value) {
  return ReadNumber(Take(), what, most, value);
}

}  // namespace iommufd_check::program
