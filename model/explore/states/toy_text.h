// The toy protocol as a program for SPIN and for Murphi checkers, written apart from toy_model.cc
// so that agreement on the number of states, of transitions and on the verdict means something.
//
// States and transitions are exactly those of the C++; SPIN counts the initial transition too.
// Without `assertions` the program holds no property.
//
// Threads: pure functions.
//
//   std::string program = ToyPromela(3, 2, ToyModel::Plant::kNone, true);
//   // spin -a toy.pml; cc -O2 -DSAFETY -DNOREDUCE -o pan pan.c; ./pan -m1000000
#pragma once

#include <string>

#include "model/explore/states/toy_model.h"

namespace iommufd_check::explore {

std::string ToyPromela(int workers, int pages, ToyModel::Plant plant, bool assertions);

// With scalarsets when `symmetry` is set, so that the checker counts orbits.
std::string ToyMurphi(int workers, int pages, ToyModel::Plant plant, bool assertions,
                      bool symmetry);

}  // namespace iommufd_check::explore
