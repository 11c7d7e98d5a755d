#include "model/explore/work/certificate_json.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "model/explore/schedules/place_text.h"
#include "model/explore/work/certificate_text.h"
#include "model/program/text/text_codec.h"
#include "nlohmann/json.hpp"

namespace iommufd_check::explore {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kMostParts = 1u << 20;
constexpr char kSmallestProgram[] = "smallest program";

std::string Hex(uint64_t value) { return absl::StrFormat("%016x", value); }

template <class Enum>
std::string NameOf(size_t value) {
  return std::string(sim::Name(static_cast<Enum>(value)));
}

std::string IdOf(size_t invariant) {
  return std::string(spec::IdOf(static_cast<spec::Invariant>(invariant)));
}

Json ToJson(const Certificate& c, const Finding& finding) {
  Json json{{"finding", TextOf(finding.identity)},
            {"invariant", std::string(spec::IdOf(finding.identity.invariant))},
            {"operation", OperationOf(finding.identity)},
            {"preemptions", finding.preemptions},
            {"fewest", c.HasFewest(finding)},
            {"runs", finding.runs},
            {"first", finding.first}};
  if (finding.after.has_value()) json["after"] = TextOf(*finding.after);
  json["detail"] = finding.detail;
  json["program"] = program::PrintProgram(finding.witness);
  if (c.order == WitnessOrder::kSmallestProgram) json["part"] = finding.part;
  return json;
}

Json ToJson(const Certificate& c) {
  Json json;
  json["work"] = c.work;
  json["program"] = c.program;
  if (c.programs != 1) json["programs"] = c.programs;
  json["design"] = c.design;
  json["schedules"] = c.schedules;
  json["reduction"] = c.reduction;
  json["faults"] = c.faults;
  if (c.seed.has_value()) json["seed"] = *c.seed;
  json["sampled"] = c.sampled;
  if (c.order == WitnessOrder::kSmallestProgram) json["witnesses"] = kSmallestProgram;
  json["identity"] = Hex(c.identity);
  json["parts"] = c.parts;
  json["done"] = c.done;
  json["places"] = TextsOf(c.places);
  json["met"] = TextsOf(c.met);
  json["rounds"] = c.rounds;
  json["finished"] = c.finished;
  json["exhausted"] = c.exhausted();
  if (!c.ended_by.empty()) json["ended_by"] = c.ended_by;
  json["executions"] = c.executions;
  if (c.not_judged != 0) json["not_judged"] = c.not_judged;
  json["traces"] = c.traces;
  json["transitions"] = c.transitions;
  json["longest"] = c.longest;
  json["plans"] = c.plans;
  json["interleavings"] = Decimal(c.interleavings);
  json["reduction_factor"] = ReductionFactor(c);
  json["digest"] = Hex(c.digest);
  json["sites"] = Json::object();
  for (size_t i = 0; i < c.sites.size(); ++i) json["sites"][NameOf<sim::FaultSite>(i)] = c.sites[i];
  json["armed"] = Json::object();
  json["never_armed"] = Json::array();
  for (size_t i = 0; i < c.armed.size(); ++i) {
    if (c.armed[i] == 0) {
      json["never_armed"].push_back(IdOf(i));
    } else {
      json["armed"][IdOf(i)] = c.armed[i];
    }
  }
  json["findings"] = Json::array();
  for (const Finding& finding : c.findings) json["findings"].push_back(ToJson(c, finding));
  if (!c.policy.empty()) json["policy"] = c.policy;
  json["tolerated"] = Json::array();
  for (const Tolerated& tolerated : c.tolerated) {
    json["tolerated"].push_back(
        {{"finding", TextOf(tolerated.identity)}, {"runs", tolerated.runs}});
  }
  return json;
}

// Reads the members of one object; remembers the first that is not as it should be.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  const std::string& problem() const { return problem_; }
  bool Refuse(const std::string& member, const std::string& wanted) {
    if (problem_.empty()) problem_ = absl::StrCat("'", member, "' is not ", wanted);
    return false;
  }
  const Json* Find(const std::string& member) const {
    const auto found = json_.find(member);
    return found == json_.end() ? nullptr : &*found;
  }

  void Text(const std::string& member, std::string* out) {
    const Json* value = Find(member);
    if (value == nullptr || !value->is_string()) return void(Refuse(member, "a string"));
    *out = value->get<std::string>();
  }
  void Bool(const std::string& member, bool* out) {
    const Json* value = Find(member);
    if (value == nullptr || !value->is_boolean()) return void(Refuse(member, "true or false"));
    *out = value->get<bool>();
  }
  template <class Integer>
  void Count(const std::string& member, Integer* out) {
    const Json* value = Find(member);
    if (value == nullptr || !value->is_number_unsigned() ||
        !std::in_range<Integer>(value->get<uint64_t>())) {
      return void(Refuse(member, "a count"));
    }
    *out = static_cast<Integer>(value->get<uint64_t>());
  }
  void HexCount(const std::string& member, uint64_t* out) {
    std::string text;
    Text(member, &text);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out, 16);
    if (error != std::errc() || end != text.data() + text.size()) {
      Refuse(member, "a hexadecimal number");
    }
  }

 private:
  const Json& json_;
  std::string problem_;
};

void ReadParts(Reader& reader, Certificate* c) {
  reader.Count("parts", &c->parts);
  if (c->parts == 0 || c->parts > kMostParts) reader.Refuse("parts", "a number of parts");
  const Json* done = reader.Find("done");
  if (done == nullptr || !done->is_array()) return void(reader.Refuse("done", "a list of parts"));
  for (const Json& part : *done) {
    if (!part.is_number_unsigned() || part.get<uint64_t>() >= c->parts ||
        (!c->done.empty() && part.get<uint64_t>() <= c->done.back())) {
      return void(reader.Refuse("done", "an ascending list of parts"));
    }
    c->done.push_back(part.get<uint32_t>());
  }
}

void ReadPlaces(Reader& reader, const std::string& member, sim::PlaceSet* places) {
  const Json* list = reader.Find(member);
  if (list == nullptr || !list->is_array()) return void(reader.Refuse(member, "a list of places"));
  for (const Json& place : *list) {
    if (!place.is_string() || !AddPlace(place.get<std::string>(), places)) {
      return void(reader.Refuse(member, "a list of places of this version"));
    }
  }
}

// {"name": count, ...} into `counts`, whose names NameOfIndex gives. Names that are missing are 0.
template <size_t N, class NameOfIndex>
void ReadCounts(Reader& reader, const std::string& member, const NameOfIndex& name_of,
                std::array<uint64_t, N>* counts) {
  const Json* object = reader.Find(member);
  if (object == nullptr || !object->is_object()) return void(reader.Refuse(member, "an object"));
  for (const auto& [name, value] : object->items()) {
    size_t i = 0;
    while (i < N && name_of(i) != name) ++i;
    if (i == N || !value.is_number_unsigned()) {
      return void(reader.Refuse(absl::StrCat(member, ".", name), "a count of this version"));
    }
    (*counts)[i] = value.template get<uint64_t>();
  }
}

void ReadIdentity(Reader& reader, const std::string& member, program::Identity* identity) {
  std::string text;
  reader.Text(member, &text);
  const absl::StatusOr<program::Identity> read = program::IdentityFromText(text);
  if (!read.ok()) return void(reader.Refuse(member, "the identity of a finding"));
  *identity = *read;
}

bool ReadFinding(const Json& json, Finding* finding) {
  if (!json.is_object()) return false;
  Reader reader(json);
  std::string text;
  ReadIdentity(reader, "finding", &finding->identity);
  reader.Count("preemptions", &finding->preemptions);
  reader.Bool("fewest", &finding->fewest);
  reader.Count("runs", &finding->runs);
  reader.Count("first", &finding->first);
  if (reader.Find("after") != nullptr) ReadIdentity(reader, "after", &finding->after.emplace());
  if (reader.Find("part") != nullptr) reader.Count("part", &finding->part);
  reader.Text("detail", &finding->detail);
  reader.Text("program", &text);
  const absl::StatusOr<program::Program> witness = program::ParseProgram(text, "program");
  if (!reader.problem().empty() || !witness.ok()) return false;
  finding->witness = *witness;
  return true;
}

void ReadTolerated(Reader& reader, Certificate* c) {
  if (reader.Find("policy") != nullptr) reader.Text("policy", &c->policy);
  const Json* list = reader.Find("tolerated");
  if (list == nullptr || !list->is_array()) {
    return void(reader.Refuse("tolerated", "a list of findings"));
  }
  for (const Json& json : *list) {
    Tolerated tolerated;
    Reader member(json);
    if (json.is_object()) {
      ReadIdentity(member, "finding", &tolerated.identity);
      member.Count("runs", &tolerated.runs);
    }
    const bool ascending =
        c->tolerated.empty() || c->tolerated.back().identity < tolerated.identity;
    if (!json.is_object() || !member.problem().empty() || !ascending) {
      return void(reader.Refuse("tolerated", "an ascending list of findings"));
    }
    c->tolerated.push_back(tolerated);
  }
}

void ReadFindings(Reader& reader, Certificate* c) {
  const Json* findings = reader.Find("findings");
  if (findings == nullptr || !findings->is_array()) {
    return void(reader.Refuse("findings", "a list of findings"));
  }
  for (const Json& json : *findings) {
    Finding finding;
    if (!ReadFinding(json, &finding)) {
      return void(reader.Refuse("findings", "a list of findings with programs"));
    }
    c->Keep(std::move(finding));
  }
}

// Before the findings, which are kept by it.
void ReadOrder(Reader& reader, Certificate* c) {
  if (reader.Find("witnesses") == nullptr) return;
  std::string text;
  reader.Text("witnesses", &text);
  if (text != kSmallestProgram) return void(reader.Refuse("witnesses", "known to this version"));
  c->order = WitnessOrder::kSmallestProgram;
}

void ReadInterleavings(Reader& reader, Certificate* c) {
  std::string text;
  reader.Text("interleavings", &text);
  const std::optional<uint128> value = FromDecimal(text);
  if (!value.has_value()) return void(reader.Refuse("interleavings", "a decimal number"));
  c->interleavings = *value;
}

std::string FromJson(const Json& json, Certificate* c) {
  if (!json.is_object()) return "it is not an object";
  Reader reader(json);
  reader.Text("work", &c->work);
  reader.Text("program", &c->program);
  if (reader.Find("programs") != nullptr) reader.Count("programs", &c->programs);
  reader.Text("design", &c->design);
  reader.Text("schedules", &c->schedules);
  reader.Text("reduction", &c->reduction);
  reader.Text("faults", &c->faults);
  if (reader.Find("seed") != nullptr) reader.Count("seed", &c->seed.emplace());
  reader.Bool("sampled", &c->sampled);
  ReadOrder(reader, c);
  reader.HexCount("identity", &c->identity);
  ReadParts(reader, c);
  ReadPlaces(reader, "places", &c->places);
  ReadPlaces(reader, "met", &c->met);
  reader.Count("rounds", &c->rounds);
  reader.Bool("finished", &c->finished);
  if (reader.Find("ended_by") != nullptr) reader.Text("ended_by", &c->ended_by);
  reader.Count("executions", &c->executions);
  if (reader.Find("not_judged") != nullptr) reader.Count("not_judged", &c->not_judged);
  reader.Count("traces", &c->traces);
  reader.Count("transitions", &c->transitions);
  reader.Count("longest", &c->longest);
  reader.Count("plans", &c->plans);
  ReadInterleavings(reader, c);
  reader.HexCount("digest", &c->digest);
  ReadCounts(reader, "sites", NameOf<sim::FaultSite>, &c->sites);
  ReadCounts(reader, "armed", IdOf, &c->armed);
  ReadFindings(reader, c);
  ReadTolerated(reader, c);
  return reader.problem();
}

}  // namespace

std::string RenderJson(const std::vector<Certificate>& certificates,
                       const std::vector<std::string>& differences) {
  Json json = Json::array();
  for (size_t i = 0; i < certificates.size(); ++i) {
    json.push_back(ToJson(certificates[i]));
    if (i >= differences.size() || differences[i].empty()) continue;
    Json lines = Json::array();
    for (absl::string_view line : absl::StrSplit(differences[i], '\n', absl::SkipEmpty())) {
      lines.push_back(std::string(absl::StripAsciiWhitespace(line)));
    }
    json.back()["difference"] = std::move(lines);
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<std::vector<Certificate>> CertificatesFromJson(const std::string& text,
                                                              const std::string& name) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": not a list of certificates in JSON; write one with `explore --json`"));
  }
  std::vector<Certificate> certificates;
  for (size_t i = 0; i < json.size(); ++i) {
    Certificate c;
    const std::string problem = FromJson(json[i], &c);
    if (!problem.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": certificate ", i + 1, ": ", problem,
                                                     "; write it again with --json"));
    }
    certificates.push_back(std::move(c));
  }
  return certificates;
}

}  // namespace iommufd_check::explore
