#include "fuzz/cli/flag_set.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace iommufd_check::cli {
namespace {

class FlagSetTest : public testing::Test {
 protected:
  FlagSetTest() {
    flags_.Add("design", "NAME", "which design", &design_);
    flags_.Add("quiet", "", "say less", &quiet_);
    flags_.Add("repeat", "N", "how often", &repeat_);
    flags_.Add("designs", "A,B", "several", &designs_);
  }
  std::string Parse(const std::vector<std::string>& arguments) {
    return flags_.Parse(arguments, &positional_);
  }

  std::string design_;
  bool quiet_ = false;
  uint32_t repeat_ = 1;
  std::vector<std::string> designs_;
  FlagSet flags_;
  std::vector<std::string> positional_;
};

using Words = std::vector<std::string>;

TEST_F(FlagSetTest, FormsOfAFlag) {
  EXPECT_EQ(Parse({"--design=v1", "-repeat=3", "--designs", "a,b", "file", "-"}), "");
  EXPECT_EQ(design_, "v1");
  EXPECT_EQ(repeat_, 3u);
  EXPECT_EQ(designs_, (Words{"a", "b"}));
  EXPECT_EQ(positional_, (Words{"file", "-"}));
}

TEST_F(FlagSetTest, TruthValues) {
  EXPECT_EQ(Parse({"--quiet"}), "");
  EXPECT_TRUE(quiet_);
  EXPECT_EQ(Parse({"--quiet=false"}), "");
  EXPECT_FALSE(quiet_);
  EXPECT_EQ(Parse({"--quiet", "file"}), "");
  EXPECT_TRUE(quiet_);
  EXPECT_EQ(positional_, Words{"file"});
  EXPECT_EQ(Parse({"--noquiet"}), "");
  EXPECT_FALSE(quiet_);
}

TEST_F(FlagSetTest, TwoDashesEndTheFlags) {
  EXPECT_EQ(Parse({"--quiet", "--", "--design=v1", "-x"}), "");
  EXPECT_EQ(design_, "");
  EXPECT_EQ(positional_, (Words{"--design=v1", "-x"}));
}

TEST_F(FlagSetTest, UnknownFlagsNameTheNearest) {
  EXPECT_EQ(Parse({"--desing=v1"}), "unknown flag --desing; did you mean --design?");
  EXPECT_EQ(Parse({"--zzz"}),
            "unknown flag --zzz; known: --help --design --quiet --repeat --designs");
  EXPECT_EQ(Parse({"--norepeat"}), "unknown flag --norepeat; did you mean --repeat?");
  EXPECT_EQ(Parse({"--norepeat", "3"}), "unknown flag --norepeat; did you mean --repeat?");
  EXPECT_EQ(Parse({"--noquiet=true"}), "unknown flag --noquiet; did you mean --quiet?");
  EXPECT_EQ(Parse({"--=3"}), "unknown flag --; known: --help --design --quiet --repeat --designs");
}

TEST_F(FlagSetTest, BadValues) {
  EXPECT_EQ(Parse({"--repeat=many"}), "--repeat=many is not a N");
  EXPECT_EQ(Parse({"--repeat=-1"}), "--repeat=-1 is not a N");
  EXPECT_EQ(Parse({"--quiet=perhaps"}), "--quiet=perhaps is not a truth value");
  EXPECT_EQ(Parse({"--design"}), "--design needs a value");
}

TEST_F(FlagSetTest, HelpNamesEveryFlag) {
  EXPECT_EQ(flags_.Help(),
            "  --design=NAME            which design\n"
            "  --quiet                  say less\n"
            "  --repeat=N               how often\n"
            "  --designs=A,B            several\n");
}

}  // namespace
}  // namespace iommufd_check::cli
