#include "model/explore/states/preserve_text.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

constexpr char kPromela[] = R"(/* Preserving the domains of one IOAS while others map and unmap. */
#define M @MAPPERS@
#define H @HWPTS@
/* Mapper. */
#define IDLE 0
#define WANT_FILL 1
#define TEST_FILL 2
#define FILL 3
#define PUBLISH 4
#define ABORT 5
#define WANT_UNFILL 6
#define TEST_UNFILL 7
#define UNFILL 8
#define DROP 9
/* Area. */
#define ABSENT 0
#define INSERTED 1
#define MAPPED 2
/* Live update. */
#define RESTING 0
#define LOOK 1
#define TAKE_TO_SET 2
#define SET 3
#define CHECK 4
#define REGISTER 5
#define UNREGISTER 6
#define TAKE_TO_CLEAR 7
#define CLEAR 8

byte pc[M], area[M], next[M];
byte lu, hwpt, made, immutable, registered, stale, readers, writer;
hidden byte k;

inline touch(d) { stale = stale | (registered & (1 << d)) }
inline continue_undo() { lu = (registered != 0 -> UNREGISTER : RESTING) }
inline fail() {
  if
  :: (@CLEARS_OWN@) -> lu = TAKE_TO_CLEAR
  :: else -> continue_undo()
  fi;
  hwpt = 0; made = 0
}

active [M] proctype mapper() {
  do
  :: d_step { pc[_pid] == IDLE && area[_pid] == MAPPED -> pc[_pid] = WANT_UNFILL }
  :: d_step { pc[_pid] == IDLE && area[_pid] != MAPPED && (@INSERT_REFUSED@) -> skip }
  :: d_step { pc[_pid] == IDLE && area[_pid] != MAPPED && !(@INSERT_REFUSED@) ->
       area[_pid] = INSERTED; pc[_pid] = WANT_FILL }
  :: d_step { pc[_pid] == WANT_FILL && writer == 0 -> readers++; pc[_pid] = TEST_FILL }
  :: d_step { pc[_pid] == TEST_FILL -> pc[_pid] = ((@FILL_REFUSED@) -> ABORT : FILL) }
  :: d_step { pc[_pid] == FILL ->
       touch(next[_pid]); next[_pid]++;
       if :: next[_pid] == H -> next[_pid] = 0; pc[_pid] = PUBLISH :: else fi }
  :: d_step { pc[_pid] == FILL -> pc[_pid] = ABORT }
  :: d_step { pc[_pid] == PUBLISH -> readers--; area[_pid] = MAPPED; pc[_pid] = IDLE }
  :: d_step { pc[_pid] == ABORT && next[_pid] > 0 -> next[_pid]--; touch(next[_pid]) }
  :: d_step { pc[_pid] == ABORT && next[_pid] == 0 ->
       readers--; area[_pid] = ABSENT; pc[_pid] = IDLE }
  :: d_step { pc[_pid] == WANT_UNFILL && writer == 0 -> readers++; pc[_pid] = TEST_UNFILL }
  :: d_step { pc[_pid] == TEST_UNFILL && immutable != 0 -> readers--; pc[_pid] = IDLE }
  :: d_step { pc[_pid] == TEST_UNFILL && immutable == 0 -> pc[_pid] = UNFILL }
  :: d_step { pc[_pid] == UNFILL ->
       touch(next[_pid]); next[_pid]++;
       if :: next[_pid] == H -> next[_pid] = 0; pc[_pid] = DROP :: else fi }
  :: d_step { pc[_pid] == DROP -> readers--; area[_pid] = ABSENT; pc[_pid] = IDLE }
  od
}

active proctype live_update() {
  do
  :: d_step { lu == RESTING && registered == 0 -> lu = @FIRST@ }
  :: d_step { lu == RESTING && registered != 0 -> lu = UNREGISTER }
  :: d_step { lu == LOOK ->
       made = (immutable != 0 -> 0 : 1); lu = (immutable != 0 -> REGISTER : TAKE_TO_SET) }
  :: d_step { lu == TAKE_TO_SET && readers == 0 && writer == 0 -> writer = 1; lu = SET }
  :: d_step { lu == SET -> immutable = @SET_VALUE@; writer = 0; lu = CHECK }
  :: d_step { lu == CHECK -> lu = REGISTER }
  :: d_step { lu == CHECK -> fail() }
  :: d_step { lu == REGISTER ->
       registered = registered | (1 << hwpt); made = 0; hwpt++;
       if :: hwpt == H -> hwpt = 0; lu = RESTING :: else -> lu = @FIRST@ fi }
  :: d_step { lu == REGISTER -> fail() }
  :: d_step { lu == UNREGISTER ->
       do :: (registered & (1 << k)) == 0 -> k++ :: else -> break od;
       registered = registered & ~(1 << k); stale = stale & registered; k = 0;
       if :: (@CLEARS_AFTER@) -> lu = TAKE_TO_CLEAR :: else -> continue_undo() fi }
  :: d_step { lu == TAKE_TO_CLEAR && readers == 0 && writer == 0 -> writer = 1; lu = CLEAR }
  :: d_step { lu == CLEAR -> immutable = @CLEAR_VALUE@; writer = 0; continue_undo() }
  od
}
)";

constexpr char kPromelaMonitor[] = R"(
active proctype monitor() {
  do
  :: d_step { registered != 0 && immutable == 0 -> assert(false) } /* immutable-coverage */
  :: d_step { stale != 0 -> assert(false) }                        /* no-writer-on-preserved */
  :: d_step { writer != 0 && readers != 0 -> assert(false) }       /* writer-alone */@PLANT@
  od
}
)";
constexpr char kPromelaAllRegistered[] =
    "\n  :: d_step { registered == (1 << H) - 1 -> assert(false) }        /* plant */";

constexpr char kMurphi[] = R"(-- Preserving the domains of one IOAS while others map and unmap.
const M: @MAPPERS@; H: @HWPTS@;
type mapper_t: 0 .. M-1; hwpt_t: 0 .. H-1; to_hwpts_t: 0 .. H; count_t: 0 .. H; readers_t: 0 .. M;
     pc_t: enum { Idle, WantFill, TestFill, Fill, Publish, Abort,
                  WantUnfill, TestUnfill, Unfill, Drop };
     area_t: enum { Absent, Inserted, Mapped };
     lu_t: enum { Resting, Look, TakeToSet, Setting, Checking, Registering,
                  Unregistering, TakeToClear, Clearing };
var pc: array[mapper_t] of pc_t; area: array[mapper_t] of area_t; nxt: array[mapper_t] of hwpt_t;
    lu: lu_t; hwpt: hwpt_t; made: boolean; immutable: count_t;
    registered: array[hwpt_t] of boolean; stale: array[hwpt_t] of boolean;
    readers: readers_t; writer: boolean;

function any_registered(): boolean;
begin
  return exists h: hwpt_t do registered[h] end;
end;
procedure touch(h: hwpt_t);
begin
  if registered[h] then stale[h] := true; end;
end;
procedure continue_undo();
begin
  if any_registered() then lu := Unregistering; else lu := Resting; end;
end;
procedure fail();
begin
  if @CLEARS_OWN@ then lu := TakeToClear; else continue_undo(); end;
  hwpt := 0; made := false;
end;

startstate begin
  for m: mapper_t do pc[m] := Idle; area[m] := Absent; nxt[m] := 0; end;
  for h: hwpt_t do registered[h] := false; stale[h] := false; end;
  lu := Resting; hwpt := 0; made := false; immutable := 0; readers := 0; writer := false;
end;

ruleset m: mapper_t do
  rule "unmap" pc[m] = Idle & area[m] = Mapped ==> begin pc[m] := WantUnfill; end;
  rule "insert refused" pc[m] = Idle & area[m] != Mapped & (@INSERT_REFUSED@) ==> begin
    pc[m] := Idle; end;
  rule "insert" pc[m] = Idle & area[m] != Mapped & !(@INSERT_REFUSED@) ==> begin
    area[m] := Inserted; pc[m] := WantFill; end;
  rule "down_read to fill" pc[m] = WantFill & !writer ==> begin
    readers := readers + 1; pc[m] := TestFill; end;
  rule "test" pc[m] = TestFill ==> begin
    if @FILL_REFUSED@ then pc[m] := Abort; else pc[m] := Fill; end; end;
  rule "fill" pc[m] = Fill ==> begin
    touch(nxt[m]);
    if nxt[m] = H-1 then nxt[m] := 0; pc[m] := Publish; else nxt[m] := nxt[m] + 1; end; end;
  rule "fill fails" pc[m] = Fill ==> begin pc[m] := Abort; end;
  rule "publish" pc[m] = Publish ==> begin
    readers := readers - 1; area[m] := Mapped; pc[m] := Idle; end;
  rule "empty again" pc[m] = Abort & nxt[m] > 0 ==> begin
    nxt[m] := nxt[m] - 1; touch(nxt[m]); end;
  rule "abort" pc[m] = Abort & nxt[m] = 0 ==> begin
    readers := readers - 1; area[m] := Absent; pc[m] := Idle; end;
  rule "down_read to unfill" pc[m] = WantUnfill & !writer ==> begin
    readers := readers + 1; pc[m] := TestUnfill; end;
  rule "unmap refused" pc[m] = TestUnfill & immutable != 0 ==> begin
    readers := readers - 1; pc[m] := Idle; end;
  rule "unmap allowed" pc[m] = TestUnfill & immutable = 0 ==> begin pc[m] := Unfill; end;
  rule "unfill" pc[m] = Unfill ==> begin
    touch(nxt[m]);
    if nxt[m] = H-1 then nxt[m] := 0; pc[m] := Drop; else nxt[m] := nxt[m] + 1; end; end;
  rule "drop" pc[m] = Drop ==> begin
    readers := readers - 1; area[m] := Absent; pc[m] := Idle; end;
end;

rule "preserve" lu = Resting & !any_registered() ==> begin lu := @FIRST@; end;
rule "unpreserve" lu = Resting & any_registered() ==> begin lu := Unregistering; end;
rule "look" lu = Look ==> begin
  if immutable != 0 then made := false; lu := Registering;
  else made := true; lu := TakeToSet; end; end;
rule "down_write to set" lu = TakeToSet & readers = 0 & !writer ==> begin
  writer := true; lu := Setting; end;
rule "set" lu = Setting ==> begin
  immutable := @SET_VALUE@; writer := false; lu := Checking; end;
rule "check" lu = Checking ==> begin lu := Registering; end;
rule "check fails" lu = Checking ==> begin fail(); end;
rule "register" lu = Registering ==> begin
  registered[hwpt] := true; made := false;
  if hwpt = H-1 then hwpt := 0; lu := Resting; else hwpt := hwpt + 1; lu := @FIRST@; end; end;
rule "register fails" lu = Registering ==> begin fail(); end;
rule "unregister" lu = Unregistering ==>
var found: boolean;
begin
  found := false;
  for h: hwpt_t do
    if registered[h] & !found then registered[h] := false; stale[h] := false; found := true; end;
  end;
  if @CLEARS_AFTER@ then lu := TakeToClear; else continue_undo(); end; end;
rule "down_write to clear" lu = TakeToClear & readers = 0 & !writer ==> begin
  writer := true; lu := Clearing; end;
rule "clear" lu = Clearing ==> begin
  immutable := @CLEAR_VALUE@; writer := false; continue_undo(); end;
)";

constexpr char kMurphiInvariants[] = R"(
invariant "immutable-coverage" any_registered() -> immutable != 0;
invariant "no-writer-on-preserved" forall h: hwpt_t do !stale[h] end;
invariant "writer-alone" writer -> readers = 0;
)";
constexpr char kMurphiAllRegistered[] = R"(invariant "plant:all-registered"
  exists h: hwpt_t do !registered[h] end;
)";

// What the variants differ in, in the words of one of the two languages.
struct Words {
  const char* yes;
  const char* no;
  const char* is_immutable;
  const char* is_made;
  const char* none_registered;
  const char* look;
  const char* take_to_set;
  const char* do_register;
};

using Replacements = std::vector<std::pair<std::string, std::string>>;

Replacements VariantParts(PreserveModel::Variant variant, const Words& w) {
  using Variant = PreserveModel::Variant;
  switch (variant) {
    case Variant::kCounted:
      return {{"@INSERT_REFUSED@", w.no},        {"@FILL_REFUSED@", w.is_immutable},
              {"@FIRST@", w.take_to_set},        {"@CLEARS_OWN@", w.yes},
              {"@CLEARS_AFTER@", w.yes},         {"@SET_VALUE@", "immutable + 1"},
              {"@CLEAR_VALUE@", "immutable - 1"}};
    case Variant::kInsertTest:
      return {{"@INSERT_REFUSED@", w.is_immutable},
              {"@FILL_REFUSED@", w.no},
              {"@FIRST@", w.take_to_set},
              {"@CLEARS_OWN@", w.none_registered},
              {"@CLEARS_AFTER@", w.none_registered},
              {"@SET_VALUE@", "1"},
              {"@CLEAR_VALUE@", "0"}};
    case Variant::kSharedBool:
      return {{"@INSERT_REFUSED@", w.no},  {"@FILL_REFUSED@", w.is_immutable}, {"@FIRST@", w.look},
              {"@CLEARS_OWN@", w.is_made}, {"@CLEARS_AFTER@", w.is_immutable}, {"@SET_VALUE@", "1"},
              {"@CLEAR_VALUE@", "0"}};
    case Variant::kUngated:
      return {{"@INSERT_REFUSED@", w.no}, {"@FILL_REFUSED@", w.no}, {"@FIRST@", w.do_register},
              {"@CLEARS_OWN@", w.no},     {"@CLEARS_AFTER@", w.no}, {"@SET_VALUE@", "1"},
              {"@CLEAR_VALUE@", "0"}};
  }
  IOMMUFD_CHECK(false, "every variant has its parts");
}

}  // namespace

std::string PreservePromela(int mappers, int hwpts, PreserveModel::Variant variant,
                            PreserveModel::Plant plant, bool assertions) {
  Replacements parts =
      VariantParts(variant, {"true", "false", "immutable != 0", "made != 0", "registered == 0",
                             "LOOK", "TAKE_TO_SET", "REGISTER"});
  parts.emplace_back("@MAPPERS@", absl::StrCat(mappers));
  parts.emplace_back("@HWPTS@", absl::StrCat(hwpts));
  const bool planted = plant == PreserveModel::Plant::kAllRegistered;
  parts.emplace_back("@PLANT@", planted ? kPromelaAllRegistered : "");
  return absl::StrReplaceAll(absl::StrCat(kPromela, assertions ? kPromelaMonitor : ""), parts);
}

std::string PreserveMurphi(int mappers, int hwpts, PreserveModel::Variant variant,
                           PreserveModel::Plant plant, bool assertions) {
  Replacements parts =
      VariantParts(variant, {"true", "false", "immutable != 0", "made", "!any_registered()", "Look",
                             "TakeToSet", "Registering"});
  parts.emplace_back("@MAPPERS@", absl::StrCat(mappers));
  parts.emplace_back("@HWPTS@", absl::StrCat(hwpts));
  std::string text = absl::StrReplaceAll(kMurphi, parts);
  if (assertions) text += kMurphiInvariants;
  if (assertions && plant == PreserveModel::Plant::kAllRegistered) text += kMurphiAllRegistered;
  return text;
}

}  // namespace iommufd_check::explore
