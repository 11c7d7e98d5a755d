// Accesses to the words of page tables. Entries are read and written atomically, as drivers do
// (READ_ONCE, cmpxchg64), so two tasks never race on one, but their order is behaviour.
//
// A walk that looks at every entry of a table reads the whole frame: each write of an entry is
// also a change of the frame that such a walk can see. `domain` is whose table it is; a walk into
// a frame that is no table any more is an oops (PhysMemory::Use).
#pragma once

#include <cstdint>

#include "model/mm/machine.h"
#include "model/sim/shared.h"

namespace iommufd_check::iommu {

inline sim::ObjectRef TableRef(mm::Pfn table) {
  return {sim::ObjectKind::kFrame, static_cast<uint16_t>(table - mm::kFirstPfn)};
}
inline uint16_t ElementOf(mm::PhysAddr entry) { return static_cast<uint16_t>(entry >> 3 & 511); }

inline void UseTable(sim::Task& t, const mm::Machine& mm, sim::ObjectRef domain, mm::Pfn table) {
  mm.phys.Use(t, table, mm::Only(mm::FrameOwner::kPageTable), domain);
}

inline uint64_t ReadEntry(sim::Task& t, const mm::Machine& mm, sim::ObjectRef domain,
                          mm::PhysAddr entry) {
  const sim::ObjectRef table = TableRef(mm::PfnOf(entry));
  t.Place(table.kind, sim::Field::kPageTable);
  UseTable(t, mm, domain, mm::PfnOf(entry));
  t.Access(sim::Primitive::kRead, table, sim::Field::kPageTable, sim::kAccessMarked,
           ElementOf(entry));
  return mm.phys.ReadWord(entry);
}

inline void WriteEntry(sim::Task& t, mm::Machine& mm, sim::ObjectRef domain, mm::PhysAddr entry,
                       uint64_t value) {
  const sim::ObjectRef table = TableRef(mm::PfnOf(entry));
  t.Place(table.kind, sim::Field::kPageTable);
  UseTable(t, mm, domain, mm::PfnOf(entry));
  t.Access(sim::Primitive::kWrite, table, sim::Field::kPageTable, sim::kAccessMarked,
           ElementOf(entry));
  t.Emit(sim::Note::kTableWrite, domain);
  mm.phys.WriteWord(entry, value);
}

// cmpxchg64: stores `value` if the entry is 0. What was there before.
inline uint64_t InstallEntry(sim::Task& t, mm::Machine& mm, sim::ObjectRef domain,
                             mm::PhysAddr entry, uint64_t value) {
  const sim::ObjectRef table = TableRef(mm::PfnOf(entry));
  t.Place(table.kind, sim::Field::kPageTable);
  UseTable(t, mm, domain, mm::PfnOf(entry));
  const uint64_t before = mm.phys.ReadWord(entry);
  t.Access(before == 0 ? sim::Primitive::kWrite : sim::Primitive::kRead, table,
           sim::Field::kPageTable, sim::kAccessMarked, ElementOf(entry));
  if (before != 0) return before;
  t.Emit(sim::Note::kTableWrite, domain);
  mm.phys.WriteWord(entry, value);
  return 0;
}

// All entries of a table are about to be looked at.
inline void ReadWholeTable(sim::Task& t, const mm::Machine& mm, sim::ObjectRef domain,
                           mm::Pfn table) {
  t.Place(sim::ObjectKind::kFrame, sim::Field::kPageTable);
  UseTable(t, mm, domain, table);
  t.Access(sim::Primitive::kRead, TableRef(table), sim::Field::kPageTable, sim::kAccessMarked,
           sim::kWholeField);
}

}  // namespace iommufd_check::iommu
