// Faults and switches in text form. They name operations that may stand further down, so they are
// resolved when the whole text has been read.
#pragma once

#include <cstdint>
#include <vector>

#include "model/program/text/parse_state.h"

namespace iommufd_check::program {

class PlanParser {
 public:
  explicit PlanParser(ParseState& state) : state_(state) {}

  // What follows the word "fault" or "switch".
  bool ParseFault();
  bool ParseSwitch();

  // Adds them to the program, whose operations are sorted.
  bool Resolve();

 private:
  // An operation by its label, "B.1".
  struct Place {
    Token label;
    uint8_t task = kMain;
    uint64_t number = 0;
  };
  struct PendingFault {
    Place place;
    sim::PlannedFault fault;
  };
  struct PendingSwitch {
    Place place;
    Token to;
    sim::Switch change;
  };

  bool ParseLabel(Place* place);
  bool ParseTask(Token* word, sim::TaskId* task);
  bool FindOperation(const Place& place, uint16_t* operation);
  bool ResolveSwitch(PendingSwitch* pending);

  ParseState& state_;
  std::vector<PendingFault> faults_;
  std::vector<PendingSwitch> switches_;
};

}  // namespace iommufd_check::program
