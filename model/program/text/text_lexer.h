// Splits the text of a program into tokens, each with the line and column where it starts.
//
// Tokens are produced one at a time and point into the text, which must outlive them; the whole
// text is read once. Lines and columns count from 1; a column is a byte, a tab is one column. Bytes
// outside printable ASCII, tab and line ends are errors wherever they stand, also in comments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace iommufd_check::program {

enum class TokenKind : uint8_t {
  kWord,     // letter or _, then letters, digits, _ . -
  kNumber,   // digit, then letters, digits, _ : not yet checked to be a number
  kString,   // in quotes; Token::text keeps the quotes and escapes
  kSymbol,   // one of = ( ) , : @ |, and the # between a word and a number, as in kcalloc#2
  kArrow,    // ->
  kNewline,  // after the last token of a line, also of a last line that does not end in one
  kEnd,
  kError,  // Lexer::error() says what is wrong
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  size_t line = 1;
  size_t column = 1;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text);

  // The leading comment lines, without '#' and the blank after it, joined with '\n'. They end at
  // the first line that is no comment; blank lines before them do not count.
  const std::string& title() const { return title_; }

  // Consumes and returns the next token. After kEnd or kError returns the same again.
  Token Next();
  // What is wrong; how to mend it.
  const std::string& error() const { return error_; }

 private:
  char At(size_t offset) const { return at_ + offset < text_.size() ? text_[at_ + offset] : '\0'; }
  bool AtEnd() const { return at_ >= text_.size(); }
  void ReadTitle();
  bool SkipBlanksAndComment();
  void SkipBlanks();
  bool AtOccurrence() const;
  Token Take(TokenKind kind, size_t length);
  Token TakeNewline();
  Token TakeString();
  Token Fail(size_t offset, std::string message);
  Token FailOnByte();

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
  size_t line_start_ = 0;
  bool line_has_token_ = false;
  std::string title_;
  std::string error_;
  Token failed_;
};

// The text of a word or string fit for a message: in single quotes, at most 40 bytes.
std::string Quoted(std::string_view text);

}  // namespace iommufd_check::program
