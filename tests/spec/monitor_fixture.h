// The monitor, fed with hand-made events.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "model/sim/errno.h"
#include "model/spec/monitor.h"

namespace iommufd_check::spec::monitor_tests {

using sim::FaultSite;
using sim::Field;
using sim::Note;
using sim::ObjectKind;
using sim::ObjectRef;
using sim::Primitive;
using sim::Splat;

inline constexpr ObjectRef kCtx{ObjectKind::kIommufd, 0};
inline constexpr ObjectRef kIoas{ObjectKind::kIoas, 1};
inline constexpr ObjectRef kHwpt{ObjectKind::kHwpt, 3};
inline constexpr ObjectRef kDomain{ObjectKind::kDomain, 0};
inline constexpr ObjectRef kDomain1{ObjectKind::kDomain, 1};

class MonitorTest : public testing::Test {
 protected:
  MonitorTest() {
    monitor_.Clear();
    Note(Note::kDomainOfIoas, kDomain, 1);
  }

  void Feed(Primitive primitive, ObjectRef object, int detail, int64_t value) {
    monitor_.OnEvent({.operation = operation_,
                      .task = task_,
                      .primitive = primitive,
                      .object = object,
                      .detail = static_cast<uint8_t>(detail),
                      .value = value});
  }
  void Note(sim::Note note, ObjectRef object, int64_t value = 0) {
    Feed(Primitive::kNote, object, static_cast<int>(note), value);
  }
  void Splat(sim::Splat splat, ObjectRef object = {}, int64_t value = 0) {
    Feed(Primitive::kSplat, object, static_cast<int>(splat), value);
  }
  void Begin(uint8_t task, uint16_t operation) {
    task_ = task;
    operation_ = operation;
    Feed(Primitive::kOpBegin, {}, 0, 0);
  }
  void End(int64_t result) { Feed(Primitive::kOpEnd, {}, 0, result); }
  void As(uint8_t task) { task_ = task; }

  // What a preserve of the one domain does; pfn 0x100 is its table.
  void PreserveDomain() {
    Note(Note::kPreserveBegin, kCtx);
    Note(Note::kImmutableSet, kIoas, 1);
    Note(Note::kKhoAdd, kDomain, 0x100);
    Note(Note::kDomainPreserved, kDomain);
    Note(Note::kPreserveEnd, kCtx, 0);
  }
  void UnpreserveDomain() {
    Note(Note::kUnpreserveBegin, kCtx);
    Note(Note::kKhoDel, kDomain, 0x100);
    Note(Note::kDomainUnpreserved, kDomain);
    Note(Note::kImmutableClear, kIoas);
    Note(Note::kUnpreserveEnd, kCtx);
  }

  // "I01 I06", in order of discovery; forgets them.
  std::string Broken() {
    std::string text;
    for (const Violation& v : findings_.violations()) {
      text += (text.empty() ? "" : " ") + std::string(IdOf(v.invariant));
    }
    findings_.Clear();
    return text;
  }
  std::string Detail() {
    return findings_.violations().empty() ? "" : findings_.violations()[0].detail;
  }

  uint8_t task_ = 0;
  uint16_t operation_ = 0;
  Findings findings_;
  Monitor monitor_{&findings_};
};

}  // namespace iommufd_check::spec::monitor_tests
