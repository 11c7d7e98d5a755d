// The words for what PreserveModel does and is in.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "model/explore/states/preserve_model.h"

namespace iommufd_check::explore {

// In the order of the table in preserve_words.cc.
enum PreserveWord : int {
  kInsertArea,
  kInsertRefused,
  kDownRead,
  kTestPassed,
  kTestRefused,
  kFillDomain,
  kFillFault,
  kPublishArea,
  kEmptyDomain,
  kDropArea,
  kBeginUnmap,
  kBeginPreserve,
  kFlagIsClear,
  kFlagIsSet,
  kDownWrite,
  kSetFlag,
  kCheckPassed,
  kCheckFault,
  kRegisterDomain,
  kRegisterFault,
  kBeginUnpreserve,
  kUnregisterDomain,
  kClearFlag,
};

// "register domain 1".
std::string PreserveActionText(const PreserveModel::Action& action);
// Parts separated by "; ", each about one subject.
std::string PreserveStateText(const PreserveModel::State& state, int mappers, int hwpts);

}  // namespace iommufd_check::explore
