// The text parser against texts that nobody wrote: mutations of good ones, noise, and large ones.

#include <gtest/gtest.h>

#include <string>

#include "absl/status/statusor.h"
#include "model/program/text/text_codec.h"
#include "tests/program/random_programs.h"

namespace iommufd_check::program {
namespace {

TEST(TextFuzz, MutatedTexts) { CheckMutatedTexts(20'000, 1); }

TEST(TextFuzz, NoiseIsRefusedOrReadOnce) {
  Random random(3);
  for (int i = 0; i < 2'000; ++i) {
    std::string noise(4096, '\0');
    // Half of them all bytes, half only those that get past the lexer.
    for (char& c : noise) {
      c = static_cast<char>(i % 2 == 0 ? random() : ' ' + Below(random, 95));
    }
    // What looks like a comment is one.
    if (noise.find_first_not_of(" \t") == noise.find('#')) continue;
    EXPECT_FALSE(ParseProgram(noise, "noise").ok()) << noise;
  }
}

std::string Repeated(const std::string& line, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

// Texts of 200,000 lines. The test's time-out is what fails when one takes more than linear time.
TEST(TextFuzz, LargeTexts) {
  constexpr int kLines = 200'000;
  const std::string comments = "\n\n" + Repeated("\n # dropped\n", kLines / 2);
  EXPECT_TRUE(ParseProgram(comments, "t").ok());
  EXPECT_TRUE(ParseProgram(Repeated("A:\n", kLines), "t").ok());
  EXPECT_EQ(ParseProgram(Repeated("# title\n", kLines), "t").status().message(),
            "t:1:1: leading comment of more than 8192 bytes; put an empty line into it");
  EXPECT_EQ(ParseProgram("main:\n" + Repeated("ioas_alloc()\n", kLines), "t").status().message(),
            "t:4098:1: more than 4096 operations; end the program before this line");
  EXPECT_FALSE(ParseProgram(Repeated("(", kLines), "t").ok());
  EXPECT_FALSE(ParseProgram(Repeated("a", kLines), "t").ok());
  EXPECT_FALSE(ParseProgram("main: map(" + Repeated("1", kLines), "t").ok());
  const std::string name = Repeated("x", kLines);
  EXPECT_EQ(ParseProgram("main:\nluo_create_session(\"" + name + "\")", "t").status().message(),
            "t:2:20: name of 200000 bytes; at most 64 fit, shorten it");
}

TEST(TextFuzz, AsManyVariablesAsFit) {
  std::string text = "main:\n";
  for (size_t i = 0; i < kMaxOperations / 2; ++i) {
    text += "v" + std::to_string(i) + " = ioas_alloc()\n";
    text += "unmap(v" + std::to_string(i) + ")\n";
  }
  const absl::StatusOr<Program> parsed = ParseProgram(text, "t");
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(parsed->operations.size(), kMaxOperations);
  EXPECT_EQ(*ParseProgram(PrintProgram(*parsed), "t"), *parsed);
}

}  // namespace
}  // namespace iommufd_check::program
