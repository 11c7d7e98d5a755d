#include "model/iommu/walker.h"
#include "model/iommufd/object_table.h"
#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {
namespace {

// Registers the top table and forgets those below.
int RegisterTopTableOnly(StepKernel& k, HwptHandle hwpt, PhysAddr* record) {
  const int error = Reference().steps().preserve_domain(k, hwpt, record);
  if (error != 0) return error;
  const iommu::DomainHandle domain = Read(k, hwpt, &iommufd::Hwpt::domain);
  const mm::Pfn top = Read(k, domain, &iommu::Domain::top);
  std::vector<mm::Pfn> tables;
  iommu::CollectTables(k.mm.phys, top, &tables);
  for (mm::Pfn table : tables) {
    if (table != top) liveupdate::kho_unpreserve_folio(k, table, Ref(domain));
  }
  return 0;
}

}  // namespace

MutantCases MutantsOfI02() {
  return {
      {UnmapWithoutGate(),
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
      {Reference()
           .Named("RegisterTopTableOnly")
           .With(&Steps::preserve_domain, RegisterTopTableOnly),
       kOneMapped + "  luo_preserve(s, iommufd, token=2)\n", "main.9",
       "table 0x102 of a recorded domain is not registered", "I06"},
  };
}

}  // namespace iommufd_check::spec
