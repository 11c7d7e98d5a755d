// Design `reference`: our answer to the review, satisfying every invariant of model/spec.
//
// What it does differently from v1, and which invariant asks for it:
//   - liveupdate_mutex orders MARK, PRESERVE and UNPRESERVE; marks are frozen while preserved
//     (I12).
//   - One walk under xa_lock takes a `users` reference on each marked HWPT, so the set cannot
//     change and nothing it reaches can go away (I08, I10, I14); no sleeping lock is taken there
//     (I19).
//   - The gate of an IOAS is closed under domains_rwsem W and iova_rwsem W, once for all its marked
//     HWPTs, and only while no map is between the insertion of its area and its end; who comes
//     first waits for it (I01, I03, I04). So a map asks once, under the lock under which it
//     inserts, and what is behind the gate is at rest. Immutability is counted per preserved domain
//     (I07).
//   - Memory is checked behind the gate, under iova_rwsem R alone and once for each IOAS: runs of
//     the frames that iommufd has pinned, read back in batches, against what the memfd handler says
//     that it registered and with which seals (I14, I15). How that is written down only the handler
//     knows.
//   - Only immutability becomes visible before that check, and goes again when it fails; every
//     later step has its inverse and runs it on failure (I05); UNPRESERVE undoes what was recorded,
//     not what is marked now (I06).
//
// The wait for maps holds session->mutex and liveupdate_mutex, and earlier IOASes immutable. A map
// takes neither mutex, sleeps on its own IOAS and on memory, and is refused at once where the gate
// is closed, so it ends. It cannot be interrupted, and ends after 60 s like iommufd's wait for
// short references, so that memory that never comes (userfaultfd) costs an EBUSY. Steps are
// virtual, so that a mutant changes exactly one (tests/spec/mutants).
#pragma once

#include "model/liveupdate/design.h"
#include "model/liveupdate/iommu_core.h"

namespace iommufd_check::liveupdate {

class Reference : public Design {
 public:
  std::string_view name() const override { return "reference"; }
  std::string_view summary() const override {
    return "our answer: references, counted immutability, checks before effects, full rollback";
  }
  const IommufdLayout& iommufd_layout() const override { return kIommufdR6; }
  const DomainLayout& domain_layout() const override { return kDomainR7; }

  // ENOENT; EBUSY while preserved; EADDRINUSE when another HWPT has the token; a marked HWPT may be
  // marked again with the same or a new token. A mark dies with its HWPT.
  int Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) override;
  // By marked HWPT, ascending by id, for each IOAS once: EBUSY when its maps do not end in time; of
  // its areas, ascending by IOVA, EINVAL memory that is of no file, or of one without seals, or not
  // what was handed over, ENOENT a memfd that is not in this session. Before that EINVAL when
  // nothing is marked; after it ENOMEM. Nothing changes on error.
  int Preserve(Kernel& k, PreserveArguments* arguments) override;
  void Unpreserve(Kernel& k, const PreserveArguments& arguments) override;

  int MapInsert(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void AreaInserted(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void AreaSettled(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  int Unmap(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;

 protected:
  using Hwpts = std::vector<iommufd::HwptHandle>;
  // An IOAS and how many of its domains a call is about.
  struct Gate {
    iommufd::IoasHandle ioas;
    uint32_t domains = 0;
  };

  // Pass 1, under xa_lock: takes a reference on each marked HWPT, at most `capacity`.
  virtual void Collect(Kernel& k, ContextHandle ctx, size_t capacity, Hwpts* hwpts);
  virtual void DropReferences(Kernel& k, Hwpts& hwpts);
  // The MARK decision under liveupdate_mutex and xa_lock.
  virtual int CheckMark(Kernel& k, iommufd::HwptHandle target, uint64_t token);
  // Makes the IOAS immutable for `domains` more, if its memory can be preserved then.
  virtual int Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate);
  // Waits until no map is under way and makes the IOAS immutable. EBUSY after the time-out.
  virtual int CloseGate(Kernel& k, const Gate& gate);
  // Sleeps until the maps that have inserted an area are through with it. False: the time-out.
  virtual bool WaitForMaps(Kernel& k, iommufd::IoasHandle ioas);
  // Wakes who sleeps there. LOCKS: iova_rwsem W.
  virtual void WakeWaiters(iommufd::Kernel& k, iommufd::IoasHandle ioas);
  virtual void Thaw(Kernel& k, const Gate& gate);
  // What is behind a closed gate against the session's memfds. Takes iova_rwsem R.
  virtual int Validate(Kernel& k, const PreserveArguments& arguments, iommufd::IoasHandle ioas);
  // LOCKS: iova_rwsem held.
  virtual int CheckPages(Kernel& k, const PreserveArguments& arguments, iommufd::IoasHandle ioas);
  virtual int CheckArea(Kernel& k, const PreserveArguments& arguments, iommufd::AreaHandle area);
  // The seals relied upon are among those handed over.
  virtual int CheckSeals(Kernel& k, mm::MemfdHandle memfd, PhysAddr data);
  // Each page that the area maps is the one handed over for its place in the file.
  virtual int ComparePages(Kernel& k, iommufd::AreaHandle area, mm::MemfdHandle memfd,
                           PhysAddr data);
  // One HWPT of a frozen IOAS: preserve its domain, fill record `index`.
  virtual int PreserveOne(Kernel& k, iommufd::HwptHandle hwpt, PhysAddr memory, size_t index);
  // The IOMMU core's part of PreserveOne: *record is the address of the domain's record.
  virtual int PreserveDomain(Kernel& k, iommufd::HwptHandle hwpt, PhysAddr* record);
  // Undo of PreserveOne and of the HWPT's share in the immutability of its IOAS.
  virtual void UnpreserveOne(Kernel& k, iommufd::HwptHandle hwpt);
  // Undo of the HWPTs before the failing one, last first.
  virtual void Rollback(Kernel& k, const Hwpts& hwpts, size_t preserved);
  // Undo of the shares of HWPTs that were not preserved, from `first` on.
  virtual void ThawRest(Kernel& k, const Hwpts& hwpts, size_t first);
  virtual PhysAddr AllocRecords(Kernel& k, ContextHandle ctx, size_t records);
  // Undo of AllocRecords.
  virtual void FreeRecords(Kernel& k, ContextHandle ctx, PhysAddr memory);
  virtual void WriteRecord(Kernel& k, PhysAddr memory, size_t index, uint64_t token,
                           PhysAddr domain_record);
  virtual void Finish(Kernel& k, ContextHandle ctx, PhysAddr memory, size_t records);

  int PreserveCollected(Kernel& k, PreserveArguments* arguments, const Hwpts& hwpts);
  int FreezeAll(Kernel& k, const PreserveArguments& arguments, const Hwpts& hwpts);
  int PreserveFrozen(Kernel& k, PreserveArguments* arguments, const Hwpts& hwpts);
  int PreserveInto(Kernel& k, const Hwpts& hwpts, PhysAddr memory);
  size_t CountMarked(Kernel& k, ContextHandle ctx);

  CoreRules core_{kDomainR7, FlbGets::kPaired, true, true};
};

}  // namespace iommufd_check::liveupdate
