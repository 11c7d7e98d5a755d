// What tests of the text form share: a text that must parse, and the message of one that must not.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::program {

inline Program Parse(const std::string& text) {
  absl::StatusOr<Program> parsed = ParseProgram(text, "t");
  EXPECT_TRUE(parsed.ok()) << parsed.status().message() << "\n" << text;
  return parsed.ok() ? *parsed : Program{};
}

// The message for `text` without the name of the file.
inline std::string Error(std::string_view text) {
  const absl::StatusOr<Program> parsed = ParseProgram(text, "t");
  if (parsed.ok()) return "accepted";
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(parsed.status().message());
  EXPECT_TRUE(message.starts_with("t:")) << message;
  return message.substr(2);
}

struct Mistake {
  std::string text;
  std::string message;
};

inline void ExpectMessages(const std::vector<Mistake>& mistakes) {
  for (const Mistake& mistake : mistakes) EXPECT_EQ(Error(mistake.text), mistake.message);
}

}  // namespace iommufd_check::program
