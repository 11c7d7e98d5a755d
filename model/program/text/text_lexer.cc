#include "model/program/text/text_lexer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool StartsWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsPrintable(char c) { return c >= 0x20 && c <= 0x7e; }
bool IsSymbol(char c) { return std::string_view("=(),:@|").find(c) != std::string_view::npos; }

}  // namespace

std::string Quoted(std::string_view text) {
  constexpr size_t kMost = 40;
  std::string shown(text.substr(0, kMost));
  if (text.size() > kMost) shown += "...";
  return absl::StrCat("'", shown, "'");
}

Lexer::Lexer(std::string_view text) : text_(text) { ReadTitle(); }

// Only looks ahead: the comment lines are checked and skipped by Next like all others.
void Lexer::ReadTitle() {
  size_t at = 0;
  while (at < text_.size() && (IsBlank(text_[at]) || text_[at] == '\r' || text_[at] == '\n')) ++at;
  for (bool first = true; at < text_.size() && text_[at] == '#'; first = false) {
    const size_t newline = std::min(text_.find('\n', at), text_.size());
    std::string_view line = text_.substr(at + 1, newline - at - 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (!first) title_ += '\n';
    for (const char c : line) title_ += c == '\t' ? ' ' : c;
    at = newline + 1;
  }
}

Token Lexer::Take(TokenKind kind, size_t length) {
  IOMMUFD_CHECK(at_ + length <= text_.size(), "a token ends inside the text");
  const Token token{kind, text_.substr(at_, length), line_, at_ - line_start_ + 1};
  at_ += length;
  line_has_token_ = kind != TokenKind::kNewline && kind != TokenKind::kEnd;
  return token;
}

Token Lexer::Fail(size_t offset, std::string message) {
  error_ = std::move(message);
  failed_ = {TokenKind::kError, {}, line_, at_ + offset - line_start_ + 1};
  return failed_;
}

// Says why the byte at the cursor cannot start a token.
Token Lexer::FailOnByte() {
  const char c = text_[at_];
  const int byte = static_cast<unsigned char>(c);
  if (c == '\0') return Fail(0, "NUL byte in the text; save the program as plain ASCII text");
  if (c == '\r') return Fail(0, "carriage return inside a line; end lines with LF or CR LF");
  if (byte >= 0x80) {
    return Fail(0, absl::StrFormat("byte 0x%02x is not ASCII; write plain ASCII only", byte));
  }
  if (!IsPrintable(c)) {
    return Fail(0, absl::StrFormat("control byte 0x%02x; write printable text only", byte));
  }
  if (c == '-' && IsDigit(At(1))) {
    return Fail(0, "negative number; write its 64-bit two's complement in hex");
  }
  return Fail(0, absl::StrCat("unexpected character ", Quoted(text_.substr(at_, 1)),
                              "; remove it, or put '#' before a comment"));
}

void Lexer::SkipBlanks() {
  while (!AtEnd() && IsBlank(text_[at_])) ++at_;
}

bool Lexer::AtOccurrence() const {
  if (at_ == 0 || At(0) != '#' || !IsDigit(At(1))) return false;
  const char before = text_[at_ - 1];
  return StartsWord(before) || IsDigit(before);
}

// False when a comment holds a byte that no text may have; the cursor is then on it.
bool Lexer::SkipBlanksAndComment() {
  SkipBlanks();
  if (AtEnd() || text_[at_] != '#' || AtOccurrence()) return true;
  for (; !AtEnd(); ++at_) {
    const char c = text_[at_];
    if (c == '\n' || (c == '\r' && (At(1) == '\n' || at_ + 1 == text_.size()))) return true;
    if (!IsPrintable(c) && !IsBlank(c)) return false;
  }
  return true;
}

Token Lexer::TakeNewline() {
  const Token token = Take(TokenKind::kNewline, 1);
  ++line_;
  line_start_ = at_;
  return token;
}

Token Lexer::TakeString() {
  IOMMUFD_CHECK(text_[at_] == '"', "a string starts with a quote");
  for (size_t length = 1; at_ + length < text_.size(); ++length) {
    const char c = At(length);
    if (c == '"') return Take(TokenKind::kString, length + 1);
    if (c == '\n' || c == '\r') break;
    if (!IsPrintable(c)) {
      at_ += length;
      if (c == '\t') return Fail(0, "tab in a string; names are printable ASCII");
      return FailOnByte();
    }
    if (c != '\\') continue;
    ++length;
    if (At(length) != '"' && At(length) != '\\') {
      return Fail(length - 1, "unknown escape in a string; only \\\" and \\\\ exist");
    }
  }
  return Fail(0, "unterminated string; close it with '\"' on the same line");
}

Token Lexer::Next() {
  if (!error_.empty()) return failed_;
  for (;;) {
    if (!SkipBlanksAndComment()) return FailOnByte();
    if (AtEnd()) return Take(line_has_token_ ? TokenKind::kNewline : TokenKind::kEnd, 0);
    const char c = text_[at_];
    if (c == '\r' && (At(1) == '\n' || at_ + 1 == text_.size())) {
      ++at_;
    } else if (c == '\n') {
      const bool ends_something = line_has_token_;
      const Token newline = TakeNewline();
      if (ends_something) return newline;
    } else {
      break;
    }
  }
  const char c = text_[at_];
  if (c == '"') return TakeString();
  if (c == '-' && At(1) == '>') return Take(TokenKind::kArrow, 2);
  if (IsSymbol(c) || c == '#') return Take(TokenKind::kSymbol, 1);
  const bool word = StartsWord(c);
  if (!word && !IsDigit(c)) return FailOnByte();
  size_t length = 1;
  for (; at_ + length < text_.size(); ++length) {
    const char next = At(length);
    const bool dash = word && next == '-' && At(length + 1) != '>';
    if (!StartsWord(next) && !IsDigit(next) && !dash && !(word && next == '.')) break;
  }
  return Take(word ? TokenKind::kWord : TokenKind::kNumber, length);
}

}  // namespace iommufd_check::program
