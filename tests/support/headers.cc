// The headers that tests share: tests/CMakeLists.txt precompiles them.
