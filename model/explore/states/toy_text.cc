#include "model/explore/states/toy_text.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

constexpr char kPromela[] =
    R"(/* Workers map, unmap, preserve and unpreserve pages under one lock. */
byte st[@PAGES@];        /* 0 unmapped, 1 mapped, 2 preserved */
byte owner = 255;  /* 255: the lock is free */

active [@WORKERS@] proctype worker() {
  byte op = 0, pg = 0;   /* op: 0 map 1 unmap 2 preserve 3 unpreserve */
idle:
  atomic {
    if :: op = 0 :: op = 1 :: op = 2 :: op = 3 fi;
    if @CHOICES@ fi
  }
want:
  atomic { owner == 255 -> owner = _pid }
check:
  if
  :: (op == 0 && st[pg] == 0) || (op == 1 && st[pg] == 1) ||
     (op == 2 && st[pg] == 1) || (op == 3 && st[pg] == 2) -> goto alloc
  :: else -> goto done
  fi;
alloc:
  if :: goto commit :: goto done fi;   /* the allocation succeeds or fails */
commit:
  atomic {@AT_COMMIT@
    if :: op == 0 -> st[pg] = 1 :: op == 1 -> st[pg] = 0
       :: op == 2 -> st[pg] = 2 :: op == 3 -> st[pg] = 1 fi@AFTER_COMMIT@ }
done:
  atomic {@AT_DONE@ owner = 255; op = 0; pg = 0; goto idle }
}
)";

constexpr char kMurphi[] = R"(-- Workers map, unmap, preserve and unpreserve pages under one lock.
type thread_t: @THREADS@; page_t: @PAGES@;
     pc_t: enum { Idle, Want, Check, Alloc, Commit, Done };
     op_t: enum { Map, Unmap, Preserve, Unpreserve };
     st_t: enum { Unmapped, Mapped, Preserved };
var pc: array[thread_t] of pc_t; op: array[thread_t] of op_t;
    pg: array[thread_t] of page_t; st: array[page_t] of st_t;
    held: boolean; owner: thread_t;
startstate begin
  for t: thread_t do pc[t] := Idle; op[t] := Map; @FORGET_PAGE@; end;
  for p: page_t do st[p] := Unmapped; end;
  held := false; @FORGET_OWNER@;
end;
ruleset t: thread_t do
  ruleset o: op_t do ruleset p: page_t do
    rule "choose" pc[t] = Idle ==> begin op[t] := o; pg[t] := p; pc[t] := Want; end;
  end; end;
  rule "lock" pc[t] = Want & !held ==> begin held := true; owner := t; pc[t] := Check; end;
  rule "check" pc[t] = Check ==> begin
    if (op[t] = Map & st[pg[t]] = Unmapped) | (op[t] = Unmap & st[pg[t]] = Mapped)
     | (op[t] = Preserve & st[pg[t]] = Mapped) | (op[t] = Unpreserve & st[pg[t]] = Preserved)
    then pc[t] := Alloc; else pc[t] := Done; end;
  end;
  rule "alloc-ok" pc[t] = Alloc ==> begin pc[t] := Commit; end;
  rule "alloc-fail" pc[t] = Alloc ==> begin pc[t] := Done; end;
  rule "commit" pc[t] = Commit ==> begin
    switch op[t]
      case Map: st[pg[t]] := Mapped;
      case Unmap: st[pg[t]] := Unmapped;
      case Preserve: st[pg[t]] := Preserved;
      case Unpreserve: st[pg[t]] := Mapped;
    end;
    pc[t] := Done;
  end;
  rule "unlock" pc[t] = Done ==> begin
    held := false; @FORGET_OWNER@; op[t] := Map; @FORGET_PAGE@; pc[t] := Idle; end;
end;
)";

constexpr char kMurphiInvariants[] = R"(invariant "one-lock-holder" forall a: thread_t do
  (pc[a] = Check | pc[a] = Alloc | pc[a] = Commit | pc[a] = Done) -> (held & owner = a) end;
invariant "held-by-someone-inside" held -> exists a: thread_t do
  pc[a] = Check | pc[a] = Alloc | pc[a] = Commit | pc[a] = Done end;
)";
constexpr char kMurphiPreservedAtCommit[] = R"(invariant "plant:preserved-at-commit"
  (exists a: thread_t do pc[a] = Commit end) -> forall p: page_t do st[p] != Preserved end;
)";
constexpr char kMurphiAllPreserved[] = R"(invariant "plant:all-preserved"
  exists p: page_t do st[p] != Preserved end;
)";

// "assert(st[0] != 2 <joint> st[1] != 2 ...);"
std::string AssertNotPreserved(int pages, const char* joint) {
  std::string text = " assert(";
  for (int page = 0; page < pages; ++page) {
    absl::StrAppend(&text, page > 0 ? joint : "", "st[", page, "] != 2");
  }
  return text + ");";
}

}  // namespace

std::string ToyPromela(int workers, int pages, ToyModel::Plant plant, bool assertions) {
  IOMMUFD_CHECK(workers >= 1, "the toy has a worker");
  std::string choices;
  for (int page = 0; page < pages; ++page) absl::StrAppend(&choices, ":: pg = ", page, " ");
  choices.pop_back();
  const bool at_commit = assertions && plant == ToyModel::Plant::kPreservedAtCommit;
  const bool after_commit = assertions && plant == ToyModel::Plant::kAllPreserved;
  return absl::StrReplaceAll(
      kPromela, {{"@WORKERS@", absl::StrCat(workers)},
                 {"@PAGES@", absl::StrCat(pages)},
                 {"@CHOICES@", choices},
                 {"@AT_COMMIT@", at_commit ? AssertNotPreserved(pages, " && ") : ""},
                 {"@AFTER_COMMIT@", after_commit ? ";" + AssertNotPreserved(pages, " || ") : ""},
                 {"@AT_DONE@", assertions ? " assert(owner == _pid);" : ""}});
}

std::string ToyMurphi(int workers, int pages, ToyModel::Plant plant, bool assertions,
                      bool symmetry) {
  IOMMUFD_CHECK(workers >= 1, "the toy has a worker");
  const auto range = [symmetry](int size) {
    return symmetry ? absl::StrCat("scalarset(", size, ")") : absl::StrCat("0 .. ", size - 1);
  };
  std::string text = absl::StrReplaceAll(
      kMurphi, {{"@THREADS@", range(workers)},
                {"@PAGES@", range(pages)},
                // A scalarset has no first member to reset to.
                {"@FORGET_PAGE@", symmetry ? "undefine pg[t]" : "pg[t] := 0"},
                {"@FORGET_OWNER@", symmetry ? "undefine owner" : "owner := 0"}});
  if (!assertions) return text;
  text += kMurphiInvariants;
  if (plant == ToyModel::Plant::kPreservedAtCommit) text += kMurphiPreservedAtCommit;
  if (plant == ToyModel::Plant::kAllPreserved) text += kMurphiAllPreserved;
  return text;
}

}  // namespace iommufd_check::explore
