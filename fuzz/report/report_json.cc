#include "fuzz/report/report_json.h"

#include <string>

namespace iommufd_check::cli {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const Lanes& lanes) {
  Json tasks = Json::array();
  for (const sim::TaskId task : lanes.tasks) tasks.push_back(program::TaskName(task));
  Json rows = Json::array();
  for (const Lanes::Row& row : lanes.rows) {
    rows.push_back({{"skipped", row.skipped},
                    {"task", program::TaskName(row.task)},
                    {"step", row.step},
                    {"text", row.text},
                    {"locks", row.locks},
                    {"seen", row.seen}});
  }
  return {{"tasks", tasks}, {"rows", rows}};
}

}  // namespace

Json ToJson(const Report& report) {
  Json holds = Json::object();
  for (const Report::Task& task : report.holds) holds[task.name] = task.locks;
  Json also = Json::object();
  for (const Report::Companion& companion : report.also) {
    also[companion.invariant] = companion.operations;
  }
  return {{"invariant", report.invariant}, {"name", report.name},
          {"sentence", report.sentence},   {"finding", report.finding},
          {"design", report.design},       {"place", report.place},
          {"object", report.object},       {"detail", report.detail},
          {"chain", report.chain},         {"holds", holds},
          {"after", report.after},         {"also", also},
          {"ended", report.ended},         {"program", report.program},
          {"run", ToJson(report.run)},     {"difference", report.difference},
          {"replay", report.replay}};
}

}  // namespace iommufd_check::cli
