#include "fuzz/report/expectations.h"

#include <gtest/gtest.h>

#include "model/program/identity.h"
#include "tests/fuzz/event_builder.h"

namespace iommufd_check::cli {
namespace {

using program::OpCode;
using spec::Invariant;

// main.1 ioas_alloc, main.2 luo_preserve; the run violates I19 at both and I20 at the first.
class ExpectationsTest : public testing::Test {
 protected:
  ExpectationsTest() {
    program_.design = "v1";
    execution_.results = {{.ran = true}, {.ran = true, .result = -sim::kENOMEM}};
    execution_.violations = {{.invariant = Invariant::kI20, .operation = 0},
                             {.invariant = Invariant::kI19, .operation = 0},
                             {.invariant = Invariant::kI19, .operation = 1}};
  }
  std::vector<std::string> Divergences() { return Judge(program_, execution_, true).divergences; }

  program::Program program_ = ProgramOf({{0, OpCode::kIoasAlloc}, {0, OpCode::kLuoPreserve}});
  program::Execution execution_;
};

using Clauses = std::vector<std::string>;

TEST_F(ExpectationsTest, ExactlyTheExpectedOnes) {
  program_.expected = {{"I19", OpCode::kLuoPreserve}};
  program_.also = {"I20"};
  EXPECT_EQ(Divergences(), Clauses{});
  program_.also = {};
  EXPECT_EQ(Divergences(), Clauses{"unexpected violation of I20 at main.1 ioas_alloc"});
  program_.expected = {};
  EXPECT_EQ(Divergences(), (Clauses{"unexpected violation of I20 at main.1 ioas_alloc",
                                    "unexpected violation of I19 at main.1 ioas_alloc"}));
}

TEST_F(ExpectationsTest, TheExpectedOneIsTheSubject) {
  program_.expected = {{"lock-discipline", OpCode::kLuoPreserve}};
  const Judgement judgement = Judge(program_, execution_, true);
  EXPECT_EQ(judgement.subject, &execution_.violations[2]);
  EXPECT_TRUE(judgement.expected);
}

TEST_F(ExpectationsTest, ElseTheFirstThatTheFileDoesNotMention) {
  program_.expected = {{"I20", OpCode::kMap}};
  const Judgement judgement = Judge(program_, execution_, true);
  EXPECT_EQ(judgement.subject, &execution_.violations[1]);
  EXPECT_FALSE(judgement.expected);
}

TEST_F(ExpectationsTest, StopAtIsTheSubject) {
  program_.expected = {{"I20", std::nullopt}};
  EXPECT_EQ(Judge(program_, execution_, false, Invariant::kI19).subject, &execution_.violations[1]);
}

TEST_F(ExpectationsTest, Errnos) {
  execution_.violations.clear();
  program_.operations[1].expected_errno = sim::kEBUSY;
  EXPECT_EQ(Divergences(), Clauses{"main.2 luo_preserve returned ENOMEM; expected EBUSY"});
  program_.operations[1].expected_errno = sim::kENOMEM;
  EXPECT_EQ(Divergences(), Clauses{});
  execution_.results[1].ran = false;
  EXPECT_EQ(Divergences(), Clauses{"main.2 luo_preserve did not return; expected ENOMEM"});
  EXPECT_EQ(Judge(program_, execution_, false).divergences, Clauses{});
}

TEST_F(ExpectationsTest, WithoutDesignTheFileIsOpen) {
  program_.design.clear();
  EXPECT_EQ(Divergences(), Clauses{});
  program_.also = {"I20"};
  EXPECT_EQ(Divergences(), Clauses{"unexpected violation of I19 at main.1 ioas_alloc"});
}

TEST_F(ExpectationsTest, TheExitHasNoOperation) {
  execution_.violations = {{.invariant = Invariant::kI36, .operation = spec::kExitOperation}};
  program_.expected = {{"I36", OpCode::kIoasAlloc}};
  EXPECT_EQ(Divergences(), Clauses{"expected violation of I36 at ioas_alloc did not occur"});
  program_.expected = {{"I36", std::nullopt}};
  EXPECT_EQ(Divergences(), Clauses{});
}

TEST_F(ExpectationsTest, IdentityIsInvariantAndKindOfOperation) {
  const program::Identity identity = IdentityOf(program_, execution_.violations[2]);
  EXPECT_EQ(identity, (program::Identity{Invariant::kI19, OpCode::kLuoPreserve}));
  EXPECT_EQ(FindIdentity(program_, execution_, identity), &execution_.violations[2]);
  EXPECT_EQ(FindIdentity(program_, execution_, {Invariant::kI19, OpCode::kMap}), nullptr);
  EXPECT_EQ(FindIdentity(program_, execution_, {Invariant::kI19, std::nullopt}), nullptr);
}

TEST_F(ExpectationsTest, AFindingExpectsWhatItsRunViolates) {
  program_.operations[0].expected_errno = 0;
  const program::Identity identity{Invariant::kI19, OpCode::kLuoPreserve};
  program_ = AsFinding(program_, execution_, identity, "v1");
  EXPECT_EQ(Divergences(), Clauses{});
  EXPECT_EQ(program_.also, Clauses{"I20"});
  EXPECT_FALSE(program_.operations[0].expected_errno.has_value());
}

}  // namespace
}  // namespace iommufd_check::cli
