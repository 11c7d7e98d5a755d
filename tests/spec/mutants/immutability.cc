// Mutants of what makes an IOAS immutable and of the gates that ask: I01 to I04, I07, I19, I20.
#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/walk.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Registers the tables first, and only then makes the IOAS immutable.
class PreserveBeforeFreeze : public Mutant {
 public:
  PreserveBeforeFreeze() : Mutant("PreserveBeforeFreeze") {}

 protected:
  int Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate) override {
    return Validate(k, arguments, gate.ioas);
  }
  int PreserveOne(Kernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) override {
    const int error = Reference::PreserveOne(k, hwpt, memory, index);
    return error != 0 ? error : CloseGate(k, {Read(k, hwpt, &iommufd::Hwpt::ioas), 1});
  }
};

class UnmapWithoutGate : public Mutant {
 public:
  UnmapWithoutGate() : Mutant("UnmapWithoutGate") {}
  int Unmap(iommufd::Kernel&, IoasHandle) override { return 0; }
};

// Closes the gate beside maps that have inserted an area, which test again before they fill it.
class TestsBeforeFilling : public Mutant {
 public:
  using Mutant::Mutant;
  int MapFill(iommufd::Kernel& k, IoasHandle ioas) override {
    return liveupdate::TestImmutable(k, ioas);
  }
};

// Takes an area that is not filled yet for one that maps nothing.
class SkipUnfilledAreas : public TestsBeforeFilling {
 public:
  SkipUnfilledAreas() : TestsBeforeFilling("SkipUnfilledAreas") {}

 protected:
  int CloseGate(Kernel& k, const Gate& gate) override {
    down_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
    down_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    SetImmutable(k, gate.ioas, Read(k, gate.ioas, iommufd::iopt::immutable) + gate.domains);
    up_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    up_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
    return 0;
  }
  int CheckArea(Kernel& k, const PreserveArguments& arguments, AreaHandle area) override {
    if (Read(k, area, &iommufd::Area::pages).null()) return 0;
    return Reference::CheckArea(k, arguments, area);
  }
};

// Trusts what it saw before, and leaves domains_rwsem to maps that are filling.
class FreezeBesideMaps : public TestsBeforeFilling {
 public:
  FreezeBesideMaps() : TestsBeforeFilling("FreezeBesideMaps") {}

 protected:
  int Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate) override {
    const int error = Validate(k, arguments, gate.ioas);
    if (error != 0) return error;
    down_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    SetImmutable(k, gate.ioas, Read(k, gate.ioas, iommufd::iopt::immutable) + gate.domains);
    up_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    return 0;
  }
};

// Does not see that a map is between its two critical sections: the first test was not the last.
class FreezeWithoutWaiting : public Mutant {
 public:
  FreezeWithoutWaiting() : Mutant("FreezeWithoutWaiting") {}
  void AreaInserted(iommufd::Kernel&, IoasHandle) override {}
  void AreaSettled(iommufd::Kernel&, IoasHandle) override {}
};

class FreezeUnderXaLock : public Mutant {
 public:
  FreezeUnderXaLock() : Mutant("FreezeUnderXaLock") {}

 protected:
  int CloseGate(Kernel& k, const Gate& gate) override {
    spin_lock(k.t, Get(k, k.ctx).xa_lock);
    const int error = Reference::CloseGate(k, gate);
    spin_unlock(k.t, Get(k, k.ctx).xa_lock);
    return error;
  }
};

// A flag where there should be a count.
class ThawSetsZero : public Mutant {
 public:
  ThawSetsZero() : Mutant("ThawSetsZero") {}

 protected:
  void Thaw(Kernel& k, const Gate& gate) override {
    down_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
    down_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    SetImmutable(k, gate.ioas, 0);
    up_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    up_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
  }
};

class NoThaw : public Mutant {
 public:
  NoThaw() : Mutant("NoThaw") {}

 protected:
  void Thaw(Kernel&, const Gate&) override {}
};

class ThawWithoutLocks : public Mutant {
 public:
  ThawWithoutLocks() : Mutant("ThawWithoutLocks") {}

 protected:
  void Thaw(Kernel& k, const Gate& gate) override {
    SetImmutable(k, gate.ioas, Read(k, gate.ioas, iommufd::iopt::immutable) - gate.domains);
  }
};

}  // namespace

MutantCases ImmutabilityMutants() {
  static PreserveBeforeFreeze preserve_before_freeze;
  static UnmapWithoutGate unmap_without_gate;
  static SkipUnfilledAreas skip_unfilled_areas;
  static FreezeBesideMaps freeze_beside_maps;
  static FreezeWithoutWaiting freeze_without_waiting;
  static FreezeUnderXaLock freeze_under_xa_lock;
  static ThawSetsZero thaw_sets_zero;
  static NoThaw no_thaw;
  static ThawWithoutLocks thaw_without_locks;
  const std::string map_beside_preserve =
      "A:\n"
      "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
      "B:\n"
      "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {"I01", &preserve_before_freeze, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n",
       "main.6", "table 0x100 of domain 0 is registered while ioas 1 may change", ""},
      {"I02", &unmap_without_gate,
       "boot memfds=1 devices=1 memfd_pages=512\n"
       "main:\n"
       "  ioas = ioas_alloc()\n"
       "  dev = device_bind(index=0)\n"
       "  hwpt = hwpt_alloc(dev, ioas)\n"
       "  lu_mark(hwpt, token=7)\n"
       "  s = luo_create_session(name=\"vm\")\n"
       "  memfd_seal(0, seals=seal|grow|shrink)\n"
       "  map_file(ioas, memfd=0, iova=0x200000, length=0x200000)\n"
       "  luo_preserve(s, memfd=0, token=1)\n"
       "  luo_preserve(s, iommufd, token=2)\n"
       "  unmap(ioas, iova=0x200000, length=0x200000)\n",
       "main.10", "page 0x302 is freed while it is registered for domain 0", "I01 I03 I36 I38"},
      {"I03", &unmap_without_gate,
       kOneMapped + "  luo_preserve(s, iommufd, token=2)\n  unmap(ioas, 0x1000, 0x1000)\n",
       "main.10", "the table of domain 0 changes while it is preserved", "I38"},
      {"I04", &skip_unfilled_areas, kOneMarked + map_beside_preserve, "B.1",
       "the page check saw an unfilled area and the call answered 0", ""},
      {"I04", &freeze_beside_maps,
       kOneMapped + "A:\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "B:\n"
                    "  map_file(ioas, memfd=0, iova=0x2000, length=0x1000)\n",
       "B.1", "ioas 1 became immutable between the test and this change of its table", "I03 I20"},
      {"I04", &freeze_without_waiting,
       kOneMapped + "A:\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "B:\n"
                    "  map_file(ioas, memfd=0, iova=0x2000, length=0x1000)\n",
       "B.1", "ioas 1 became immutable between the test and this change of its table", ""},
      {"I07", &thaw_sets_zero,
       kTwoMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "main.9",
       "ioas 1 may change again while domain 0 is preserved", "I01"},
      {"I07", &no_thaw,
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "main.7",
       "ioas 1 has no preserved hwpt and is immutable", "I37"},
      {"I19", &freeze_under_xa_lock, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "sleeping function called while a spinlock is held: ioas 1", ""},
      {"I20", &thaw_without_locks,
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n"
                    "A:\n"
                    "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "B:\n"
                    "  luo_close_session(s)\n",
       "B.1",
       "iopt->immutable of ioas 1 is written here (plain) and was read (plain) by another task, "
       "and nothing orders the two",
       ""},
  };
}

}  // namespace iommufd_check::spec
