// What LUO's handlers do with the files of their kind, and what they are asked about none.
#include "model/liveupdate/file_handler.h"

#include <gtest/gtest.h>

#include "model/iommufd/ioctl.h"
#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

class FileHandlerTest : public LiveUpdateTest {
 protected:
  uint32_t MemfdReferences() const {
    return m.world.machine.memfds.Find(m.memfd(1))->file.count.value;
  }
  uint32_t IommufdReferences() const {
    return m.world.kernel.iommufd.contexts.Find(iommufd::IommufdAt(0))->file.count.value;
  }
  // Whether the handler of `file` got it; it is put again when it did.
  bool Gets(FileRef file) {
    bool got = false;
    m.Call([&](Kernel& k) {
      got = HandlerOf(file).get(k, file);
      return 0;
    });
    return got;
  }
  void Put(FileRef file) {
    m.Call([&](Kernel& k) {
      HandlerOf(file).put(k, file);
      return 0;
    });
  }
};

TEST_F(FileHandlerTest, GetsAndPutsTheFileThatItIsGiven) {
  EXPECT_TRUE(Gets(MemfdRef(1)));
  EXPECT_EQ(MemfdReferences(), 2u);
  EXPECT_EQ(IommufdReferences(), 1u);
  Put(MemfdRef(1));
  EXPECT_EQ(MemfdReferences(), 1u);
  EXPECT_TRUE(Gets(kIommufd));
  EXPECT_EQ(IommufdReferences(), 2u);
  EXPECT_EQ(MemfdReferences(), 1u);
  Put(kIommufd);
  EXPECT_EQ(IommufdReferences(), 1u);
}

TEST_F(FileHandlerTest, AClosedIommufdIsNotGot) {
  m.Bind();  // keeps the file
  EXPECT_EQ(m.Call([](Kernel& k) { return iommufd::close_iommufd(k, k.ctx); }), 0);
  EXPECT_EQ(IommufdReferences(), 1u);
  EXPECT_FALSE(Gets(kIommufd));
  EXPECT_EQ(IommufdReferences(), 1u);
}

TEST_F(FileHandlerTest, TheFlbFollowsIommufdsOnly) {
  EXPECT_TRUE(HandlerOf(kIommufd).has_flb);
  EXPECT_FALSE(HandlerOf(MemfdRef(0)).has_flb);
}

TEST_F(FileHandlerTest, PreservesAndUnpreservesAMemfd) {
  const SessionHandle session = NewSession("vm");
  uint64_t data = 0;
  EXPECT_EQ(m.Call([&](Kernel& k) {
    return HandlerOf(MemfdRef(1)).preserve(k, session, MemfdRef(1), &data);
  }),
            0);
  EXPECT_NE(data, 0u);
  EXPECT_TRUE(m.world.machine.memfds.Find(m.memfd(1))->state.Peek().frozen);
  EXPECT_TRUE(IsRegistered(mm::PfnOf(data)));
  m.Call([&](Kernel& k) {
    HandlerOf(MemfdRef(1)).unpreserve(k, session, MemfdRef(1), data);
    return 0;
  });
  EXPECT_FALSE(m.world.machine.memfds.Find(m.memfd(1))->state.Peek().frozen);
  EXPECT_THAT(Registered(), IsEmpty());
}

TEST_F(FileHandlerTest, NoFileHasNoHandler) {
  EXPECT_DEATH(HandlerOf(FileRef{}), "a file that is open is of some kind");
  EXPECT_DEATH(Put({}), "a file that is open is of some kind");
}

}  // namespace
}  // namespace iommufd_check::liveupdate
