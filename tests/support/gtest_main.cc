// The main of every test binary. It differs from GoogleTest's where that reports success although
// nothing was checked: no test ran, a flag was misspelt, or RC_PARAMS holds a key that RapidCheck
// would silently ignore. Each of these exits with 64.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

namespace {

constexpr int kUsage = 64;

constexpr std::array<std::string_view, 8> kRapidCheckKeys = {
    "seed",     "max_success",      "max_size",          "max_discard_ratio",
    "noshrink", "verbose_progress", "verbose_shrinking", "reproduce",
};

// Refuses what RapidCheck would ignore, and fixes the seed, which it draws anew when none is given.
bool PrepareRapidCheck() {
  const char* given = std::getenv("RC_PARAMS");
  std::string params = given != nullptr ? given : "";
  bool seeded = false;
  std::istringstream words(params);
  for (std::string word; words >> word;) {
    const std::string key = word.substr(0, word.find('='));
    if (std::find(kRapidCheckKeys.begin(), kRapidCheckKeys.end(), key) == kRapidCheckKeys.end()) {
      std::fprintf(stderr, "RC_PARAMS: unknown key '%s'\n", key.c_str());
      return false;
    }
    if (word == "max_success=0") {
      std::fprintf(stderr, "RC_PARAMS: max_success=0 would test nothing\n");
      return false;
    }
    seeded = seeded || key == "seed";
  }
  if (!seeded) params += params.empty() ? "seed=1" : " seed=1";
  return setenv("RC_PARAMS", params.c_str(), 1) == 0;
}

// Counts what really ran: the totals of testing::UnitTest take a test that never ran for passed.
class Tally : public testing::EmptyTestEventListener {
 public:
  void OnTestEnd(const testing::TestInfo& test) override {
    const testing::TestResult& result = *test.result();
    ++(result.Skipped() ? skipped : result.Failed() ? failed : passed);
  }

  int passed = 0;
  int failed = 0;
  int skipped = 0;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);  // Removes the flags it knows.
  if (argc > 1) {
    const std::string_view first = argv[1];
    if (first == "--help" || first == "-h") return RUN_ALL_TESTS();
    std::fprintf(stderr, "%s: unknown argument\n", argv[1]);
    return kUsage;
  }
  if (!PrepareRapidCheck()) return kUsage;

  auto* const tally = new Tally;  // The listeners own it, and live as long as the process.
  testing::UnitTest::GetInstance()->listeners().Append(tally);
  const int status = RUN_ALL_TESTS();
  if (GTEST_FLAG_GET(list_tests)) return status;

  std::printf("%d passed, %d failed, %d skipped\n", tally->passed, tally->failed, tally->skipped);
  if (tally->passed + tally->failed == 0) {
    std::fprintf(stderr, "no test ran: nothing done is never a pass\n");
    return kUsage;
  }
  return status;
}
