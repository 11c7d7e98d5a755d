// Descriptors and references of open files, on memfds, which are the files of this layer.

#include "model/mm/file.h"

#include <gtest/gtest.h>

#include "tests/mm/machine_fixture.h"

namespace iommufd_check::mm {
namespace {

using sim::Primitive;
using sim::Task;

class FileTest : public testing::Test, public MachineFixture {
 protected:
  uint32_t References(MemfdHandle h) const { return machine.memfds.Find(h)->file.count.value; }
};

TEST_F(FileTest, AFileThatIsOpenIsFoundAndKept) {
  const MemfdHandle h = AddMemfd(kPageSize);
  EXPECT_TRUE(Alone([&](Task& t) {
    View k{t, machine};
    EXPECT_TRUE(fget(k, h));
    EXPECT_EQ(References(h), 2u);
    fput(k, h);
    EXPECT_EQ(References(h), 1u);
  }));
  EXPECT_NE(machine.memfds.Find(h), nullptr);
}

TEST_F(FileTest, AClosedDescriptorLeadsToNoFile) {
  const MemfdHandle h = AddMemfd(kPageSize);
  EXPECT_TRUE(Alone([&](Task& t) {
    View k{t, machine};
    get_file(k, h);
    EXPECT_TRUE(close_fd(k, h));
    EXPECT_FALSE(close_fd(k, h)) << "it is closed already";
    EXPECT_FALSE(fget(k, h));
    EXPECT_EQ(References(h), 2u) << "neither took or gave back a reference";
  }));
}

TEST_F(FileTest, NoFileIsFoundWhereNoneIs) {
  EXPECT_TRUE(Alone([&](Task& t) {
    View k{t, machine};
    EXPECT_FALSE(fget(k, MemfdAt(3)));
    EXPECT_FALSE(close_fd(k, MemfdAt(3)));
    EXPECT_FALSE(fget(k, MemfdHandle{}));
  }));
  EXPECT_EQ(Splats(), sim::Only{}) << "a number that is no descriptor is no error of the kernel's";
}

TEST_F(FileTest, LookUpsAndClosesAreAccessesOfTheDescriptor) {
  const MemfdHandle h = AddMemfd(kPageSize);
  Alone([&](Task& t) {
    View k{t, machine};
    fget(k, h);
    close_fd(k, h);
    close_fd(k, h);
  });
  std::vector<Primitive> accesses;
  for (const sim::Event& event : runtime.log().events()) {
    const bool access = event.primitive == Primitive::kRead || event.primitive == Primitive::kWrite;
    if (!access) continue;
    accesses.push_back(event.primitive);
    EXPECT_EQ(event.object, DescriptorRef(h));
    EXPECT_EQ(static_cast<sim::Field>(event.detail), sim::Field::kFdOpen);
  }
  EXPECT_EQ(accesses,
            (std::vector<Primitive>{Primitive::kRead, Primitive::kWrite, Primitive::kRead}));
}

TEST_F(FileTest, TheLastReferenceReleasesItAtTheReturn) {
  const MemfdHandle h = AddMemfd(kPageSize);
  EXPECT_TRUE(Alone([&](Task& t) {
    View k{t, machine};
    runtime.BeginOperation(t, 0, 0);
    EXPECT_TRUE(fget(k, h));  // a call in flight
    EXPECT_TRUE(close_fd(k, h));
    fput(k, h);
    fput(k, h);
    EXPECT_NE(machine.memfds.Find(h), nullptr);
    runtime.EndOperation(t, 0);
    EXPECT_EQ(machine.memfds.Find(h), nullptr);
  }));
  EXPECT_EQ(Splats(), sim::Only{});
}

TEST_F(FileTest, AReferenceOfAReleasedFileIsAUseAfterFree) {
  const MemfdHandle h = AddMemfd(kPageSize);
  EXPECT_FALSE(Alone([&](Task& t) {
    View k{t, machine};
    Release(k, h);
    fput(k, h);
  }));
  EXPECT_EQ(Splats(), sim::Only{sim::Splat::kUseAfterFree});
}

TEST_F(FileTest, FilesDifferByReferencesAndDescriptor) {
  const File file;
  File held;
  ++held.count.value;
  File closed;
  closed.fd_open.Raw() = false;
  EXPECT_TRUE(file == File{});
  EXPECT_FALSE(file == held);
  EXPECT_FALSE(file == closed);
}

}  // namespace
}  // namespace iommufd_check::mm
