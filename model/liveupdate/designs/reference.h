// Design `reference`: our answer to the review, satisfying every invariant of model/spec.
//
// What it does differently from v1, and which invariant asks for it:
//   - liveupdate_mutex orders MARK, PRESERVE and UNPRESERVE; marks are frozen while preserved
//     (I12).
//   - One walk under xa_lock takes a `users` reference on each marked HWPT, so the set cannot
//     change and nothing it reaches can go away (I08, I10, I14); no sleeping lock is taken there
//     (I19).
//   - An IOAS becomes immutable under domains_rwsem W and iova_rwsem W, in the same critical
//     section as the check of its pages; the map path tests again under domains_rwsem R, which it
//     holds over the fill (I01, I03, I04). Immutability is counted per preserved domain (I07).
//   - Memory is compared page by page with what the memfd handler registered, and seals with those
//     it serialized (I14, I15).
//   - Validity is checked before anything becomes visible; every later step has its inverse and
//     runs it on failure (I05); UNPRESERVE undoes what was recorded, not what is marked now (I06).
// Steps are virtual, so that a mutant changes exactly one (tests/spec/mutants).
#pragma once

#include "model/liveupdate/design.h"
#include "model/liveupdate/iommu_core.h"

namespace iommufd_check::liveupdate {

struct MemfdSerialized;

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
  // EINVAL nothing marked, or memory that cannot be preserved; ENOENT memfd not in this session;
  // EBUSY a map in flight; ENOMEM. Nothing changes on error.
  int Preserve(Kernel& k, PreserveArguments* arguments) override;
  void Unpreserve(Kernel& k, const PreserveArguments& arguments) override;

  int MapInsert(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  int MapFill(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  int Unmap(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;

 protected:
  using Hwpts = std::vector<iommufd::HwptHandle>;

  // Pass 1, under xa_lock: takes a reference on each marked HWPT, at most `capacity`.
  virtual void Collect(Kernel& k, ContextHandle ctx, size_t capacity, Hwpts* hwpts);
  virtual void DropReferences(Kernel& k, Hwpts& hwpts);
  // The MARK decision under liveupdate_mutex and xa_lock.
  virtual int CheckMark(Kernel& k, iommufd::HwptHandle target, uint64_t token);
  // The pages of one IOAS against the session's memfds. LOCKS: iova_rwsem held.
  virtual int CheckPages(Kernel& k, const PreserveArguments& arguments, iommufd::IoasHandle ioas);
  virtual int CheckArea(Kernel& k, const PreserveArguments& arguments, iommufd::AreaHandle area);
  // The seals relied upon are among those handed over.
  virtual int CheckSeals(const MemfdSerialized& serialized);
  // Each page that the area maps is the one handed over for its place in the file.
  virtual int ComparePages(Kernel& k, iommufd::AreaHandle area, const MemfdSerialized& serialized);
  virtual int Validate(Kernel& k, const PreserveArguments& arguments, iommufd::IoasHandle ioas);
  // Makes the IOAS immutable for one more domain, if its pages still pass; else as CheckPages.
  virtual int Freeze(Kernel& k, const PreserveArguments& arguments, iommufd::IoasHandle ioas);
  virtual void Thaw(Kernel& k, iommufd::IoasHandle ioas);
  // One HWPT: freeze, preserve its domain, fill record `index`.
  virtual int PreserveOne(Kernel& k, const PreserveArguments& arguments, iommufd::HwptHandle hwpt,
                          PhysAddr memory, size_t index);
  // The IOMMU core's part of PreserveOne: *record is the address of the domain's record.
  virtual int PreserveDomain(Kernel& k, iommufd::HwptHandle hwpt, PhysAddr* record);
  virtual void UnpreserveOne(Kernel& k, iommufd::HwptHandle hwpt);
  // Undo of the HWPTs before the failing one, last first.
  virtual void Rollback(Kernel& k, const Hwpts& hwpts, size_t preserved);
  virtual PhysAddr AllocRecords(Kernel& k, ContextHandle ctx, size_t records);
  // Undo of AllocRecords.
  virtual void FreeRecords(Kernel& k, ContextHandle ctx, PhysAddr memory);
  virtual void WriteRecord(Kernel& k, PhysAddr memory, size_t index, uint64_t token,
                           PhysAddr domain_record);
  virtual void Finish(Kernel& k, ContextHandle ctx, PhysAddr memory, size_t records);

  int PreserveCollected(Kernel& k, PreserveArguments* arguments, const Hwpts& hwpts);
  int PreserveInto(Kernel& k, const PreserveArguments& arguments, const Hwpts& hwpts,
                   PhysAddr memory);
  size_t CountMarked(Kernel& k, ContextHandle ctx);

  CoreRules core_{kDomainR7, FlbGets::kPaired, true, true};
};

}  // namespace iommufd_check::liveupdate
