// The preserve protocol as a program for SPIN and for Murphi checkers, written apart from
// preserve_model.cc so that agreement means something; as toy_text.h.
//
// Without `assertions` the program holds no property, so that a faulty variant's states can be
// counted to the end.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "model/explore/states/preserve_model.h"

namespace iommufd_check::explore {

std::string PreservePromela(int mappers, int hwpts, PreserveModel::Variant variant,
                            PreserveModel::Plant plant, bool assertions);
std::string PreserveMurphi(int mappers, int hwpts, PreserveModel::Variant variant,
                           PreserveModel::Plant plant, bool assertions);

}  // namespace iommufd_check::explore
