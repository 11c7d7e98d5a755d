// Calls in the oracle's words, decoded from the program by the judge itself.
//
// The kernel's side decodes in dispatch.cc, argument by argument and by position. Here arguments
// are decoded by their name and kind (operations.def), and sessions are told apart by what the
// calls before answered. One wrong decoding cannot serve both sides.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/program/execute/executor.h"
#include "model/spec/oracle/oracle.h"

namespace iommufd_check::program {

class OracleCalls {
 public:
  // REQUIRES: the program outlives this.
  void Reset(const Program& program);

  // Goes on with another program that has the same operations so far.
  void Rebind(const Program& program) { program_ = &program; }

  // The call that operation `index` makes now. A variable whose object was never created is id 0;
  // a session whose number belongs to a later one is kNoSession.
  spec::Call Decode(size_t index) const;

  // Operation `index` answered.
  void Answered(size_t index, const OperationResult& result);

 private:
  uint32_t CreatedBy(const Argument& argument) const;
  uint16_t IommufdOfCall(size_t index) const;
  uint16_t SessionOf(const Argument& argument) const;
  void Put(const ArgumentSpec& spec, const Argument& argument, int* objects,
           spec::Call* call) const;

  const Program* program_ = nullptr;
  std::vector<uint32_t> created_;            // by operation: object id, or session number + 1
  std::map<uint16_t, uint16_t> session_of_;  // number -> the operation that created it last
};

// What the call answered besides its result, in the oracle's words: all 0 but of a success.
spec::Reply ReplyOf(const spec::Call& call, const OperationResult& result);

}  // namespace iommufd_check::program
