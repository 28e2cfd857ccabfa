"""Debian packages as Bazel repositories.

Each repository below carries the name and the labels of the module of the same
library in the Bazel Central Registry (see MODULE.bazel), so BUILD files need
not know which of the two is in use.  Nothing is downloaded or copied: the
compiler reads the headers where the packages put them, below /usr/include.
"""

_HEADER = """load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_cc//cc:native.bzl", "system_headers")

package(default_visibility = ["//visibility:public"])
"""

def _debian_package_impl(ctx):
    for path in ctx.attr.needs:
        if not ctx.path(path).exists:
            fail("\n\n@{name} needs {path}, which is in the Debian package {apt}.\nInstall it:  apt-get install --yes {apt}\n".format(
                apt = ctx.attr.apt,
                name = ctx.name,
                path = path,
            ))
    for path, name in ctx.attr.links.items():
        ctx.symlink(path, name)
    for source, name in ctx.attr.sources.items():
        ctx.symlink(source, name)
    ctx.file("BUILD.bazel", _HEADER + ctx.attr.build, executable = False)

debian_package = repository_rule(
    implementation = _debian_package_impl,
    local = True,
    attrs = {
        "apt": attr.string(mandatory = True, doc = "name of the Debian package"),
        "needs": attr.string_list(mandatory = True, doc = "files that it must have installed"),
        "links": attr.string_dict(doc = "file of the machine -> name in the repository"),
        "sources": attr.label_keyed_string_dict(doc = "file of this workspace -> name in the repository"),
        "build": attr.string(mandatory = True, doc = "text of the BUILD file"),
    },
    doc = "Gives an installed Debian package the labels of a repository.",
)

def _files_impl(ctx):
    for name, content in ctx.attr.files.items():
        ctx.file(name, content, executable = False)

_files = repository_rule(
    implementation = _files_impl,
    attrs = {"files": attr.string_dict(mandatory = True)},
    doc = "A repository made of the given texts.",
)

# What Bazel 4 would otherwise download for its own BUILD files.
_RULES_CC = {
    "BUILD.bazel": "",
    "cc/BUILD.bazel": """
cc_toolchain_alias(
    name = "current_cc_toolchain",
    visibility = ["//visibility:public"],
)

alias(
    name = "toolchain_type",
    actual = "@bazel_tools//tools/cpp:toolchain_type",
    visibility = ["//visibility:public"],
)
""",
    "cc/native.bzl": """
native_cc_common = cc_common
NativeCcInfo = CcInfo
NativeCcToolchainConfigInfo = CcToolchainConfigInfo

def _system_headers_impl(ctx):
    return [CcInfo(compilation_context = cc_common.create_compilation_context(
        system_includes = depset([ctx.attr.path]),
    ))]

system_headers = rule(
    implementation = _system_headers_impl,
    attrs = {"path": attr.string(mandatory = True)},
    doc = "Folder below /usr/include to search for headers.",
)
""",
    "cc/defs.bzl": """
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
""",
    "cc/cc_toolchain_config_lib.bzl": """
load(
    "@bazel_tools//tools/cpp:cc_toolchain_config_lib.bzl",
    _feature = "feature",
    _flag_group = "flag_group",
    _flag_set = "flag_set",
    _tool_path = "tool_path",
    _with_feature_set = "with_feature_set",
)

feature = _feature
flag_group = _flag_group
flag_set = _flag_set
tool_path = _tool_path
with_feature_set = _with_feature_set
""",
    "cc/action_names.bzl": """
load("@bazel_tools//tools/build_defs/cc:action_names.bzl", _ACTION_NAMES = "ACTION_NAMES")

ACTION_NAMES = _ACTION_NAMES
""",
    "cc/find_cc_toolchain.bzl": """
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", _find_cpp_toolchain = "find_cpp_toolchain")

find_cc_toolchain = _find_cpp_toolchain

def use_cc_toolchain(mandatory = False):
    return ["@bazel_tools//tools/cpp:toolchain_type"]
""",
    "cc/common/BUILD.bazel": "",
    "cc/common/cc_common.bzl": """
load("//cc:native.bzl", "native_cc_common")

cc_common = native_cc_common
""",
    "cc/common/cc_info.bzl": """
load("//cc:native.bzl", "NativeCcInfo")

CcInfo = NativeCcInfo
""",
    "cc/toolchains/BUILD.bazel": "",
    "cc/toolchains/cc_toolchain_config_info.bzl": """
load("//cc:native.bzl", "NativeCcToolchainConfigInfo")

CcToolchainConfigInfo = NativeCcToolchainConfigInfo
""",
}

_RULES_JAVA = {
    "BUILD.bazel": "",
    "java/BUILD.bazel": "",
    "java/defs.bzl": """
java_import = native.java_import
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain
""",
}

_REMOTE_COVERAGE_TOOLS = {
    "BUILD.bazel": """
package(default_visibility = ["//visibility:public"])

filegroup(name = "coverage_report_generator")

filegroup(name = "lcov_merger")
""",
}

def debian_repositories():
    """Declares every repository that the BUILD files of this workspace name."""
    _files(name = "rules_cc", files = _RULES_CC)
    _files(name = "rules_java", files = _RULES_JAVA)
    _files(name = "remote_coverage_tools", files = _REMOTE_COVERAGE_TOOLS)

    debian_package(
        name = "highway",
        apt = "libhwy-dev",
        needs = ["/usr/include/hwy/highway.h"],
        links = {"/usr/share/common-licenses/Apache-2.0": "LICENSE"},
        sources = {"//third_party:highway_runtime.cc": "highway_runtime.cc"},
        build = """
exports_files(["LICENSE"])

cc_library(
    name = "hwy",
    srcs = ["highway_runtime.cc"],
    copts = ["-fno-exceptions", "-fno-rtti"],
)
""",
    )

    debian_package(
        name = "stb",
        apt = "libstb-dev",
        needs = ["/usr/include/stb/stb_image.h"],
        links = {"/usr/include/stb/stb_image.h": "stb_image.h"},
        build = """
exports_files(["stb_image.h"])

system_headers(
    name = "include",
    path = "/usr/include/stb",
)

cc_library(
    name = "stb_image",
    defines = ["STB_IMAGE_IMPLEMENTATION"],
    deps = [":include"],
)

cc_library(
    name = "stb_image_write",
    deps = [":include"],
)
""",
    )

    debian_package(
        name = "cli11",
        apt = "libcli11-dev",
        needs = ["/usr/include/CLI/CLI.hpp"],
        build = """
cc_library(name = "cli11")
""",
    )

    debian_package(
        name = "zlib",
        apt = "zlib1g-dev",
        needs = ["/usr/include/zlib.h"],
        build = """
cc_library(
    name = "zlib",
    linkopts = ["-lz"],
    target_compatible_with = ["@platforms//cpu:x86_64"],
)
""",
    )

    debian_package(
        name = "nlohmann_json",
        apt = "nlohmann-json3-dev",
        needs = ["/usr/include/nlohmann/json.hpp"],
        build = """
cc_library(name = "json")
""",
    )

    debian_package(
        name = "boost.test",
        apt = "libboost-test-dev",
        needs = ["/usr/include/boost/test/unit_test.hpp"],
        sources = {"//third_party:boost_test_runtime.cc": "boost_test_runtime.cc"},
        build = """
cc_library(
    name = "boost.test",
    srcs = select({
        "@platforms//cpu:x86_64": [],
        "//conditions:default": ["boost_test_runtime.cc"],
    }),
    copts = ["-O0", "-w"],
    defines = ["BOOST_TEST_NO_LIB"],
    linkopts = select({
        "@platforms//cpu:x86_64": ["-l:libboost_unit_test_framework.a"],
        "//conditions:default": [],
    }),
)

cc_library(
    name = "unit_test_main",
    deps = [":boost.test"],
)
""",
    )

    debian_package(
        name = "google_benchmark",
        apt = "libbenchmark-dev",
        needs = ["/usr/include/benchmark/benchmark.h"],
        build = """
cc_library(
    name = "benchmark",
    linkopts = ["-lbenchmark", "-lpthread"],
    target_compatible_with = ["@platforms//cpu:x86_64"],
)

cc_library(
    name = "benchmark_main",
    linkopts = ["-lbenchmark_main"],
    deps = [":benchmark"],
)
""",
    )
