// Programs as bytes: the form that fuzzers mutate. Every byte string is a program.
//
// Layout: a header of 12 bytes, then records of 12. Integers are little-endian. Missing bytes of a
// header or last record count as 0. A field that is shorter than its values has several *forms*,
// ranges of its bytes; the encoder uses the exact one, the others make frequent what is
// interesting.
//
// Tables are fixed: a number is that of the vocabulary, which is only appended to, and "modulo" is
// by what there was when this version began, not by what there is. What has no meaning yet has no
// effect, so what gets one later changes no input that the encoder wrote (tests/program freezes
// what each byte means).
//
//   header  0 version, 2   1 memfds   2-3 memfd_pages   4 buffers   5-6 buffer_pages   7 devices
//           8 iommufds   9-11 nothing yet
//           a count: 240..248 exact (0..8), else mostly 1 or 2 (of iommufds 1, from 192 on 2)
//           pages: high byte >= 0xe0 exact (low 13 bits), else one of 4 1 2 3 4 6 8 16
//           DecodeBytes takes any version for this one; who reads files asks VersionProblem.
//
//   byte 0     record        byte 1            bytes 2..11
//   0..175     operation     task              arguments: 2 bytes for an object or number, else 1
//   176..199   fault         -                 2-3 operation  4 site  5 form  6-7 nth
//   200..219   switch        task entered      2-3 operation  4 act  5-6 what of it  8-9 nth
//   220..231   literal       which argument    2-9 its value, for what no form below can say
//   232..239   errno         errno             -: what the operation before is expected to return
//   240..243   name          length            3-11 text: the name argument of the operation before
//   244        expectation   length            2 operation + 1, or 0  3-11 text
//   245        companion     length            3-11 text
//   246        design        length            3-11 text
//   247        title         length            3-11 text
//   248..251   continuation  which, from 0     arguments of the operation before that did not fit
//   252..255   nothing yet
//
//   operation  0..63 of that number; 64..143 modulo 18; 144..175 one of four that create an object
//   task       0..159 main, 160..223 A A A B B B C D, 224..231 finally, 240..254 A..O (from H on
//              nothing yet), 255 finally; 232..239 a second kernel's, nothing yet
//   arguments  in order; one that does not fit whole stands in the continuation
//   object     high byte < 0xf0: variable number v modulo those that the argument accepts, counted
//              from the first; the id (low byte modulo 8) where there is none. 0xf0..0xf7: the id
//              (low byte modulo 8); from 0xf8: the id (low byte)
//   number     L is the low byte, U a page where the argument counts bytes and else 1; by high byte
//              00 L%8*U   40 L%4*U   60 auto or L%8*U   80 L*U   a0 L*U+1   b0 L*U-1   c0 MAX-L
//              d0 L   e0 2^(L%64)   f0 -L*U
//   index      modulo the number of memfds, buffers, devices
//   file       from 0x80: iommufd, else memfd, modulo their number
//   iommufd    from 0xc0: modulo their number, else that of the object
//   prot       rw rw rw r w none rw r        seals   < 0x80: low 6 bits, else seal|shrink|grow
//   name       0..63 vm luo a b c d e (empty) n8 .. n63; else the first eight, modulo 8
//   site       0..127 of that number; from 128 on modulo 36
//   nth        form < 0xc0: 1 + low byte % 4, < 0xf0: 1 + low byte, else both bytes
//   operation of a switch: if it runs alone, one that does not, modulo their number
//   act        0..6 before begin end lock unlock wait access call, 16..22 after it; byte 5 its
//              detail (254 any, 255 a queue), byte 6 the kind of object of an access.
//              From 0x80: of any detail, the (1 + byte 8 % 8)th before lock, before lock, before
//              unlock, after unlock, before access, before call, after wait, before access
//   length     low 7 bits modulo 10; bit 7: append to the text of the record before
//
// Order. Records may name tasks in any order: operations are numbered as their records come
// (faults refer to that number) and then sorted by task. A variable is a *record above* whose task
// does not run later, so variables never form a cycle. The encoder writes operations in
// DefinitionOrder, where everything that a valid program may refer to stands above.
//
// What has no meaning has no effect: an operation on a memfd, buffer or device when boot has none;
// a literal, errno, name or continuation that follows no operation which takes it; a fault without
// operations; a switch without two concurrent tasks or with an act that cannot stand there;
// whatever goes beyond the limits of program.h.
//
// Locality. Changing one byte of a program changes at most
//   - bytes 2..11 of a record: the one operation, fault, switch or text that the record is about;
//   - byte 1 of an operation: that operation's task; so its place, which variables others can name,
//     and, when a task gets its first or loses its last operation, switches; a task that has no
//     meaning takes the operation away, as byte 0 does;
//   - byte 0: the record becomes another. Operations further down keep code, task and values;
//     variables are counted anew when it defines other ones than before, faults and switches when
//     it starts or stops being an operation;
//   - the header: one boot field, indexes modulo it, and at 0 the operations that need one.
//
// Bytes of version 1 had no version, and cannot be told from this one with certainty.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/program/program.h"

namespace iommufd_check::program {

inline constexpr uint8_t kBytesVersion = 2;

// Empty, or why `bytes` that somebody kept in a file are not of this version, and what to do.
std::string VersionProblem(std::span<const uint8_t> bytes);

// The program of `bytes`; FirstProblem of it is empty whatever the bytes are. Allocates in
// proportion to bytes.size().
Program DecodeBytes(std::span<const uint8_t> bytes);

// Bytes that DecodeBytes turns into `program` again. REQUIRES: FirstProblem(program) is empty.
std::vector<uint8_t> EncodeBytes(const Program& program);

}  // namespace iommufd_check::program
