# Debian's libraries, as static archives: with all of them dynamic an empty main already takes 21 MB of RSS.

find_package(Threads REQUIRED)

# weft_archive(<target> <archive>...): an interface target for static archives in link order.
function(weft_archive target)
  add_library(${target} INTERFACE)
  foreach(archive ${ARGN})
    find_library(WEFT_ARCHIVE_${archive} lib${archive}.a REQUIRED)
    target_link_libraries(${target} INTERFACE ${WEFT_ARCHIVE_${archive}})
  endforeach()
endfunction()

weft_archive(openssl ssl crypto)
target_link_libraries(openssl INTERFACE Threads::Threads ${CMAKE_DL_LIBS})
weft_archive(cares cares)
weft_archive(nghttp2 nghttp2)
weft_archive(re2 re2)
target_link_libraries(re2 INTERFACE Threads::Threads)
weft_archive(protobuf protobuf z)
target_link_libraries(protobuf INTERFACE Threads::Threads)
weft_archive(yaml_cpp yaml-cpp)
weft_archive(xxhash xxhash)
weft_archive(gtest gmock gtest)
target_link_libraries(gtest INTERFACE Threads::Threads)
weft_archive(gtest_main gtest_main)
target_link_libraries(gtest_main INTERFACE gtest)

# Header-only.
add_library(expected INTERFACE)
add_library(nlohmann_json INTERFACE)
add_library(cli11 INTERFACE)

# Debian ships fmt and spdlog as shared libraries or headers only; their sources are in the headers, so each is
# compiled once here instead of in every file that formats or logs.
add_library(weft_fmt STATIC third_party/fmt.cc)
target_compile_options(weft_fmt PRIVATE -w)
add_library(weft_spdlog STATIC third_party/spdlog.cc)
target_compile_options(weft_spdlog PRIVATE -w)
target_compile_definitions(weft_spdlog PUBLIC SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)
target_link_libraries(weft_spdlog PUBLIC weft_fmt Threads::Threads)

# The generated Envoy messages: built once by ./dev into build/protos, shared by every preset.
set(WEFT_PROTOS ${CMAKE_SOURCE_DIR}/build/protos)
if(NOT EXISTS ${WEFT_PROTOS}/libweft_protos.a)
  message(FATAL_ERROR "build/protos/libweft_protos.a is missing: run ./dev build")
endif()
add_library(weft_protos INTERFACE)
target_include_directories(weft_protos SYSTEM INTERFACE ${WEFT_PROTOS}/gen)
target_link_libraries(weft_protos INTERFACE ${WEFT_PROTOS}/libweft_protos.a protobuf)
