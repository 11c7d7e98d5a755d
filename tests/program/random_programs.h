// Random bytes, programs and mutations for the tests of model/program, all from one seeded
// generator, and the two checks that run short as unit tests and long as slow ones.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/program/program.h"

namespace iommufd_check::program {

using Random = std::mt19937_64;

// 0 to below `limit`. Not std::uniform_int_distribution, which differs between libraries.
inline uint64_t Below(Random& random, uint64_t limit) { return random() % limit; }

// Up to `most` bytes: uniform, or records that are mostly operations.
std::vector<uint8_t> RandomBytes(Random& random, size_t most);

// A program with a few of everything.
Program RandomProgram(Random& random);

// One to four small changes: bytes replaced, inserted, removed, doubled, words swapped in.
std::string MutatedText(Random& random, std::string text);

// A program that uses every construct of the text form.
const std::string& RichText();

// `count` random byte strings decode to valid programs.
void CheckDecodingIsTotal(uint64_t count, uint64_t seed);

// `count` mutated texts are refused with a position, or accepted and then round-trip.
void CheckMutatedTexts(uint64_t count, uint64_t seed);

}  // namespace iommufd_check::program
