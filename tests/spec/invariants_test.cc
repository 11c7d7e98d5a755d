// The table of invariants.
#include "model/spec/invariants.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace iommufd_check::spec {
namespace {

std::vector<Invariant> All() {
  std::vector<Invariant> all;
  for (int i = 0; i < kInvariants; ++i) all.push_back(static_cast<Invariant>(i));
  return all;
}

TEST(Invariants, StandInTheOrderOfTheirIds) {
  std::string last;
  for (Invariant invariant : All()) {
    const std::string id(IdOf(invariant));
    ASSERT_EQ(id.size(), 3u);
    EXPECT_EQ(id.find_first_not_of("0123456789", 1), id.npos) << id;
    EXPECT_EQ(id[0], 'I') << id;
    EXPECT_LT(last, id);
    last = id;
  }
}

TEST(Invariants, NamesAreUniqueWords) {
  std::set<std::string_view> names;
  for (Invariant invariant : All()) {
    const std::string_view name = NameOf(invariant);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), name.npos) << name;
    EXPECT_FALSE(name.empty());
  }
}

TEST(Invariants, SentencesAreSentences) {
  for (Invariant invariant : All()) {
    const std::string_view sentence = SentenceOf(invariant);
    ASSERT_FALSE(sentence.empty());
    EXPECT_EQ(sentence.back(), '.') << sentence;
    EXPECT_TRUE(sentence.front() >= 'A' && sentence.front() <= 'Z') << sentence;
    EXPECT_FALSE(WhenOf(invariant).empty()) << IdOf(invariant);
  }
}

TEST(Invariants, AreFoundByIdAndByName) {
  for (Invariant invariant : All()) {
    EXPECT_EQ(InvariantFromName(IdOf(invariant)), invariant);
    EXPECT_EQ(InvariantFromName(NameOf(invariant)), invariant);
  }
  for (std::string_view unknown : {"", "I22", "i01", "I01 ", "rollback", "Rollback-Atomicity"}) {
    EXPECT_EQ(InvariantFromName(unknown), std::nullopt) << unknown;
  }
}

TEST(InvariantsDeathTest, ThereIsNoneBeyondTheLast) {
  EXPECT_DEATH(IdOf(Invariant::kCount), "no such invariant");
}

}  // namespace
}  // namespace iommufd_check::spec
