// What makes two violations one finding, how it is spelled, and which ones a pattern means.
#include "model/program/identity.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "model/program/finding_pattern.h"
#include "model/program/text/spelling.h"

namespace iommufd_check::program {
namespace {

using sim::Condition;
using sim::Fn;
using sim::ObjectKind;
using sim::Splat;
using spec::Invariant;

const Identity kWarn{.invariant = Invariant::kI37,
                     .operation = OpCode::kMapFile,
                     .object = ObjectKind::kIoas,
                     .function = Fn::kIoptAbortArea,
                     .splat = Splat::kWarn,
                     .condition = Condition::kImmutable};

TEST(Identity, HasOneSpelling) {
  EXPECT_EQ(TextOf(kWarn), "I37@map_file:ioas:iopt_abort_area:warn.immutable");
  EXPECT_EQ(TextOf({.invariant = Invariant::kI36}), "I36@exit");
  EXPECT_EQ(TextOf({.invariant = Invariant::kI05, .operation = OpCode::kLuoPreserve}),
            "I05@luo_preserve");
  EXPECT_EQ(TextOf({.invariant = Invariant::kI19,
                    .operation = OpCode::kLuoPreserve,
                    .splat = Splat::kSleepInAtomic}),
            "I19@luo_preserve:-:-:sleep-in-atomic");
}

// Every combination of one other part is another text, and is read back.
TEST(Identity, IsReadBack) {
  std::vector<Identity> all{kWarn, {.invariant = Invariant::kI36}};
  for (int i = 0; i < spec::kInvariants; ++i) {
    all.push_back({.invariant = static_cast<Invariant>(i), .operation = OpCode::kDestroy});
  }
  for (int i = 0; i < static_cast<int>(OpCode::kCount); ++i) {
    all.push_back({.invariant = Invariant::kI01, .operation = static_cast<OpCode>(i)});
  }
  for (int i = 0; i < sim::Count<ObjectKind>(); ++i) {
    all.push_back({.invariant = Invariant::kI02, .object = static_cast<ObjectKind>(i)});
  }
  for (int i = 0; i < sim::Count<Fn>(); ++i) {
    all.push_back({.invariant = Invariant::kI03, .function = static_cast<Fn>(i)});
  }
  for (int i = 0; i <= sim::Count<Splat>(); ++i) {
    all.push_back({.invariant = Invariant::kI04, .splat = static_cast<Splat>(i)});
  }
  for (int i = 0; i < sim::Count<Condition>(); ++i) {
    all.push_back({.invariant = Invariant::kI05,
                   .splat = Splat::kBug,
                   .condition = static_cast<Condition>(i)});
  }
  std::map<std::string, Identity> by_text;
  for (const Identity& identity : all) {
    const std::string text = TextOf(identity);
    const auto [known, is_new] = by_text.emplace(text, identity);
    EXPECT_TRUE(is_new || known->second == identity) << text;
    const absl::StatusOr<Identity> read = IdentityFromText(text);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, identity) << text;
  }
}

TEST(Identity, RefusesWhatMeansSeveral) {
  for (const char* text : {"I37", "I37@*", "I37@map:*:iopt_abort_area", "", "@", "I37@",
                           "I37@map:", "I37@map:ioas:iopt_abort_area:warn.", "I37@map:a:b:c:d"}) {
    EXPECT_FALSE(IdentityFromText(text).ok()) << text;
  }
}

FindingPattern Pattern(std::string_view text) {
  const absl::StatusOr<FindingPattern> pattern = FindingPattern::Parse(text);
  EXPECT_TRUE(pattern.ok()) << pattern.status();
  return *pattern;
}

TEST(FindingPattern, EachPartNarrowsItDown) {
  for (const char* text :
       {"I37", "no-user-triggerable-warn", "I37@map_file", "I37@*", "I37@map_file:ioas",
        "I37@*:ioas", "I37@map_file:ioas:iopt_abort_area", "I37@map_file:*:iopt_abort_area",
        "I37@map_file:ioas:iopt_abort_area:warn",
        "I37@map_file:ioas:iopt_abort_area:warn.immutable"}) {
    EXPECT_TRUE(Pattern(text).Matches(kWarn)) << text;
  }
  for (const char* text :
       {"I36", "I37@map", "I37@exit", "I37@map_file:area", "I37@map_file:-", "I37@map_file:ioas:-",
        "I37@map_file:ioas:save_hwpts", "I37@map_file:ioas:iopt_abort_area:bug",
        "I37@map_file:ioas:iopt_abort_area:-",
        "I37@map_file:ioas:iopt_abort_area:warn.count-differs"}) {
    EXPECT_FALSE(Pattern(text).Matches(kWarn)) << text;
  }
  EXPECT_TRUE(Pattern("I36@exit").Matches({.invariant = Invariant::kI36}));
  EXPECT_FALSE(
      Pattern("I36@exit").Matches({.invariant = Invariant::kI36, .operation = OpCode::kMap}));
}

TEST(FindingPattern, NamesThePartThatIsUnknown) {
  const auto problem = [](std::string_view text) {
    return std::string(FindingPattern::Parse(text).status().message());
  };
  EXPECT_EQ(problem("I37@map_fil"),
            "unknown operation 'map_fil' in 'I37@map_fil'; did you mean 'map_file'?");
  EXPECT_EQ(problem("I37@map:iaos"),
            "unknown kind of object 'iaos' in 'I37@map:iaos'; did you mean 'ioas'?");
  EXPECT_EQ(problem("I37@map:ioas:iopt_abort_aera"),
            "unknown function 'iopt_abort_aera' in 'I37@map:ioas:iopt_abort_aera'; "
            "did you mean 'iopt_abort_area'?");
  EXPECT_EQ(problem("I37@map:ioas:-:wran"),
            "unknown splat 'wran' in 'I37@map:ioas:-:wran'; did you mean 'warn'?");
  EXPECT_NE(problem("I37@map:ioas:-:warn.x").find("unknown condition 'x'"), std::string::npos);
  EXPECT_NE(problem("I99").find("unknown invariant 'I99'; "), std::string::npos);
}

// A slip of the finger is near, another word is not; of two that are as near the first.
TEST(Spelling, NearestIsNearAndTheFirst) {
  const auto nearest = [](std::string_view word, const std::vector<std::string_view>& known) {
    return std::string(Nearest(word, known));
  };
  EXPECT_EQ(nearest("mpa_file", {"map", "map_file"}), "map_file") << "two letters change places";
  EXPECT_EQ(nearest("aa", {"ab", "ac"}), "ab");
  EXPECT_EQ(nearest("a", {"b"}), "") << "nothing of it is left";
  EXPECT_EQ(nearest("MAP", {"map"}), "map");
  const std::string longest(40, 'x');
  EXPECT_EQ(nearest(longest.substr(1), {longest}), longest);
  EXPECT_EQ(nearest(longest + "x", {longest}), "");
}

TEST(FindingPolicy, ToleratesAndWants) {
  const auto filter = [](const std::vector<std::string>& patterns) {
    return *FindingFilter::Parse(patterns);
  };
  const FindingPolicy all;
  EXPECT_TRUE(all.Wants(kWarn));
  EXPECT_EQ(all.text(), "");
  const FindingPolicy tolerant{.tolerate = filter({"I37@map_file", "I19", "lock-discipline"})};
  EXPECT_FALSE(tolerant.Wants(kWarn));
  EXPECT_TRUE(tolerant.Wants({.invariant = Invariant::kI37}));
  EXPECT_EQ(tolerant.text(), "tolerate I19,I37@map_file");
  const FindingPolicy both{.tolerate = filter({"I37@map_file"}), .only = filter({"I37", "I05"})};
  EXPECT_FALSE(both.Wants(kWarn)) << "what is tolerated is so even when only that is wanted";
  EXPECT_TRUE(both.Wants({.invariant = Invariant::kI37}));
  EXPECT_FALSE(both.Wants({.invariant = Invariant::kI36}));
  EXPECT_EQ(both.text(), "tolerate I37@map_file; only I05,I37");
}

TEST(Primary, IsTheFirstThatMayCauseOthers) {
  const spec::Violation sleeps{
      .invariant = Invariant::kI19, .event = 1, .splat = Splat::kSleepInAtomic};
  const spec::Violation race{.invariant = Invariant::kI20, .event = 2};
  const spec::Violation errno_of_call{.invariant = Invariant::kI38, .event = 9};
  const spec::Violation memory{.invariant = Invariant::kI14, .event = 9};
  const spec::Violation freed{.invariant = Invariant::kI02, .event = 12};
  const spec::Violation deadlock{
      .invariant = Invariant::kI19, .event = 14, .splat = Splat::kDeadlock};
  EXPECT_EQ(PrimaryOf({sleeps, race}), nullptr);
  const std::vector<spec::Violation> run{sleeps, race, errno_of_call, memory, freed, deadlock};
  EXPECT_EQ(PrimaryOf(run), &run[3]) << "of those seen at once the lowest";
  EXPECT_TRUE(StandsAlone(sleeps));
  EXPECT_FALSE(StandsAlone(deadlock));
}

}  // namespace
}  // namespace iommufd_check::program
