"""Flags of the build: --//tools:operators and its neighbours. A target that depends on one is compiled
with the definitions of the value that was chosen; a value that does not exist is an error."""

load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _defines(defines):
    return [CcInfo(compilation_context = cc_common.create_compilation_context(
        defines = depset(defines),
    ))]

def _choice_impl(ctx):
    value = ctx.build_setting_value
    if value not in ctx.attr.values:
        fail("%s is '%s', expects one of %s" % (ctx.label, value, ", ".join(ctx.attr.values)))
    return _defines(ctx.attr.values[value])

choice = rule(
    implementation = _choice_impl,
    build_setting = config.string(flag = True),
    attrs = {"values": attr.string_list_dict(mandatory = True, doc = "value -> definitions")},
    doc = "One of several values.",
)

def _words_impl(ctx):
    value = ctx.build_setting_value
    words = ctx.attr.sets.get(value, value)
    return _defines(['%s="%s"' % (ctx.attr.define, words)] if words else [])

words = rule(
    implementation = _words_impl,
    build_setting = config.string(flag = True),
    attrs = {
        "define": attr.string(mandatory = True, doc = "the definition, a string; none when empty"),
        "sets": attr.string_dict(doc = "names for lists that are used often"),
    },
    doc = "Words with commas between them, which the code reads.",
)
