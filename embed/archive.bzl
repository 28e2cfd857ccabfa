"""liboctet.a: everything that the C API consists of in one object with that API as its only symbols,
so that it links with any compiler's driver and meets nobody's C++ library."""

load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

# --gc-sections keeps what the API reaches. Groups of inline functions are dissolved: a linker would
# take a consumer's copy of one for ours, or ours for his, by its name. The second link makes unique
# symbols (GCC's for variables of inline functions), which objcopy would leave alone, global ones.
_LINK = """
set -eu
compiler=$1 ld=$2 objcopy=$3 ar=$4 nm=$5 out=$6; shift 6
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
roots=$("$nm" --defined-only "$@" 2> "$work/nm" | sed -n 's/.* T \\(octet_[a-z0-9_]*\\)$/-u \\1/p')
[ -n "$roots" ] || { cat "$work/nm" >&2; echo "no octet_ symbols" >&2; exit 1; }
"$ld" -r --gc-sections --force-group-allocation $roots -o "$work/all.o" \
  --start-group "$@" "$("$compiler" -print-libgcc-file-name)" --end-group
"$compiler" -fuse-ld=gold -r -nostdlib -Wl,--no-gnu-unique -o "$work/plain.o" "$work/all.o"
"$objcopy" --wildcard --keep-global-symbol='octet_*' --strip-unneeded --remove-section=.comment \
  "$work/plain.o" "$work/octet.o"
rm -f "$out"
"$ar" rcsD "$out" "$work/octet.o"
"""

def _octet_archive_impl(ctx):
    archives = []
    for library in ctx.attr.libraries:
        for input in library[CcInfo].linking_context.linker_inputs.to_list():
            for part in input.libraries:
                archives.append(part.pic_static_library or part.static_library)
    toolchain = find_cc_toolchain(ctx)
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.run_shell(
        outputs = [out],
        inputs = depset(archives, transitive = [toolchain.all_files]),
        arguments = [
            toolchain.compiler_executable,
            toolchain.ld_executable,
            toolchain.objcopy_executable,
            toolchain.ar_executable,
            toolchain.nm_executable,
            out.path,
        ] + [archive.path for archive in depset(archives).to_list()],
        command = _LINK,
        mnemonic = "OctetArchive",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([out]))]

octet_archive = rule(
    implementation = _octet_archive_impl,
    attrs = {
        "libraries": attr.label_list(providers = [CcInfo], mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = use_cc_toolchain(),
)
