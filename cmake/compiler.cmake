# Compiler, linker and cache settings of each variant (debug, release, asan, tsan).

# Paths below the source root are hashed relative to it, so that checkouts in different folders share one cache.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers
                    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -fno-omit-frame-pointer)
add_link_options(-fuse-ld=mold)

# CMake's own Debug and Release flags are replaced: -g1 keeps backtraces at a fraction of the link time.
set(CMAKE_CXX_FLAGS_DEBUG "")
set(CMAKE_CXX_FLAGS_RELEASE "")

if(WEFT_VARIANT STREQUAL "release")
  # g++ 12 takes a list node that is returned by value for a local left on its list.
  add_compile_options(-O2 -DNDEBUG -ffunction-sections -fdata-sections $<$<CXX_COMPILER_ID:GNU>:-Wno-dangling-pointer>)
  add_link_options(-Wl,--gc-sections -static-libgcc -static-libstdc++)
elseif(WEFT_VARIANT STREQUAL "debug")
  add_compile_options(-O0 -g1)
  add_compile_definitions(WEFT_DEBUG=1)
elseif(WEFT_VARIANT STREQUAL "asan")
  # vptr and function checks need every linked archive instrumented; Debian's are not.
  add_compile_options(-O1 -g1 -fsanitize=address,undefined,fuzzer-no-link
                      -fno-sanitize=vptr,function -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined -fno-sanitize=vptr,function)
  add_compile_definitions(WEFT_DEBUG=1)
elseif(WEFT_VARIANT STREQUAL "tsan")
  add_compile_options(-O1 -g1 -fsanitize=thread)
  add_link_options(-fsanitize=thread)
  add_compile_definitions(WEFT_DEBUG=1)
else()
  message(FATAL_ERROR "configure with a preset: cmake --preset debug|release|asan|tsan")
endif()
