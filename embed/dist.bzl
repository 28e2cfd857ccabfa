"""The package that is shipped: octet-VERSION-OS-CPU.tar.gz, the same bytes for the same sources."""

load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load(":version.bzl", "SOVERSION", "VERSION")

_CPUS = {"k8": "x86_64"}

# Arguments: strip, the package's folder, the tarball, the version, what states it too (two files),
# the shared library, then pairs of a file and its place.
_PACK = """
set -eu
umask 022
strip=$1 name=$2 out=$PWD/$3 version=$4 header=$5 module=$6 shared=$7; shift 7
grep -q "^#define OCTET_VERSION \\"$version\\"" "$header" &&
  grep -q "^    version = \\"$version\\",\\$" "$module" ||
  { echo "$header or $module has another version than embed/version.bzl, $version" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/$name
while [ $# -gt 0 ]; do
  mkdir -p "$root/$(dirname "$2")"
  cp -L "$1" "$root/$2"
  shift 2
done
"$strip" --strip-unneeded -o "$root/lib/liboctet.so.$version" "$shared"
ln -s "liboctet.so.$version" "$root/lib/liboctet.so.${version%%.*}"
ln -s "liboctet.so.${version%%.*}" "$root/lib/liboctet.so"
chmod -R u=rwX,go=rX "$root"
find "$root" -type f -exec chmod 644 {} +
chmod 755 "$root/lib/liboctet.so.$version"
tar --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
  --mtime='2000-01-01 UTC' --directory="$work" "$name" | gzip -9 --no-name > "$out"
"""

def _octet_dist_impl(ctx):
    toolchain = find_cc_toolchain(ctx)
    cpu = _CPUS.get(toolchain.cpu, toolchain.cpu)
    name = "octet-%s-linux-%s" % (VERSION, cpu)
    out = ctx.actions.declare_file(name + ".tar.gz")

    files, pairs = [], []
    for target, place in ctx.attr.files.items():
        file = target.files.to_list()[0]
        files.append(file)
        pairs += [file.path, place + file.basename if place.endswith("/") else place]
    for target, place in ctx.attr.templates.items():
        template = target.files.to_list()[0]
        file = ctx.actions.declare_file("expanded/" + template.basename)
        ctx.actions.expand_template(
            template = template,
            output = file,
            substitutions = {"@VERSION@": VERSION, "@SOVERSION@": SOVERSION},
        )
        files.append(file)
        pairs += [file.path, place + file.basename]

    stated = [ctx.file.header, ctx.file.module]
    ctx.actions.run_shell(
        outputs = [out],
        inputs = depset(files + stated + [ctx.file.shared], transitive = [toolchain.all_files]),
        arguments = [toolchain.strip_executable, name, out.path, VERSION] +
                    [file.path for file in stated + [ctx.file.shared]] + pairs,
        command = _PACK,
        mnemonic = "OctetDist",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

octet_dist = rule(
    implementation = _octet_dist_impl,
    attrs = {
        "files": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "file -> its place in the package; a folder's ends with /",
        ),
        "templates": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "the same for files in which @VERSION@ and @SOVERSION@ are replaced",
        ),
        "header": attr.label(allow_single_file = True, doc = "octet.h"),
        "module": attr.label(allow_single_file = True, doc = "MODULE.bazel"),
        "shared": attr.label(allow_single_file = True, doc = "liboctet.so"),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = use_cc_toolchain(),
)
