#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// A marked HWPT cannot be given another token.
class RefuseSecondMark : public Mutant {
 public:
  RefuseSecondMark() : Mutant("RefuseSecondMark") {}

 protected:
  int CheckMark(Kernel& k, HwptHandle target, uint64_t token) override {
    if (Get(k, target).IsMarked()) return -sim::kEBUSY;
    return Reference::CheckMark(k, target, token);
  }
};

// The mark holds its HWPT, and nothing takes a mark away.
class MarkHoldsHwpt : public Mutant {
 public:
  MarkHoldsHwpt() : Mutant("MarkHoldsHwpt") {}
  int Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) override {
    const int error = Reference::Mark(k, hwpt_id, token);
    if (error != 0) return error;
    spin_lock(k.t, Get(k, k.ctx).xa_lock);
    const iommufd::ObjectKey key = iommufd::LookupLocked(k, k.ctx, hwpt_id);
    refcount_inc(k, key, &iommufd::Object::users);
    spin_unlock(k.t, Get(k, k.ctx).xa_lock);
    return 0;
  }
};

// The tokens of one iommufd are refused to another.
class TokensOfAllIommufds : public Mutant {
 public:
  TokensOfAllIommufds() : Mutant("TokensOfAllIommufds") {}

 protected:
  int CheckMark(Kernel& k, HwptHandle target, uint64_t token) override {
    const int error = Reference::CheckMark(k, target, token);
    bool taken = false;
    k.s.hwpts.ForEach([&](HwptHandle other, const iommufd::Hwpt& hwpt) {
      taken = taken || (other != target && hwpt.IsMarked() && hwpt.token.Peek() == token);
    });
    return error == 0 && taken ? -sim::kEADDRINUSE : error;
  }
};

// Preserving one iommufd freezes the marks of all.
class FreezeMarksOfAllIommufds : public Mutant {
 public:
  FreezeMarksOfAllIommufds() : Mutant("FreezeMarksOfAllIommufds") {}

 protected:
  void Finish(Kernel& k, ContextHandle, PhysAddr, size_t) override {
    std::vector<ContextHandle> all;
    k.s.contexts.ForEach([&](ContextHandle h, const iommufd::Context&) { all.push_back(h); });
    for (ContextHandle h : all) Write(k, h, &iommufd::Context::marks_frozen, true);
  }
};

}  // namespace

MutantCases MutantsOfI13() {
  static RefuseSecondMark refuse_second_mark;
  static MarkHoldsHwpt mark_holds_hwpt;
  static TokensOfAllIommufds tokens_of_all_iommufds;
  static FreezeMarksOfAllIommufds freeze_marks_of_all_iommufds;
  return {
      {&refuse_second_mark, kOneMarked + "  lu_mark(hwpt, token=9)\n", "main.6",
       "the call answers EBUSY, documented is 0", ""},
      {&mark_holds_hwpt, kOneMarked + "  destroy(hwpt)\n", "main.6",
       "a mark prevents the destroy of its hwpt", "I24 I36 I37 I38"},
      {&tokens_of_all_iommufds, kTwoIommufds + "  lu_mark(hwpt2, token=7)\n", "main.9",
       "the call answers EADDRINUSE, documented is 0", ""},
      {&freeze_marks_of_all_iommufds,
       kTwoIommufds + "  luo_preserve(s, iommufd, token=2)\n  lu_mark(hwpt2, token=8)\n", "main.10",
       "the call answers EBUSY, documented is 0", ""},
  };
}

}  // namespace iommufd_check::spec
