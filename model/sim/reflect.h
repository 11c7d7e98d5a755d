// Structural fingerprint and diff of values, from one list of members per type.
//
// A type takes part by naming its members once:
//   template <class Visitor, class... Self>
//   static constexpr void Visit(Visitor&& v, Self&... s) { v("first", s.first...); v("last",
//   s.last...); }
// With one Self the visitor fingerprints, with two it compares. A member that is forgotten there
// would make one of two values that differ in it, so it does not compile: what is left out on
// purpose, as which slot a lock has, is counted in `kUnseen`.
// Integers, enums, strings, pairs,
// vectors, arrays and optionals of such types need nothing. The byte order that is hashed is fixed
// (little-endian 64-bit words, containers preceded by their length), so fingerprints are equal on
// every machine.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace iommufd_check::sim {

struct Fingerprint {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
  friend auto operator<=>(const Fingerprint&, const Fingerprint&) = default;
};

// XXH3 128 of the words appended so far.
Fingerprint HashWords(const std::vector<uint64_t>& words);

namespace reflect_internal {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsArray : std::false_type {};
template <class T, size_t N>
struct IsArray<std::array<T, N>> : std::true_type {};
template <class T>
struct IsPair : std::false_type {};
template <class T>
struct IsSorted : std::false_type {};
template <class K, class V>
struct IsSorted<std::map<K, V>> : std::true_type {};
template <class K>
struct IsSorted<std::set<K>> : std::true_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

// How many members an aggregate has, by how many initialisers it takes.
struct Anything {
  template <class T>
  operator T() const {
    __builtin_unreachable();
  }
};
template <class T, class... Initialisers>
consteval size_t Arity() {
  if constexpr (requires { T{Initialisers{}..., Anything{}}; }) {
    return Arity<T, Initialisers..., Anything>();
  } else {
    return sizeof...(Initialisers);
  }
}

// How many its Visit names: asked of a value that is never made.
template <class T>
union Unborn {
  constexpr Unborn() : none() {}
  constexpr ~Unborn() {}
  char none;
  T value;
};
template <class T>
inline constexpr Unborn<T> kUnborn;
template <class T>
consteval size_t Visited() {
  size_t members = 0;
  T::Visit([&members](const char*, const auto&...) { ++members; }, kUnborn<T>.value);
  return members;
}

template <class T>
consteval size_t Unseen() {
  if constexpr (requires { T::kUnseen; }) return T::kUnseen;
  return 0;
}

// Of a class with private members nobody can tell.
template <class T>
concept NamesEveryMember = !std::is_aggregate_v<T> || Visited<T>() + Unseen<T>() == Arity<T>();

template <class T>
concept Scalar = std::is_arithmetic_v<T> || std::is_enum_v<T>;

}  // namespace reflect_internal

// Flattens a value into words. What is neither scalar nor container goes to Sink::AddOther, which
// may look at some types in its own way and hands the rest to AddMembers.
template <class Sink>
class WordFlattener {
 public:
  template <class T>
  void Add(const T& value) {
    using namespace reflect_internal;
    if constexpr (Scalar<T>) {
      words_.push_back(static_cast<uint64_t>(value));
    } else if constexpr (std::is_same_v<T, std::string>) {
      words_.push_back(value.size());
      for (char c : value) words_.push_back(static_cast<unsigned char>(c));
    } else if constexpr (IsVector<T>::value || IsArray<T>::value || IsSorted<T>::value) {
      words_.push_back(value.size());
      for (const auto& element : value) Add(element);
    } else if constexpr (IsPair<T>::value) {
      Add(value.first);
      Add(value.second);
    } else if constexpr (IsOptional<T>::value) {
      words_.push_back(value.has_value() ? 1 : 0);
      if (value.has_value()) Add(*value);
    } else {
      static_cast<Sink*>(this)->AddOther(value);
    }
  }
  const std::vector<uint64_t>& words() const { return words_; }

 protected:
  template <class T>
  void AddMembers(const T& value) {
    static_assert(reflect_internal::NamesEveryMember<T>, "a member is missing in Visit");
    T::Visit([this](const char*, const auto& member) { this->Add(member); }, value);
  }
  void AddWord(uint64_t word) { words_.push_back(word); }

 private:
  std::vector<uint64_t> words_;
};

class WordSink : public WordFlattener<WordSink> {
 public:
  template <class T>
  void AddOther(const T& value) {
    AddMembers(value);
  }
};

template <class T>
Fingerprint FingerprintOf(const T& value) {
  WordSink sink;
  sink.Add(value);
  return HashWords(sink.words());
}

// One line per difference: "iommufd.ioas[0].iopt.immutable: 0 -> 1".
class DiffSink {
 public:
  explicit DiffSink(size_t limit) : limit_(limit) {}

  template <class T>
  void Compare(const std::string& path, const T& before, const T& after) {
    using namespace reflect_internal;
    if constexpr (Scalar<T>) {
      if (before != after) Line(path, Show(before), Show(after));
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (before != after) Line(path, before, after);
    } else if constexpr (IsVector<T>::value || IsArray<T>::value) {
      CompareSequence(path, before, after);
    } else if constexpr (IsPair<T>::value) {
      Compare(path + ".first", before.first, after.first);
      Compare(path + ".second", before.second, after.second);
    } else if constexpr (IsOptional<T>::value) {
      if (before.has_value() && after.has_value()) {
        Compare(path, *before, *after);
      } else if (before.has_value() != after.has_value()) {
        Line(path, before.has_value() ? "present" : "absent",
             after.has_value() ? "present" : "absent");
      }
    } else {
      static_assert(NamesEveryMember<T>, "a member is missing in Visit");
      T::Visit(
          [&](const char* name, const auto& b, const auto& a) {
            Compare(*name == '\0' ? path : path.empty() ? name : path + "." + name, b, a);
          },
          before, after);
    }
  }

  // The lines, with a last line "... and N more" when the limit was reached.
  std::vector<std::string> TakeLines();

 private:
  template <class T>
  void CompareSequence(const std::string& path, const T& before, const T& after) {
    const size_t common = before.size() < after.size() ? before.size() : after.size();
    for (size_t i = 0; i < common; ++i) {
      Compare(path + "[" + std::to_string(i) + "]", before[i], after[i]);
    }
    if (before.size() != after.size()) {
      Line(path + ".size", std::to_string(before.size()), std::to_string(after.size()));
    }
  }
  template <class T>
  static std::string Show(const T& value) {
    if constexpr (std::is_signed_v<T>) {
      return std::to_string(static_cast<int64_t>(value));
    } else {
      return std::to_string(static_cast<uint64_t>(value));
    }
  }
  void Line(const std::string& path, std::string_view before, std::string_view after);

  size_t limit_;
  size_t suppressed_ = 0;
  std::vector<std::string> lines_;
};

template <class T>
std::vector<std::string> DiffOf(const T& before, const T& after, size_t limit = 20) {
  DiffSink sink(limit);
  sink.Compare("", before, after);
  return sink.TakeLines();
}

}  // namespace iommufd_check::sim
