// Where an image's objects live: every use that is wrong is found, and nothing is used twice.
//
// Each object stands alone between two red zones; freed ones are poisoned and their place is not
// given out again before Reset. So a store beyond an object or into a freed one is found by the
// next Damage(), and a pointer read from a freed one leads nowhere (0x6b6b6b6b6b6b6b6b is no
// address). What is read beyond an object is not noticed: that needs instrumented code.
//
// The memory lies at an address that depends on nothing but `slot`, so that pointers are the same
// in each process.
//
//   Arena arena(0);
//   void* object = arena.Allocate(48, 16, site);
//   arena.Keep();                 // this is the state to come back to
//   ... arena.Free(object, site);
//   arena.Reset();
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace iommufd_check::linux_host {

using Site = const void*;  // code that asked for something

// Memory at a fixed place, zero at first. Null: the place is taken.
void* MapAt(uintptr_t address, size_t bytes);
void Unmap(void* memory, size_t bytes);

class Arena {
 public:
  static constexpr size_t kBytes = size_t{256} << 20;
  static constexpr int kSlots = 16;
  // Of `slot`, and of what the machine has besides.
  static constexpr uintptr_t AddressOf(int slot) {
    return 0x200000000000 + static_cast<uintptr_t>(slot) * 0x100000000;
  }

  explicit Arena(int slot);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  bool mapped() const { return memory_ != nullptr; }  // false: nothing else may be called

  // Zeroed; null when the arena is full. REQUIRES: `alignment` is a power of two, at most a page.
  void* Allocate(size_t bytes, size_t alignment, Site site);

  enum class Freed : uint8_t { kOk, kTwice, kNoObject, kDamaged };
  Freed Free(const void* object, Site site);

  // Bytes that were asked for, or nothing: no object begins there.
  size_t SizeOf(const void* object) const;

  // An object whose surroundings, or whose remains, were written to. Null: none was.
  struct Object {
    size_t offset = 0;
    size_t bytes = 0;
    Site allocated = nullptr;
    Site freed = nullptr;
    bool live = true;
    friend bool operator==(const Object&, const Object&) = default;
  };
  const Object* Damage() const;

  // Those that live and were not there at Keep, in the order in which they were allocated.
  std::vector<Object> NewObjects() const;
  // Of Keep, those that do not live any more.
  std::vector<Object> MissingObjects() const;

  void Keep();
  void Reset();  // REQUIRES: Keep since Clear.
  void Clear();  // No object, nothing kept.

  // Of the bytes in use and what is known of them.
  uint64_t Digest(uint64_t seed) const;
  size_t kept_bytes() const { return kept_.size(); }

 private:
  char* At(size_t offset) const { return memory_ + offset; }
  // The object that begins there, by the number in front of it; null: none does.
  const Object* Find(const void* object) const;
  bool Intact(const Object& object) const;

  char* memory_ = nullptr;
  size_t top_ = 0;
  std::vector<Object> objects_;

  std::vector<char> kept_;
  std::vector<Object> kept_objects_;
};

}  // namespace iommufd_check::linux_host
