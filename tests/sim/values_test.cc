// Values: slots with ghost generations, structural fingerprints and differences, vocabularies.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/sim/reflect.h"
#include "model/sim/slots.h"
#include "model/sim/vocabulary.h"

namespace iommufd_check::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Slots, LowestFreeSlotFirst) {
  Slots<int> slots;
  const auto a = slots.Create(1);
  const auto b = slots.Create(2);
  slots.Free(a);
  EXPECT_EQ(slots.Create(3).index, a.index);
  EXPECT_EQ(*slots.Find(b), 2);
  EXPECT_EQ(slots.live(), 2u);
}

TEST(Slots, UseAfterFreeIsRecognised) {
  Slots<int> slots;
  const auto old = slots.Create(1);
  slots.Free(old);
  EXPECT_EQ(slots.Find(old), nullptr);
  const auto reused = slots.Create(2);
  EXPECT_EQ(reused.index, old.index);
  EXPECT_EQ(slots.Find(old), nullptr) << "the slot lives, the object that was meant does not";
  EXPECT_EQ(*slots.Find(reused), 2);
  EXPECT_EQ(slots.Find(Handle<int>{}), nullptr);
  EXPECT_TRUE(Handle<int>{}.null());
}

TEST(Slots, EqualityIgnoresGenerationsAndTrailingFreeSlots) {
  Slots<int> slots;
  slots.Create(1);
  const Slots<int> before = slots;
  const auto extra = slots.Create(2);
  EXPECT_FALSE(slots == before);
  EXPECT_NE(FingerprintOf(slots), FingerprintOf(before));
  slots.Free(extra);
  EXPECT_TRUE(slots == before);
  EXPECT_EQ(FingerprintOf(slots), FingerprintOf(before));
  EXPECT_THAT(DiffOf(before, slots), IsEmpty());
}

TEST(Slots, ForEachVisitsTheLiveOnesInOrder) {
  Slots<int> slots;
  slots.Create(1);
  const auto middle = slots.Create(2);
  slots.Create(3);
  slots.Free(middle);
  std::vector<int> seen;
  slots.ForEach([&](Handle<int> h, int value) {
    EXPECT_EQ(*slots.Find(h), value);
    seen.push_back(value);
  });
  EXPECT_THAT(seen, ElementsAre(1, 3));
}

TEST(SlotsDeathTest, DoubleFree) {
  Slots<int> slots;
  const auto a = slots.Create(1);
  slots.Free(a);
  EXPECT_DEATH(slots.Free(a), "double free");
}

struct Leaf {
  int8_t number = 0;
  std::string name;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("number", s.number...);
    v("name", s.name...);
  }
};

struct Tree {
  std::vector<Leaf> leaves;
  std::optional<Leaf> best;
  std::pair<uint64_t, bool> pair{};
  std::array<uint16_t, 2> array{};
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("leaves", s.leaves...);
    v("best", s.best...);
    v("pair", s.pair...);
    v("array", s.array...);
  }
};

TEST(Reflect, EveryMemberReachesFingerprintAndDiff) {
  const Tree base{.leaves = {{1, "a"}, {2, "b"}}};
  std::vector<std::pair<Tree, std::string>> changed;
  const auto add = [&](auto change, const char* line) {
    changed.emplace_back(base, line);
    change(changed.back().first);
  };
  add([](Tree& t) { t.leaves[1].number = 5; }, "leaves[1].number: 2 -> 5");
  add([](Tree& t) { t.leaves[0].name = "c"; }, "leaves[0].name: a -> c");
  add([](Tree& t) { t.leaves.pop_back(); }, "leaves.size: 2 -> 1");
  add([](Tree& t) { t.best = Leaf{}; }, "best: absent -> present");
  add([](Tree& t) { t.pair.first = 7; }, "pair.first: 0 -> 7");
  add([](Tree& t) { t.pair.second = true; }, "pair.second: 0 -> 1");
  add([](Tree& t) { t.array[1] = 9; }, "array[1]: 0 -> 9");

  std::set<Fingerprint> fingerprints{FingerprintOf(base)};
  for (const auto& [tree, line] : changed) {
    EXPECT_THAT(DiffOf(base, tree), ElementsAre(line));
    EXPECT_TRUE(fingerprints.insert(FingerprintOf(tree)).second) << line;
  }
  EXPECT_THAT(DiffOf(base, base), IsEmpty());
  EXPECT_EQ(FingerprintOf(base), FingerprintOf(Tree(base)));
}

TEST(Reflect, BoundariesOfContainersAreHashed) {
  using Words = std::vector<std::vector<int>>;
  EXPECT_NE(FingerprintOf(Words{{1}, {2}}), FingerprintOf(Words{{1, 2}, {}}));
  EXPECT_NE(FingerprintOf(Words{{}, {1, 2}}), FingerprintOf(Words{{1, 2}, {}}));
  EXPECT_NE(FingerprintOf(std::string("ab")), FingerprintOf(std::string("a")));
  EXPECT_NE(FingerprintOf(std::optional<int>{}), FingerprintOf(std::optional<int>{0}));
}

// The same on every machine: a change here changes visited sets and stored digests.
TEST(Reflect, FingerprintIsFixed) {
  EXPECT_EQ(FingerprintOf(std::vector<int>{}), HashWords({0}));
  EXPECT_EQ(FingerprintOf(std::vector<int>{-1, 2}), HashWords({2, UINT64_MAX, 2}));
  EXPECT_EQ(FingerprintOf(std::string("A")), HashWords({1, 65}));
}

TEST(Reflect, TheDifferenceIsLimited) {
  const std::vector<int> zeros(10, 0);
  const std::vector<int> ones(10, 1);
  EXPECT_THAT(DiffOf(zeros, ones, 2), ElementsAre("[0]: 0 -> 1", "[1]: 0 -> 1", "... and 8 more"));
  EXPECT_EQ(DiffOf(zeros, ones, 10).size(), 10u);
  EXPECT_THAT(DiffOf(zeros, ones, 0), ElementsAre("... and 10 more"));
}

template <class Enum>
void ExpectUniqueNames() {
  std::set<std::string_view> names;
  for (int i = 0; i < Count<Enum>(); ++i) {
    const std::string_view name = Name(static_cast<Enum>(i));
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
  }
}

template <class Enum>
void ExpectUniqueSlugs() {
  std::set<std::string> slugs;
  for (int i = 0; i < Count<Enum>(); ++i) {
    const std::string slug = Slug(static_cast<Enum>(i));
    EXPECT_FALSE(slug.empty());
    EXPECT_TRUE(slugs.insert(slug).second) << slug << " twice";
  }
}

TEST(Vocabulary, NamesAreUnique) {
  ExpectUniqueNames<ObjectKind>();
  ExpectUniqueNames<LockClass>();
  ExpectUniqueNames<Field>();
  ExpectUniqueNames<FaultSite>();
  ExpectUniqueNames<Primitive>();
  ExpectUniqueNames<Splat>();
  ExpectUniqueNames<Note>();
  ExpectUniqueNames<Fn>();
  ExpectUniqueSlugs<Splat>();
  ExpectUniqueSlugs<Condition>();
  std::set<std::string_view> conditions;  // the first one is none, and has no name
  for (int i = 0; i < Count<Condition>(); ++i) conditions.insert(Name(static_cast<Condition>(i)));
  EXPECT_EQ(conditions.size(), static_cast<size_t>(Count<Condition>()));
}

TEST(Vocabulary, FaultSitesAreFoundByName) {
  for (int i = 0; i < Count<FaultSite>(); ++i) {
    const auto site = static_cast<FaultSite>(i);
    EXPECT_EQ(FaultSiteFromName(Name(site)), site);
    EXPECT_LT(FailureOf(site), 0);
    EXPECT_NE(ErrnoName(FailureOf(site)), "E?") << Name(site);
  }
  EXPECT_EQ(FaultSiteFromName("area_allo"), std::nullopt);
  EXPECT_EQ(FaultSiteFromName(""), std::nullopt);
}

TEST(Errno, NamesAndNumbersAgree) {
  EXPECT_EQ(ErrnoName(0), "0");
  EXPECT_EQ(ErrnoName(-16), "EBUSY");
  EXPECT_EQ(ErrnoName(16), "EBUSY");
  EXPECT_EQ(ErrnoName(12345), "E?");
  EXPECT_EQ(ErrnoFromName("E?"), std::nullopt);
  int named = 0;
  for (int value = 0; value < 200; ++value) {
    const std::string_view name = ErrnoName(value);
    if (name == "E?") continue;
    ++named;
    EXPECT_EQ(ErrnoFromName(name), value);
  }
  EXPECT_EQ(named, 21);
}

// A struct in two halves: what Visit names, and what it says that it leaves out.
struct Half {
  int seen = 0;
  std::vector<int> forgotten;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("seen", s.seen...);
  }
};
struct Whole {
  int seen = 0;
  std::vector<int> left_out;
  static constexpr size_t kUnseen = 1;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("seen", s.seen...);
  }
};

TEST(Reflect, AForgottenMemberDoesNotCompile) {
  EXPECT_FALSE(reflect_internal::NamesEveryMember<Half>);
  EXPECT_TRUE(reflect_internal::NamesEveryMember<Whole>);
  EXPECT_TRUE(reflect_internal::NamesEveryMember<ObjectRef>);
}

}  // namespace
}  // namespace iommufd_check::sim
