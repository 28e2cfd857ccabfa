"""The kinds of target this project is made of; compiler options are set here alone."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

_WARNINGS = ["-Wall", "-Wextra", "-Werror"]

# GCC 12 takes "text" + std::string() for an overlapping copy (its bug 105651): copts for where it
# does.
NO_RESTRICT = ["-Wno-restrict"]

# What ships and has no loops over data: -O3 would win nothing, and takes 80 KB more of liboctet.so.
SMALL_CODE = ["-Os"]

# base, kernels and engine ship: no exceptions, no run-time type information.
_RUNTIME = ["-fno-exceptions", "-fno-rtti"]

def _export_sources():
    """Every package that has one of our targets shows its sources to //tools:layers_test."""
    if not native.existing_rule("sources"):
        native.filegroup(
            name = "sources",
            srcs = native.glob(["**/*.h", "**/*.cc", "**/*.c"], allow_empty = True),
            visibility = ["//tools:__pkg__"],
        )

def octet_library(name, runtime = False, copts = [], **kwargs):
    """A library; runtime = True for what ships inside liboctet."""
    _export_sources()
    cc_library(
        name = name,
        copts = _WARNINGS + (_RUNTIME if runtime else []) + copts,
        **kwargs
    )

def octet_test(name, size = "small", srcs = None, copts = [], deps = [], **kwargs):
    """A Boost.Test program; its source is NAME.cc unless srcs says otherwise."""
    _export_sources()
    cc_test(
        name = name,
        size = size,
        srcs = srcs or [name + ".cc"],
        copts = _WARNINGS + copts,
        deps = deps + ["@boost.test//:unit_test_main"],
        **kwargs
    )

def octet_c_test(name, copts = [], **kwargs):
    """A test in C, NAME.c: what C programs meet."""
    _export_sources()
    cc_test(
        name = name,
        size = "small",
        srcs = [name + ".c"],
        copts = _WARNINGS + ["-std=c11", "-D_POSIX_C_SOURCE=200809L"] + copts,
        **kwargs
    )

def octet_bench(name, srcs = None, deps = [], **kwargs):
    """A Google Benchmark program; its source is NAME.cc unless srcs says otherwise."""
    _export_sources()
    cc_binary(
        name = name,
        testonly = True,
        srcs = srcs or [name + ".cc"],
        copts = _WARNINGS,
        # First, for Boost.Test, which kernel_testing brings, has a main, too.
        deps = ["@google_benchmark//:benchmark_main"] + deps,
        **kwargs
    )

def octet_binary(name, copts = [], **kwargs):
    """A program for users."""
    _export_sources()
    cc_binary(
        name = name,
        copts = _WARNINGS + copts,
        **kwargs
    )

def octet_kernel(name, deps = [], hdrs = [], textual_hdrs = []):
    """One kernel: NAME.h (contract), NAME.cc (Highway), NAME_ref.h (specification), test and bench."""
    octet_library(
        name = name,
        runtime = True,
        srcs = [name + ".cc"],
        hdrs = [name + ".h", name + "_ref.h"] + hdrs,
        # Highway includes the source once per target.
        textual_hdrs = [name + ".cc"] + textual_hdrs,
        deps = deps + [
            ":kernel_base",
            "//base",
            "@highway//:hwy",
        ],
    )
    octet_test(
        name = name + "_test",
        deps = [
            ":" + name,
            ":kernel_testing",
        ],
    )
    octet_bench(
        name = name + "_bench",
        deps = [
            ":" + name,
            ":kernel_bench",
            ":kernel_testing",
            "//bench:peak",
        ],
    )
