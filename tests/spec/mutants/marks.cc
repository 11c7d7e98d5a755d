// Mutants of the mark ioctl: I11, I12, I13, I38.
#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class IgnoreOtherTokens : public Mutant {
 public:
  IgnoreOtherTokens() : Mutant("IgnoreOtherTokens") {}

 protected:
  int CheckMark(Kernel& k, HwptHandle target, uint64_t token) override {
    const int error = Reference::CheckMark(k, target, token);
    return error == -sim::kEADDRINUSE ? 0 : error;
  }
};

// A preserved iommufd goes on taking marks.
class FinishWithoutFreezingMarks : public Mutant {
 public:
  FinishWithoutFreezingMarks() : Mutant("FinishWithoutFreezingMarks") {}

 protected:
  void Finish(Kernel&, ContextHandle, PhysAddr, size_t) override {}
};

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

// A mark that is refused holds its HWPT.
class RefusalHoldsHwpt : public Mutant {
 public:
  RefusalHoldsHwpt() : Mutant("RefusalHoldsHwpt") {}
  int Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) override {
    const int error = Reference::Mark(k, hwpt_id, token);
    if (error == 0) return 0;
    spin_lock(k.t, Get(k, k.ctx).xa_lock);
    const iommufd::ObjectKey key = iommufd::LookupLocked(k, k.ctx, hwpt_id);
    refcount_inc(k, key, &iommufd::Object::users);
    spin_unlock(k.t, Get(k, k.ctx).xa_lock);
    return error;
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

MutantCases MarkMutants() {
  static IgnoreOtherTokens ignore_other_tokens;
  static FinishWithoutFreezingMarks finish_without_freezing_marks;
  static RefuseSecondMark refuse_second_mark;
  static MarkHoldsHwpt mark_holds_hwpt;
  static RefusalHoldsHwpt refusal_holds_hwpt;
  static TokensOfAllIommufds tokens_of_all_iommufds;
  static FreezeMarksOfAllIommufds freeze_marks_of_all_iommufds;
  return {
      {"I11", &ignore_other_tokens,
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n  lu_mark(hwpt2, token=7)\n", "main.7",
       "hwpts 3 and 4 are both marked with token 7", "I13"},
      {"I12", &finish_without_freezing_marks,
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "  lu_mark(hwpt2, token=8)\n",
       "main.8", "hwpt 4 is marked with token 8 while the iommufd is preserved", "I13"},
      {"I13", &refuse_second_mark, kOneMarked + "  lu_mark(hwpt, token=9)\n", "main.6",
       "the call answers EBUSY, documented is 0", ""},
      {"I13", &mark_holds_hwpt, kOneMarked + "  destroy(hwpt)\n", "main.6",
       "a mark prevents the destroy of its hwpt", "I24 I36 I37 I38"},
      {"I38", &refusal_holds_hwpt,
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                    "  lu_mark(hwpt2, token=7)\n"
                    "  destroy(hwpt2)\n",
       "main.8", "the call answers EBUSY, documented is 0", "I24 I36 I37"},
      {"I13", &tokens_of_all_iommufds, kTwoIommufds + "  lu_mark(hwpt2, token=7)\n", "main.9",
       "the call answers EADDRINUSE, documented is 0", ""},
      {"I13", &freeze_marks_of_all_iommufds,
       kTwoIommufds + "  luo_preserve(s, iommufd, token=2)\n  lu_mark(hwpt2, token=8)\n", "main.10",
       "the call answers EBUSY, documented is 0", ""},
  };
}

}  // namespace iommufd_check::spec
