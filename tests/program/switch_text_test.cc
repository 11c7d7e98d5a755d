// Switches in text form, and the formats of texts.

#include "model/program/text/switch_text.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/program/text_messages.h"

namespace iommufd_check::program {
namespace {

// Every act that a switch can be anchored to has a text of its own.
TEST(SwitchText, AnchorsRoundTrip) {
  Program program = Parse("A:\nioas_alloc()\nB:\nioas_alloc()\n");
  std::set<std::string> texts;
  int anchors = 0;
  const auto try_each_side = [&](const sim::Act& act) {
    for (const sim::Side side : {sim::Side::kBefore, sim::Side::kAfter}) {
      if (!IsAnchor(side, act)) continue;
      ++anchors;
      program.switches = {{0, side, act, 1, 2}};
      const std::string text = PrintProgram(program);
      texts.insert(text);
      const absl::StatusOr<Program> read = ParseProgram(text, "t");
      ASSERT_TRUE(read.ok()) << read.status().message() << "\n" << text;
      ASSERT_EQ(*read, program) << text;
    }
  };
  for (int primitive = 0; primitive <= UINT8_MAX; ++primitive) {
    for (int detail = 0; detail <= UINT8_MAX; ++detail) {
      try_each_side({static_cast<sim::Primitive>(primitive), static_cast<uint8_t>(detail)});
      if (primitive != static_cast<int>(sim::Primitive::kRead)) continue;
      for (int kind = 1; kind <= sim::Count<sim::ObjectKind>(); ++kind) {
        try_each_side({sim::Primitive::kRead, static_cast<uint8_t>(detail),
                       static_cast<sim::ObjectKind>(kind)});
      }
    }
  }
  EXPECT_EQ(texts.size(), static_cast<size_t>(anchors));
  EXPECT_GT(anchors, 1'000);
}

TEST(TextErrors, Switches) {
  const std::string head = "A:\nioas_alloc()\nB:\nioas_alloc()\nioas_alloc()\n";
  const std::string a = head + "switch A.1 ";
  ExpectMessages({
      {head + "switch", "6:7: unexpected end of line; write task.operation, as in B.1, here"},
      {head + "switch A@37 -> B",
       "6:8: a switch by steps, of format 1; turn the file into format 2 with iommufd-check "
       "convert "
       "OLD NEW"},
      {head + "switch A before begin -> B",
       "6:8: a task without an operation; write task.operation, as in B.1"},
      {head + "switch A.2 before begin -> B", "6:8: no operation 'A.2'; A has 1, counted from 1"},
      {head + "main:\nioas_alloc()\nswitch main.1 before begin -> A",
       "8:8: main runs alone; name an operation of a task, A to G"},
      {a, "6:12: unexpected end of line; write 'before' or 'after' here"},
      {a + "behind begin -> B",
       "6:12: unknown word 'behind'; write 'before' or 'after' and what happens there"},
      {a + "before -> B", "6:19: unexpected '->'; write what happens there here"},
      {a + "before lokc#1 -> B",
       "6:19: nothing that happens is called 'lokc'; did you mean 'lock'?"},
      {a + "before kaclloc#1 -> B",
       "6:19: nothing that happens is called 'kaclloc'; did you mean 'kcalloc'?"},
      {a + "before sunrise -> B",
       "6:19: nothing that happens is called 'sunrise'; write begin, end, lock, unlock, wait, "
       "access "
       "or a fault site"},
      {a + "before lock ioas.mutx#1 -> B",
       "6:24: unknown lock 'ioas.mutx'; did you mean 'ioas.mutex'?"},
      {a + "before access hwpt.usrs#1 -> B",
       "6:26: unknown field 'hwpt.usrs'; did you mean 'hwpt.users'?"},
      {a + "before access users#1 -> B",
       "6:26: unknown field 'users'; write KIND.FIELD, as in hwpt.users"},
      {a + "before end -> B", "6:19: no task can be left before end; write 'after'"},
      {a + "before wait ioas.mutex#1 -> B",
       "6:19: no task can be left before wait ioas.mutex; write 'after'"},
      {a + "before kcalloc -> B",
       "6:27: unexpected '->'; put '#' and which one of its operation, as in #1"},
      {a + "before kcalloc #1 -> B",
       "6:34: unexpected end of line; put '#' and which one of its operation, as in #1"},
      {a + "before kcalloc#0 -> B", "6:27: occurrences count from 1; write #1 for the first"},
      {a + "before kcalloc#65536 -> B",
       "6:27: number '65536' is out of range; the number behind '#' is at most 65535"},
      {a + "before begin#1 -> B", "6:24: unexpected '#'; write '->' and a task"},
      {a + "before begin B", "6:25: unexpected 'B'; write '->' and a task"},
      {a + "before begin -> finally", "6:28: no concurrent task 'finally'; tasks are A to G"},
      {a + "before begin -> A", "6:28: switch to the task that is left; name another task"},
      {a + "before begin -> C", "6:28: task 'C' has no operations; add some or remove the switch"},
      {a + "before begin -> B now",
       "6:30: unexpected 'now' after a switch; remove it or start a new line"},
  });
}

TEST(TextErrors, Formats) {
  ExpectMessages({
      {"format 1\n",
       "1:8: format 1, and this program reads 2; turn the file into that with iommufd-check "
       "convert"},
      {"format 3\n",
       "1:8: format 3, and this program reads 2; use the program that wrote it, or a later one"},
      {"format two\n", "1:8: unexpected 'two'; write a number for the format"},
      {"format 2\nformat 2\n", "2:1: second 'format' line; keep one of them"},
      {"main:\nioas_alloc()\nformat 2\n",
       "3:1: 'format' after an operation; move it above the first section"},
  });
  EXPECT_EQ(Parse("format 2\nboot devices=2\n"), Parse("boot devices=2\n"));
}

}  // namespace
}  // namespace iommufd_check::program
