// The programs of the corpus, as the tests of this folder read them.
#pragma once

#include <string>
#include <vector>

#include "model/program/program.h"

namespace iommufd_check::program {

// Names of the files of corpus/`folder`, sorted: "B01-sleeping-locks-under-xa_lock.prog".
std::vector<std::string> CorpusFiles(const std::string& folder = "bugs");

// The program of one of them. A file that cannot be read or parsed fails the test.
Program CorpusProgram(const std::string& file, const std::string& folder = "bugs");

// Runs the programs in turn, `runs` runs in all, and expects each digest of a program to be its
// first. They share one Executor, so that what one run leaves behind would show in the next.
void CheckDigestsRepeat(int runs);

}  // namespace iommufd_check::program
