#include "model/program/execute/oracle_call.h"

#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

using spec::Call;

void PutNumber(const ArgumentSpec& spec, const Argument& argument, Call* call) {
  const std::string_view name = spec.name;
  const uint64_t value = argument.value;
  if (name == "iova") {
    call->fixed = !argument.automatic;
    call->iova = value;
  } else if (name == "offset" || name == "start") {
    call->offset = value;
  } else if (name == "src_iova") {
    call->source_iova = value;
  } else if (name == "length" || name == "size") {
    call->length = value;
  } else {
    IOMMUFD_CHECK(name == "token", "a number that the oracle knows");
    call->token = value;
  }
}

mm::FileRef FileNamed(uint64_t value, uint32_t memfds) {
  for (uint16_t i = 0; i < uapi::kMaxIommufds; ++i) {
    if (value == FileIommufd(i)) return {mm::FileRef::Kind::kIommufd, i};
  }
  if (value < memfds) return {mm::FileRef::Kind::kMemfd, static_cast<uint16_t>(value)};
  return {};
}

}  // namespace

void OracleCalls::Reset(const Program& program) {
  program_ = &program;
  created_.assign(program.operations.size(), 0);
  session_of_.clear();
}

uint32_t OracleCalls::CreatedBy(const Argument& argument) const {
  return argument.variable.has_value() ? created_[*argument.variable]
                                       : static_cast<uint32_t>(argument.value);
}

uint16_t OracleCalls::SessionOf(const Argument& argument) const {
  if (!argument.variable.has_value() || created_[*argument.variable] == 0) return spec::kNoSession;
  const auto number = static_cast<uint16_t>(created_[*argument.variable] - 1);
  const auto owner = session_of_.find(number);
  return owner != session_of_.end() && owner->second == *argument.variable ? number
                                                                           : spec::kNoSession;
}

void OracleCalls::Put(const ArgumentSpec& spec, const Argument& argument, int* objects,
                      Call* call) const {
  switch (FormOf(spec.kind)) {
    case Form::kObject:
      if (spec.kind == ArgumentKind::kSession) {
        call->session = SessionOf(argument);
      } else {
        (++*objects == 1 ? call->id : call->id2) = CreatedBy(argument);
      }
      return;
    case Form::kMemfd:
    case Form::kBuffer:
    case Form::kIndex:
      call->index = static_cast<uint16_t>(argument.value);
      return;
    case Form::kFile:
      call->file = FileNamed(argument.value, program_->boot.memfds);
      return;
    case Form::kNumber:
      return PutNumber(spec, argument, call);
    case Form::kProt:
      call->permissions = argument.value;
      return;
    case Form::kSeals:
      call->seals = static_cast<uint32_t>(argument.value);
      return;
    case Form::kName:
    case Form::kIommufd:
      return;  // the operation has it
  }
}

uint16_t OracleCalls::IommufdOfCall(size_t index) const {
  const Operation& operation = program_->operations[index];
  const OperationSpec& spec = SpecOf(operation.code);
  const Argument* object = nullptr;
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    const Argument& argument = operation.arguments[i];
    if (spec.arguments[i].name == "iommufd" && argument.value > 0) {
      return static_cast<uint16_t>(argument.value - 1);
    }
    if (object == nullptr && argument.variable.has_value()) object = &argument;
  }
  return object == nullptr ? uint16_t{0} : IommufdOfCall(*object->variable);
}

Call OracleCalls::Decode(size_t index) const {
  const Operation& operation = program_->operations[index];
  const OperationSpec& spec = SpecOf(operation.code);
  Call call;
  call.kind = operation.code;
  call.name = operation.name;
  int objects = 0;
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    Put(spec.arguments[i], operation.arguments[i], &objects, &call);
  }
  call.iommufd = IommufdOfCall(index);
  if (objects > 0) call.id = uapi::NumberOf(call.iommufd, call.id);
  if (objects > 1) call.id2 = uapi::NumberOf(call.iommufd, call.id2);
  return call;
}

void OracleCalls::Answered(size_t index, const OperationResult& result) {
  created_[index] = result.created_id;
  if (program_->operations[index].code != OpCode::kLuoCreateSession) return;
  if (result.created_id == 0) return;
  session_of_[static_cast<uint16_t>(result.created_id - 1)] = static_cast<uint16_t>(index);
}

spec::Reply ReplyOf(const Call& call, const OperationResult& result) {
  spec::Reply reply;
  reply.result = result.result;
  reply.iova = result.iova;
  reply.unmapped = result.unmapped;
  if (call.kind != Call::Kind::kLuoCreateSession) {
    const uint32_t id = result.created_id;
    reply.created_id = id == 0 ? 0 : uapi::NumberOf(call.iommufd, id);
  } else if (result.created_id != 0) {
    reply.session = static_cast<uint16_t>(result.created_id - 1);
  }
  return reply;
}

}  // namespace iommufd_check::program
