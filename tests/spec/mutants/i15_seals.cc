#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

int IgnoreSeals(StepKernel&, mm::MemfdHandle, PhysAddr) { return 0; }

// Notes seals that the file does not have.
void NoteAllSeals(StepKernel& k, iommufd::PagesHandle pages) {
  Write(k, pages, &iommufd::Pages::seals, mm::kSealsOfPreserved);
}

}  // namespace

MutantCases MutantsOfI15() {
  return {
      {Reference().Named("IgnoreSeals").With(&Steps::check_seals, IgnoreSeals),
       kOneMarked + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  luo_preserve(s, memfd=0, token=1)\n"
                    "  luo_preserve(s, iommufd, token=2)\n",
       "main.8", "memfd 0 is handed over with seals 0x0, without those relied upon", "I38"},
      {V1().Named("V1NotesAllSeals").With(&Steps::file_pages_allocated, NoteAllSeals),
       kOneMarked + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  luo_preserve(s, memfd=0, token=1)\n"
                    "  luo_preserve(s, iommufd, token=2)\n",
       "main.8", "memfd 0 is handed over with seals 0x0, without those relied upon", "I19 I26 I38",
       V1()},
  };
}

}  // namespace iommufd_check::spec
