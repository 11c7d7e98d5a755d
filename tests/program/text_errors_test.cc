// The exact message of every error in a program's text.
#include <gtest/gtest.h>

#include <string>

#include "model/program/text/text_codec.h"
#include "tests/program/random_programs.h"
#include "tests/program/text_messages.h"

namespace iommufd_check::program {
namespace {

TEST(TextErrors, Bytes) {
  ExpectMessages({
      {std::string("boot\0", 5), "1:5: NUL byte in the text; save the program as plain ASCII text"},
      {std::string("# a\0\n", 5),
       "1:4: NUL byte in the text; save the program as plain ASCII text"},
      {"main:\n  \xc3\xa9 = ioas_alloc()", "2:3: byte 0xc3 is not ASCII; write plain ASCII only"},
      {"# caf\xc3\xa9", "1:6: byte 0xc3 is not ASCII; write plain ASCII only"},
      {"boot \x07", "1:6: control byte 0x07; write printable text only"},
      {"boot \r main:", "1:6: carriage return inside a line; end lines with LF or CR LF"},
      {"boot $", "1:6: unexpected character '$'; remove it, or put '#' before a comment"},
      {"main:\nmap(-1)", "2:5: negative number; write its 64-bit two's complement in hex"},
      {"main:\nlu_mark(1, token - 2)",
       "2:12: argument 'token' without a value; put '=' and the value after it"},
  });
}

TEST(TextErrors, Strings) {
  const std::string head = "main:\ns = luo_create_session(";
  ExpectMessages({
      {head + "\"vm", "2:24: unterminated string; close it with '\"' on the same line"},
      {head + "\"vm\n\")", "2:24: unterminated string; close it with '\"' on the same line"},
      {head + "\"v\\n\")", "2:26: unknown escape in a string; only \\\" and \\\\ exist"},
      {head + "\"v\\", "2:26: unknown escape in a string; only \\\" and \\\\ exist"},
      {head + "\"v\tm\")", "2:26: tab in a string; names are printable ASCII"},
      {head + "\"v\xff\")", "2:26: byte 0xff is not ASCII; write plain ASCII only"},
      {head + "\"" + std::string(65, 'x') + "\")",
       "2:24: name of 65 bytes; at most 64 fit, shorten it"},
      {head + "vm)", "2:24: unexpected 'vm' for argument 'name'; write a name in quotes"},
      {head + ")", "2:5: luo_create_session lacks argument 'name'; write a name in quotes"},
  });
}

TEST(TextErrors, Lines) {
  ExpectMessages({
      {"= 3", "1:1: unexpected '='; write a section, a directive or an operation here"},
      {"17", "1:1: unexpected '17'; write a section, a directive or an operation here"},
      {"X:\n", "1:1: unknown section 'X'; sections are main, A to G and finally"},
      {"mian:\n", "1:1: unknown section 'mian'; did you mean 'main'?"},
      {"H:\nioas_alloc()", "1:1: unknown section 'H'; sections are main, A to G and finally"},
      {"main: extra", "1:7: unexpected 'extra' after a section; remove it or start a new line"},
      {"ioas_alloc()", "1:1: operation 'ioas_alloc' before any section; put 'main:' above it"},
      {"desing v1", "1:1: unknown operation 'desing'; did you mean 'design'?"},
      {"main:\nmap_fil(1)", "2:1: unknown operation 'map_fil'; did you mean 'map_file'?"},
      {"main:\nfrobnicate(1)",
       "2:1: unknown operation 'frobnicate'; use one of ioas_alloc, device_bind, device_unbind, "
       "device_attach, device_detach, hwpt_alloc, map, map_file, unmap, destroy, close_iommufd, "
       "memfd_seal, memfd_punch_hole, memfd_truncate, luo_create_session, luo_preserve, "
       "luo_close_session, lu_mark, ioas_copy"},
      {"main:\nx = 3", "2:5: unexpected '3'; write an operation here"},
      {"main:\nioas_alloc", "2:11: unexpected end of line; put '(' after the name of an operation"},
      {"main:\nioas_alloc() ioas_alloc()",
       "2:14: unexpected 'ioas_alloc' after an operation; remove it or start a new line"},
      {"main:\nioas_alloc() -> ",
       "2:17: unexpected end of line after '->'; write 0 or the name of an errno"},
      {"main:\nioas_alloc() -> 16",
       "2:17: unexpected '16' after '->'; write 0 or the name of an errno"},
      {"main:\nioas_alloc() -> ENOMEN", "2:17: unknown errno 'ENOMEN'; did you mean 'ENOMEM'?"},
      {"main:\nioas_alloc() -> SIGKILL",
       "2:17: unknown errno 'SIGKILL'; use one of 0, EPERM, ENOENT, E2BIG, EBADF, ENOMEM, EFAULT, "
       "EBUSY, EEXIST, ENODEV, EINVAL, EMFILE, ENOTTY, EFBIG, ENOSPC, ERANGE, EDEADLOCK, "
       "EOVERFLOW, EBADFD, EOPNOTSUPP, EADDRINUSE"},
  });
}

TEST(TextErrors, Head) {
  ExpectMessages({
      {"design", "1:7: unexpected end of line; write the name of a design here"},
      {"design 1", "1:8: unexpected '1'; write the name of a design here"},
      {"design _x", "1:8: unsuitable name '_x'; start it with a letter and use at most 40 bytes"},
      {"design v1 v2", "1:11: unexpected 'v2' after the design; remove it or start a new line"},
      {"design v1\ndesign v1", "2:1: second 'design' line; keep one of them"},
      {"main:\nioas_alloc()\ndesign v1",
       "3:1: 'design' after an operation; move it above the first section"},
      {"boot\nboot", "2:1: second 'boot' line; keep one of them"},
      {"main:\nioas_alloc()\nboot",
       "3:1: 'boot' after an operation; move it above the first section"},
      {"boot memfd=1", "1:6: unknown boot field 'memfd'; did you mean 'memfds'?"},
      {"boot cpus=1",
       "1:6: unknown boot field 'cpus'; use one of memfds, memfd_pages, buffers, buffer_pages, "
       "devices, iommufds"},
      {"boot memfds 1", "1:13: unexpected '1'; put '=' after the name of a boot field"},
      {"boot memfds=", "1:13: unexpected end of line; write a number for memfds"},
      {"boot memfds=9", "1:13: number '9' is out of range; memfds is at most 8"},
      {"boot memfds=" + std::string(40, '9'),
       "1:13: number '" + std::string(40, '9') + "' is out of range; memfds is at most 8"},
      {"boot memfds=" + std::string(41, '9'),
       "1:13: number '" + std::string(40, '9') + "...' is out of range; memfds is at most 8"},
      {"boot memfd_pages=0x1001",
       "1:18: number '0x1001' is out of range; memfd_pages is at most 4096"},
      {"boot devices=1 devices=1", "1:16: boot field 'devices' is given twice; keep one of them"},
      {"boot devices=1, memfds=1",
       "1:15: unexpected ',' after the boot fields; remove it or start a new line"},
  });
}

TEST(TextErrors, Variables) {
  ExpectMessages({
      {"main:\nunmap(ioas)", "2:7: undefined variable 'ioas'; define it on an earlier line"},
      {"main:\nioas = ioas_alloc()\nunmap(iosa)",
       "3:7: undefined variable 'iosa'; did you mean 'ioas'?"},
      {"main:\nd = device_bind()\nunmap(d)",
       "3:7: variable 'd' is of kind device; argument 'ioas' takes a variable of kind ioas or an "
       "object id"},
      {"main:\ns = luo_create_session(\"\")\ndestroy(s)",
       "3:9: variable 's' is of kind session; argument 'object' takes a variable of kind ioas, "
       "hwpt or device, or an object id"},
      {"main:\nx = ioas_alloc()\n\n  x = ioas_alloc()",
       "4:3: variable 'x' is already defined in line 2; choose another name"},
      {"main:\nx = close_iommufd()", "2:1: close_iommufd creates nothing; remove 'x ='"},
      {"main:\nboot = ioas_alloc()",
       "2:1: 'boot' cannot name a variable; use letters, digits and _, and no word of the "
       "language"},
      {"main:\nA = ioas_alloc()",
       "2:1: 'A' cannot name a variable; use letters, digits and _, and no word of the language"},
      {"main:\na-b = ioas_alloc()",
       "2:1: 'a-b' cannot name a variable; use letters, digits and _, and no word of the language"},
      {"main:\nx = ioas_alloc(x)", "2:16: too many arguments; ioas_alloc takes 0"},
      {"A:\nx = ioas_alloc()\nmain:\nunmap(x)",
       "4:7: variable 'x' is defined in A, which runs after main; define it before"},
      {"finally:\nx = ioas_alloc()\nG:\nunmap(x)",
       "4:7: variable 'x' is defined in finally, which runs after G; define it before"},
      {"main:\nunmap(4294967296)",
       "2:7: number '4294967296' is out of range; an object id is at most 4294967295"},
      {"main:\nunmap(\"x\")",
       "2:7: unexpected string for argument 'ioas'; write a variable of kind ioas or an object id"},
  });
}

TEST(TextErrors, ArgumentLists) {
  ExpectMessages({
      {"main:\nunmap(1",
       "2:8: unexpected end of line; put ',' between two arguments or ')' after the last"},
      {"main:\nunmap(1,",
       "2:9: unexpected end of line; close the arguments with ')' on the same line"},
      {"main:\nunmap(1,)", "2:9: argument missing after ','; add it or remove the ','"},
      {"main:\nunmap(,)",
       "2:7: unexpected ',' for argument 'ioas'; write a variable of kind ioas or an object id"},
      {"main:\nunmap(1 2)",
       "2:9: unexpected '2'; put ',' between two arguments or ')' after the last"},
      {"main:\nunmap(1, 2, 3, 4)", "2:16: too many arguments; unmap takes 3"},
      {"main:\nunmap(1, iova=1, 3)",
       "2:18: argument '3' without a name after a named one; write name=value"},
      {"main:\nunmap(1, ioas=2)", "2:10: argument 'ioas' is given twice; keep one of them"},
      {"main:\nunmap(1, iova=2, iova=2)", "2:18: argument 'iova' is given twice; keep one of them"},
      {"main:\nunmap(1, lenght=2)", "2:10: unmap has no argument 'lenght'; did you mean 'length'?"},
      {"main:\nunmap(1, colour=2)",
       "2:10: unmap has no argument 'colour'; use one of ioas, iova, length, iommufd"},
      {"main:\nclose_iommufd(x=2)", "2:15: close_iommufd has no argument 'x'; use one of iommufd"},
      {"main:\nclose_iommufd(2)", "2:15: too many arguments; close_iommufd takes 0"},
      {"main:\nunmap()",
       "2:1: unmap lacks argument 'ioas'; write a variable of kind ioas or an object id"},
      {"main:\nmap(1, iova=0x1000)", "2:1: map lacks argument 'length'; write a number"},
      {"main:\nluo_preserve(1, memfd=0)",
       "2:1: luo_preserve lacks argument 'token'; write a number"},
      {"main:\nluo_preserve(1, memfd=0, file=iommufd, token=1)",
       "2:26: argument 'file' is given twice; keep one of them"},
  });
}

TEST(TextErrors, WidthsOfTheDesign) {
  ExpectMessages({
      {"design v1\nmain:\nlu_mark(1, token=0x100000007)",
       "3:18: argument 'token' of lu_mark is wider than design v1 carries; write at most "
       "0xffffffff"},
      {"design v1\nmain:\nlu_mark(1, 4294967296)",
       "3:12: argument 'token' of lu_mark is wider than design v1 carries; write at most "
       "0xffffffff"},
  });
  for (const char* fits : {"design v1\nmain:\nlu_mark(1, token=0xffffffff)",
                           "design v1\nmain:\nluo_preserve(1, iommufd, token=0x100000007)",
                           "design reference\nmain:\nlu_mark(1, token=0x100000007)",
                           "main:\nlu_mark(1, token=0x100000007)"}) {
    EXPECT_TRUE(ParseProgram(fits, "f").ok()) << fits;
  }
}

TEST(TextErrors, Values) {
  ExpectMessages({
      {"main:\nioas_alloc(iommufd=1)",
       "2:20: there is no iommufd 1; the boot line has iommufds=1, counted from 0"},
      {"main:\nluo_preserve(1, iommufd=1, token=1)",
       "2:25: there is no iommufd 1; the boot line has iommufds=1, counted from 0"},
      {"main:\nioas_alloc(1)", "2:12: too many arguments; ioas_alloc takes 0"},
      {"main:\nunmap(1, 0x)",
       "2:10: malformed number '0x'; write decimal digits, or 0x and hex digits"},
      {"main:\nunmap(1, 0x12g)",
       "2:10: malformed number '0x12g'; write decimal digits, or 0x and hex digits"},
      {"main:\nunmap(1, 12ab)",
       "2:10: malformed number '12ab'; write decimal digits, or 0x and hex digits"},
      {"main:\nunmap(1, 18446744073709551616)",
       "2:10: number '18446744073709551616' is out of range; iova is at most 18446744073709551615"},
      {"main:\nunmap(1, 0x10000000000000000)",
       "2:10: number '0x10000000000000000' is out of range; iova is at most 18446744073709551615"},
      // Past the overflow the digits make a small number again.
      {"main:\nunmap(1, 0x1000000000000000000000)",
       "2:10: number '0x1000000000000000000000' is out of range; iova is at most "
       "18446744073709551615"},
      {"main:\nunmap(1, auto)", "2:10: unexpected 'auto' for argument 'iova'; write a number"},
      {"main:\nunmap(1, =)", "2:10: unexpected '=' for argument 'iova'; write a number"},
      {"main:\nmap(1, iova=atuo, length=1)",
       "2:13: unexpected 'atuo' for argument 'iova'; write a number or auto"},
      {"main:\nmap(1, iova=1, length=1, prot=x)",
       "2:31: unexpected 'x' for argument 'prot'; write r, w, rw or none"},
      {"main:\nmap(1, iova=1, length=1, prot=3)",
       "2:31: unexpected '3' for argument 'prot'; write r, w, rw or none"},
      {"main:\nmap(1, buffer=1, iova=1, length=1)",
       "2:15: there is no buffer 1; the boot line has buffers=1, counted from 0"},
      {"boot buffers=0\nmain:\nmap(1, iova=1, length=1)",
       "3:1: there is no buffer 0; the boot line has buffers=0, raise it"},
      {"boot devices=0\nmain:\ndevice_bind()",
       "3:1: there is no device 0; the boot line has devices=0, raise it"},
      {"main:\ndevice_bind(index=x)",
       "2:19: unexpected 'x'; write a number for the index of a device"},
      {"main:\nmap_file(1, memfd=1, iova=1, length=1)",
       "2:19: there is no memfd 1; the boot line has memfds=1, counted from 0"},
      {"main:\nmemfd_seal(0, seals=saele)",
       "2:21: unknown seal 'saele'; use one of seal, shrink, grow, write, future_write, exec"},
      {"main:\nmemfd_seal(0, seals=seal|seal)",
       "2:26: seal 'seal' is given twice; keep one of them"},
      {"main:\nmemfd_seal(0, seals=seal|)",
       "2:26: unexpected ')' for argument 'seals'; write seals joined with '|', or none"},
      {"main:\nmemfd_seal(0, seals=7)",
       "2:21: unexpected '7' for argument 'seals'; write seals joined with '|', or none"},
      {"main:\nluo_preserve(1, memfd, token=1)",
       "2:22: unexpected ','; put '=' after 'memfd', as in memfd=0"},
      {"main:\nluo_preserve(1, memfd=2, token=1)",
       "2:23: there is no memfd 2; the boot line has memfds=1, counted from 0"},
      {"main:\nluo_preserve(1, iommu, token=1)",
       "2:17: unexpected 'iommu' for argument 'file'; write memfd=N, iommufd or iommufd=N"},
      {"main:\nluo_preserve(1, 0, token=1)",
       "2:17: unexpected '0' for argument 'file'; write memfd=N, iommufd or iommufd=N"},
  });
}

TEST(TextErrors, FaultsAndSwitches) {
  const std::string head = "A:\nioas_alloc()\nB:\nioas_alloc()\nioas_alloc()\n";
  ExpectMessages({
      {head + "fault", "6:6: unexpected end of line; write task.operation, as in B.1, here"},
      {head + "fault B", "6:7: unknown operation 'B'; write task.operation, as in main.3 or B.1"},
      {head + "fault B.x kcalloc",
       "6:7: unknown operation 'B.x'; write task.operation, as in main.3 or B.1"},
      {head + "fault H.1 kcalloc",
       "6:7: unknown operation 'H.1'; write task.operation, as in main.3 or B.1"},
      {head + "fault B.0 kcalloc", "6:7: no operation 'B.0'; B has 2, counted from 1"},
      {head + "fault B.3 kcalloc", "6:7: no operation 'B.3'; B has 2, counted from 1"},
      {head + "fault finally.1 kcalloc",
       "6:7: no operation 'finally.1'; finally has 0, counted from 1"},
      {head + "fault B.999999 kcalloc", "6:7: no operation 'B.999999'; B has 2, counted from 1"},
      {head + "fault B.1", "6:10: unexpected end of line; write the site that fails here"},
      {head + "fault B.1 kaclloc", "6:11: unknown fault site 'kaclloc'; did you mean 'kcalloc'?"},
      {head + "fault B.1 kcalloc 3",
       "6:19: unexpected '3' after a fault; remove it or start a new line"},
      {head + "fault B.1 kcalloc times=3", "6:19: unknown word 'times'; write nth=NUMBER"},
      {head + "fault B.1 kcalloc nth", "6:22: unexpected end of line; put '=' after 'nth'"},
      {head + "fault B.1 kcalloc nth=0",
       "6:23: occurrences count from 1; write nth=1 for the first"},
      {head + "fault B.1 kcalloc nth=65536",
       "6:23: number '65536' is out of range; nth is at most 65535"},
  });
}

TEST(TextErrors, Expectations) {
  ExpectMessages({
      {"expect", "1:7: unexpected end of line; write 'violation' here"},
      {"expect violations I04", "1:8: unknown word 'violations'; write 'violation'"},
      {"expect violation", "1:17: unexpected end of line; write the id of an invariant here"},
      {"expect violation _x",
       "1:18: unsuitable name '_x'; start it with a letter and use at most 40 bytes"},
      {"expect violation I04 luo_preserv",
       "1:22: unknown operation 'luo_preserv'; did you mean 'luo_preserve'?"},
      {"expect violation I04 map unmap",
       "1:26: unexpected 'unmap' after an expectation; remove it or start a new line"},
      {"also", "1:5: unexpected end of line; write the id of an invariant here"},
      {"also I19, I20", "1:9: unexpected ',' after the companions; remove it or start a new line"},
      {"also I" + std::string(40, '0'),
       "1:6: unsuitable name 'I000000000000000000000000000000000000000...'; start it with a letter "
       "and use at most 40 bytes"},
  });
}

std::string Lines(const std::string& line, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += line + "\n";
  return text;
}

TEST(TextErrors, Limits) {
  const std::string tasks = "A:\nioas_alloc()\nB:\nioas_alloc()\n";
  ExpectMessages({
      {"main:\n" + Lines("ioas_alloc()", kMaxOperations + 1),
       "4098:1: more than 4096 operations; end the program before this line"},
      {tasks + Lines("fault A.1 kcalloc", kMaxFaults + 1),
       "261:7: more than 256 faults; remove some"},
      {tasks + Lines("switch A.1 before begin -> B", kMaxSwitches + 1),
       "261:8: more than 256 switches; remove some"},
      {Lines("expect violation I04", kMaxExpected + 1),
       "33:18: more than 32 expectations; remove some"},
      {Lines("also I04", kMaxAlso + 1), "33:6: more than 32 companions; remove some"},
      {"# " + std::string(kMaxTitleBytes + 1, 'x'),
       "1:1: leading comment of more than 8192 bytes; put an empty line into it"},
  });
  Parse("main:\n" + Lines("ioas_alloc()", kMaxOperations));
  Parse(tasks + Lines("fault A.1 kcalloc", kMaxFaults) +
        Lines("switch A.1 before begin -> B", kMaxSwitches));
  Parse("# " + std::string(kMaxTitleBytes, 'x') + "\n" +
        Lines("expect violation I04", kMaxExpected));
}

}  // namespace
}  // namespace iommufd_check::program
