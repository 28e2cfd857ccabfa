"""liboctet.a: everything that a target consists of, and the C++ library's share of it, in one object
with the C API as its only symbols, so that it links with any compiler's driver."""

load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _octet_archive_impl(ctx):
    archives = []
    for input in ctx.attr.library[CcInfo].linking_context.linker_inputs.to_list():
        for library in input.libraries:
            archives.append(library.pic_static_library or library.static_library)
    toolchain = ctx.attr._cc_toolchain[cc_common.CcToolchainInfo]
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.run_shell(
        outputs = [out],
        inputs = depset(archives, transitive = [toolchain.all_files]),
        arguments = [
            toolchain.compiler_executable,
            toolchain.objcopy_executable,
            toolchain.ar_executable,
            out.path,
            ctx.attr.keep,
        ] + [archive.path for archive in archives],
        command = """
set -eu
compiler=$1 objcopy=$2 ar=$3 out=$4 keep=$5; shift 5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$compiler" -r -nostdlib -Wl,--gc-sections -Wl,--gc-keep-exported -o "$work/all.o" \
  -Wl,--start-group "$@" "$("$compiler" -print-file-name=libstdc++.a)" -Wl,--end-group 
"$objcopy" --wildcard --keep-global-symbol="$keep" --strip-debug "$work/all.o" "$work/octet.o"
rm -f "$out"
"$ar" rcsD "$out" "$work/octet.o"
""",
        mnemonic = "OctetArchive",
    )
    return [DefaultInfo(files = depset([out]))]

octet_archive = rule(
    implementation = _octet_archive_impl,
    attrs = {
        "library": attr.label(providers = [CcInfo], mandatory = True),
        "keep": attr.string(mandatory = True, doc = "pattern of the symbols that stay visible"),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
)
