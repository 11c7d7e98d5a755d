#include "fuzz/targets/input_checks.h"

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/targets/hostile_memory.h"
#include "model/explore/work/certificate_json.h"
#include "model/explore/work/certificate_text.h"
#include "model/iommu/walker.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/text/text_codec.h"
#include "model/sim/check.h"
#include "model/spec/record_reader.h"
#include "model/spec/table_reader.h"

namespace iommufd_check::cli {

using program::Program;

namespace {

const std::string kName = "input";

void CheckCodecs(const Program& program) {
  IOMMUFD_CHECK(program::FirstProblem(program).empty(), "what is read is a program");
  IOMMUFD_CHECK(program::DecodeBytes(program::EncodeBytes(program)) == program,
                "bytes say the program");
  const auto again = program::ParseProgram(program::PrintProgram(program), kName);
  IOMMUFD_CHECK(again.ok(), "what is printed is read");
  IOMMUFD_CHECK(*again == program, "text says the program");
}

void CheckTables(const HostileMemory& memory, mm::Pfn top) {
  std::vector<mm::Pfn> judged;
  std::vector<spec::LeafView> judged_leaves;
  spec::ReadTables(memory, top, &judged, &judged_leaves);
  std::vector<mm::Pfn> walked;
  iommu::CollectTables(memory.phys(), top, &walked);
  std::sort(walked.begin(), walked.end());
  walked.erase(std::unique(walked.begin(), walked.end()), walked.end());
  IOMMUFD_CHECK(walked == judged, "both descriptions reach the same tables");
  std::vector<iommu::Leaf> leaves;
  iommu::CollectLeaves(memory.phys(), top, &leaves);
  IOMMUFD_CHECK(leaves.size() == judged_leaves.size(), "both see as many leaves");
  for (size_t i = 0; i < leaves.size(); ++i) {
    const spec::LeafView view{leaves[i].iova, leaves[i].pfn, leaves[i].permissions};
    IOMMUFD_CHECK(view == judged_leaves[i], "both see the same leaves");
    IOMMUFD_CHECK(i == 0 || leaves[i - 1].iova < leaves[i].iova, "leaves ascend");
    const auto address = iommu::Translate(memory.phys(), top, leaves[i].iova);
    IOMMUFD_CHECK(address == mm::AddressOf(leaves[i].pfn), "a leaf is what its IOVA reaches");
  }
}

}  // namespace

bool CheckText(std::string_view text) {
  const auto parsed = program::ParseProgram(text, kName);
  if (parsed.ok()) {
    CheckCodecs(*parsed);
    return true;
  }
  const std::string message(parsed.status().message());
  IOMMUFD_CHECK(message.starts_with(kName + ":"), "a refusal names the place");
  IOMMUFD_CHECK(message.find("; ") != std::string::npos, "a refusal names a way to mend it");
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  IOMMUFD_CHECK(std::all_of(message.begin(), message.end(), printable), "a refusal can be read");
  return false;
}

bool CheckBytes(std::span<const uint8_t> bytes) {
  CheckCodecs(program::DecodeBytes(bytes));
  return true;
}

bool CheckCertificates(std::string_view text) {
  const auto read = explore::CertificatesFromJson(std::string(text), kName);
  if (!read.ok()) {
    const std::string message(read.status().message());
    IOMMUFD_CHECK(message.starts_with(kName), "a refusal names the file");
    return false;
  }
  for (const explore::Certificate& certificate : *read) explore::RenderText(certificate);
  const std::string written = explore::RenderJson(*read);
  const auto again = explore::CertificatesFromJson(written, kName);
  IOMMUFD_CHECK(again.ok(), "what is written is read");
  IOMMUFD_CHECK(explore::RenderJson(*again) == written, "and says the same");
  return !read->empty();
}

bool CheckPageTable(std::span<const uint8_t> bytes) {
  const HostileMemory memory(bytes);
  // One that is in use by somebody else, and one that nobody has, are tops too.
  const size_t top = bytes.empty() ? 0 : bytes[0] % (HostileMemory::kFrames + 1);
  CheckTables(memory, HostileMemory::kFirst + top);
  std::vector<iommu::Leaf> leaves;
  iommu::CollectLeaves(memory.phys(), HostileMemory::kFirst + top, &leaves);
  return !leaves.empty();
}

bool CheckRecords(std::span<const uint8_t> bytes, uapi::Contract::Abi abi) {
  const HostileMemory memory(bytes);
  spec::FileView file;
  spec::ReadIommufdFile(memory, abi, mm::AddressOf(HostileMemory::kIommufdSer), &file);
  IOMMUFD_CHECK(file.records.size() == std::min(file.nr_hwpts, spec::kMostRecords),
                "as many records as there are, or as are read");
  spec::ReadMemfdFile(memory, mm::AddressOf(HostileMemory::kMemfdSer), &file);
  std::vector<spec::DomainRecordView> records;
  spec::ReadDomainRecords(memory, abi, mm::AddressOf(HostileMemory::kFlbSer), &records);
  IOMMUFD_CHECK(records.size() <= spec::kMostRecords, "hostile counts end somewhere");
  for (const spec::DomainRecordView& record : records) {
    IOMMUFD_CHECK(memory.Owner(mm::PfnOf(record.address)) != mm::FrameOwner::kFree,
                  "a record is in memory");
    IOMMUFD_CHECK(!record.deleted || record.tables.empty(), "a deleted one has no tables");
    IOMMUFD_CHECK(std::is_sorted(record.tables.begin(), record.tables.end()), "tables ascend");
  }
  return !records.empty() || !file.serialized_pages.empty() || !file.records.empty();
}

}  // namespace iommufd_check::cli
