// What a revision of the live-update user interface promises where revisions differ. A design
// declares it; the specification judges the design by it, not by what another revision promises.
//
// Plain values: nothing is included but the standard library. The defaults are the answer of
// `reference`. A promise that one may doubt is a question for its author (QuestionsOf), never a
// violation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace iommufd_check::uapi {

struct Contract {
  // Of the token of the mark ioctl: designs.md section 10, column "struct" (u32 in R1 to R3).
  int token_bits = 64;

  // A marked HWPT is marked again with the token that it has: designs.md section 10, column
  // "duplicate token" (R4 to R7: EADDRINUSE against itself).
  enum class SameToken : uint8_t { kAccepted, kRefused };
  SameToken same_token = SameToken::kAccepted;

  // A marked HWPT is marked again with another token: designs.md section 10, column "re-mark".
  enum class NewToken : uint8_t { kOverwrites, kRefused };
  NewToken new_token = NewToken::kOverwrites;

  // A mark while the iommufd is preserved: designs.md sections 5 and 7, MARK ("no interaction with
  // preserve state", "also after preserve"); `reference` answers EBUSY (invariants.md I12).
  enum class MarkWhilePreserved : uint8_t { kAccepted, kRefused };
  MarkWhilePreserved mark_while_preserved = MarkWhilePreserved::kRefused;

  // Destroy of a HWPT that is preserved: designs.md section 5, "Not gated" (R3), and section 7,
  // "Destroy of a preserved HWPT -> EBUSY by users>1" (R6). That the preservation then names what
  // is gone is what invariants judge (I02, I08, I12).
  enum class DestroyPreserved : uint8_t { kAccepted, kRefused };
  DestroyPreserved destroy_preserved = DestroyPreserved::kRefused;

  // Preserve with nothing marked: designs.md section 5, PRESERVE, has no test of n; `reference`
  // answers EINVAL (bugs.md B38: "decide").
  enum class EmptyPreserve : uint8_t { kAccepted, kRefused };
  EmptyPreserve empty_preserve = EmptyPreserve::kRefused;

  // Which layouts are handed to the next kernel: designs.md section 9 (iommufd), iommu_core.md
  // section 1 (records of domains). kR3: those of R3; kR7: iommufd's of R6 and the core's of R7.
  enum class Abi : uint8_t { kR3, kR7 };
  Abi abi = Abi::kR7;

  // Of one area of a file, which of two problems decides the errno: seals that are missing (EINVAL)
  // or a file that the session does not preserve (ENOENT). designs.md section 5, step 2d, asks for
  // seals first; `reference` asks LUO first, since it needs what was serialized.
  enum class AreaCheck : uint8_t { kSessionFirst, kSealsFirst };
  AreaCheck area_check = AreaCheck::kSessionFirst;

  // Preserve while a map has taken its IOVAs and is not through with its pages: invariants.md I04
  // permits to wait for its end and to answer EBUSY.
  enum class MapInFlight : uint8_t { kWaitedFor, kRefused };
  MapInFlight map_in_flight = MapInFlight::kWaitedFor;

  friend bool operator==(const Contract&, const Contract&) = default;
};

// A promise that is kept and yet worth a second thought.
struct Question {
  std::string about;   // "nothing marked"
  std::string answer;  // what the contract says
  std::string doubt;   // why one may ask, with where it was asked
  friend bool operator==(const Question&, const Question&) = default;
};

// In the order of the fields above.
inline std::vector<Question> QuestionsOf(const Contract& contract) {
  std::vector<Question> questions;
  if (contract.token_bits < 64) {
    questions.push_back({"token width",
                         "the mark takes " + std::to_string(contract.token_bits) + " bits",
                         "tokens of LUO have 64, so not every one of them can be used (B127)"});
  }
  if (contract.same_token == Contract::SameToken::kRefused) {
    questions.push_back({"mark again, same token", "EADDRINUSE against itself",
                         "a repeated call is not idempotent (B20)"});
  }
  if (contract.new_token == Contract::NewToken::kOverwrites) {
    questions.push_back({"mark again, new token", "the new token silently replaces the old one",
                         "a pool that marks one HWPT twice loses a token without an error (B19)"});
  }
  if (contract.mark_while_preserved == Contract::MarkWhilePreserved::kAccepted) {
    questions.push_back({"mark while preserved", "accepted",
                         "the record that the next kernel reads does not know of it (B18, B19)"});
  }
  if (contract.empty_preserve == Contract::EmptyPreserve::kAccepted) {
    questions.push_back({"preserve, nothing marked", "accepted, hands over no record",
                         "the next kernel gets a file that nothing can finish (B38, B106)"});
  }
  return questions;
}

// The largest token that the mark ioctl can carry.
inline uint64_t LargestToken(const Contract& contract) {
  return contract.token_bits >= 64 ? UINT64_MAX : (uint64_t{1} << contract.token_bits) - 1;
}

}  // namespace iommufd_check::uapi
